"""Make snapshots for tests of displays."""

from gatekeeper.display.terminal.snapshot import SessionInfo, Snapshot, StructureLimits, StructureNow

FACTS = SessionInfo("P_001", "mrd 127.0.0.1:9002", "lease 127.0.0.1:7400", 5.0, 0.5, 5.0)
BEAM_ON = Snapshot(
    time_s=3723.4,
    phase="delivery",
    state="ON",
    reasons=(),
    frame_rate=8.0,
    age_ms=112.0,
    outside_percent=1.25,
    confidence=0.93,
    row_mm=60.0,
    col_mm=48.0,
    p50_ms=0.42,
    p99_ms=1.1,
    max_ms=3.4,
    duty_cycle=0.562,
    beam_on_s=22.4,
    frames=240,
    link_alive=True,
)
HELD_NOW = BEAM_ON._replace(state="HOLD", reasons=("outside",), outside_percent=7.25)
SEVERAL = FACTS._replace(
    structures=(
        StructureLimits("GTV", "#F0E442", "outside", "%", 5.0, 0.5),
        StructureLimits("a node with a name that is too long", "#56B4E9", "outside", "%", 2.0, 0.6),
        StructureLimits("Duodenum", "#D55E00", "overlap", "mm²", 30.0, 0.5),
    )
)
HELD_BY_TWO = HELD_NOW._replace(
    reasons=("low_confidence", "outside", "avoid_in_zone"),
    structures=(
        StructureNow("GTV", 1.1, 0.93, ()),
        StructureNow("a node with a name that is too long", 7.25, 0.41, ("low_confidence", "outside")),
        StructureNow("Duodenum", 12345.6, 0.88, ("avoid_in_zone",)),
    ),
)
