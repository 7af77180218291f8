"""The time budget of every stage, in one table.

A frame at 8 per second leaves 125 ms, but what the engine takes comes on top of the scanner's and the linac's latency,
so that it is held to well below a millisecond from frame to decision on an ordinary core. Frames are 176 x 140.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """What one stage may take.

    Attributes
    ----------
    stage : str
        Name of the stage; the benchmark that measures it is called ``test_<stage>``.
    p50_us : float
        Median, in microseconds.
    p99_us : float
        99th percentile, in microseconds.
    what : str
        What is measured.
    """

    stage: str
    p50_us: float
    p99_us: float
    what: str


BUDGETS = (
    Budget("block_mean", 15, 60, "joining pixels over the search window"),
    Budget("correlate", 25, 100, "correlation at every offset of the window"),
    Budget("best_peaks", 5, 20, "two best sub-pixel peaks of it"),
    Budget("coarse_fit", 40, 120, "free-form fit, coarse level"),
    Budget("fine_fit", 90, 270, "free-form fit, fine level"),
    Budget("warp_contour", 4, 20, "contour moved by the fitted displacement"),
    Budget("polygon_area", 2, 10, "area of a contour"),
    Budget("polygon_centroid", 2, 10, "centroid of a contour"),
    Budget("polygon_fill", 5, 20, "mask of a contour"),
    Budget("polygon_coverage", 12, 50, "sub-pixel coverage of a contour"),
    Budget("area_outside", 30, 100, "exact area outside the envelope"),
    Budget("validity", 10, 40, "check for NaN, infinity and variation"),
    Budget("track", 300, 900, "target found on one frame"),
    Budget("decide", 60, 200, "gate decision on one frame"),
    Budget("engine_step", 400, 1200, "frame in, decision out"),
    Budget("record", 150, 10_000, "one decision and its frame handed to the writer"),
    Budget("replay", 500_000, 1_000_000, "240 frames: player, loop, and until all is on the disk"),
    Budget("first_import", 60_000_000, 60_000_000, "all kernels compiled, once per installation"),
    Budget("next_import", 4_000_000, 4_000_000, "all kernels loaded from the cache"),
)
