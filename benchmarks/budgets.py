"""Define the time budget of every stage.

At 8 frames per second there are 125 ms per frame, but the engine's time adds to the latency of scanner and linac. It is
therefore limited to well below a millisecond from frame to decision on an ordinary core. Frames are 176 x 140 pixels.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Time budget of one stage.

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
    Budget("block_mean", 15, 60, "mean of pixel blocks over the search window"),
    Budget("correlate", 25, 100, "correlation at every offset of the window"),
    Budget("best_peaks", 5, 20, "two best sub-pixel peaks of the correlation"),
    Budget("coarse_fit", 40, 120, "free-form fit, coarse level"),
    Budget("fine_fit", 90, 270, "free-form fit, fine level"),
    Budget("warp_contour", 4, 20, "contour moved by the fitted displacement"),
    Budget("polygon_area", 2, 10, "area of a contour"),
    Budget("polygon_centroid", 2, 10, "centroid of a contour"),
    Budget("polygon_fill", 5, 20, "mask of a contour"),
    Budget("polygon_coverage", 12, 50, "sub-pixel coverage of a contour"),
    Budget("area_outside", 30, 100, "exact area outside the envelope"),
    Budget("clearance", 900, 2700, "distance of an organ from its keep-out zone, for a limit in mm"),
    Budget("validity", 10, 40, "check for NaN, infinity and variation"),
    Budget("survey", 12, 40, "checks for NaN, constant and clipped pixels, and the fingerprint"),
    Budget("survey_512", 100, 300, "the same for 512 x 512 pixels"),
    Budget("noise", 12, 40, "comparison of the noise with that of 127 frames"),
    Budget("checksum_512", 300, 900, "CRC-64 of an OpenIGTLink image, 512 x 512, uint16"),
    Budget("track", 300, 900, "target found on one frame"),
    Budget("image_128", 300, 900, "track, 128 x 128, 2 mm pixels, float32"),
    Budget("image_512_wider", 450, 1350, "the same target on 512 x 512, 2 mm"),
    Budget("image_512_finer", 450, 1350, "the same target on 512 x 512, 0.5 mm"),
    Budget("image_128_uint16", 300, 900, "track, 128 x 128, 2 mm pixels, uint16"),
    Budget("image_512_wider_uint16", 450, 1350, "the same target on 512 x 512, 2 mm"),
    Budget("image_512_finer_uint16", 450, 1350, "the same target on 512 x 512, 0.5 mm"),
    Budget("target_15_mm", 300, 900, "track, target of 15 mm"),
    Budget("target_60_mm", 450, 1350, "track, target of 60 mm"),
    Budget("structures_1", 300, 900, "track, one structure of 30 mm"),
    Budget("structures_2", 600, 1800, "two of them on the same frames"),
    Budget("structures_4", 1200, 3600, "four of them"),
    Budget("decide", 60, 200, "gate decision on one frame"),
    Budget("engine_step", 400, 1200, "frame in, decision out"),
    Budget("record", 150, 10_000, "one decision and its frame handed to the writer"),
    Budget("replay", 500_000, 1_000_000, "240 frames: player, loop, and writing to the disk"),
    Budget("first_import", 60_000_000, 60_000_000, "all kernels compiled, once per installation"),
    Budget("next_import", 4_000_000, 4_000_000, "all kernels loaded from the cache"),
)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Limit of the time of one stage relative to another.

    Attributes
    ----------
    stage, beside : str
        Stages of `BUDGETS`.
    most : float
        Limit of the ratio of their medians.
    """

    stage: str
    beside: str
    most: float


RATIOS = (
    Ratio("image_512_wider", "image_128", 1.5),
    Ratio("image_512_finer", "image_128", 1.5),
    Ratio("image_512_wider_uint16", "image_128_uint16", 1.5),
    Ratio("image_512_finer_uint16", "image_128_uint16", 1.5),
    Ratio("target_60_mm", "target_15_mm", 1.5),
    # In proportion, with 10 % more for noise of the clock and for differences between structures.
    Ratio("structures_2", "structures_1", 2.2),
    Ratio("structures_4", "structures_1", 4.4),
)
