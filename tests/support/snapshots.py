"""Make snapshots for tests of displays."""

from gatekeeper.display.terminal.snapshot import SessionInfo, Snapshot

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
