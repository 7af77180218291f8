"""Examples of each command, shown at the end of its help and in the reference."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "replay": (
        "gatekeeper replay CASE --margin-mm 5",
        "gatekeeper replay CASE --console --speed 1",
    ),
    "demo": ("gatekeeper demo", "gatekeeper demo --console"),
    "bench": ("gatekeeper bench", "gatekeeper bench CASE --json"),
    "run": ("gatekeeper run SESSION.toml", "gatekeeper run SESSION.toml --console --control"),
    "phantom": ("gatekeeper phantom cases/P1 --config phantom.toml",),
    "verify": ("gatekeeper verify SESSION_DIR", "gatekeeper verify SESSION_DIR --seal F.seal.json --trusted keys/"),
    "report": ("gatekeeper report SESSION_DIR",),
    "course": ("gatekeeper course sessions/P07-* --out course.html",),
    "console": ("gatekeeper console SESSION_DIR",),
    "info": ("gatekeeper info CASE", "gatekeeper info --plugins"),
    "convert": ("gatekeeper convert CASE recording.npz",),
    "export": ("gatekeeper export SESSION_DIR --slicer --out OUT_DIR",),
    "check": ("gatekeeper check SESSION.toml",),
    "feed": ("gatekeeper feed CASE --to mrd://127.0.0.1:9002",),
    "forecast": (
        "gatekeeper forecast case/ --preview-s 20 --beam-s 1140",
        "gatekeeper forecast motion.csv --preview-s 25 --json",
    ),
    "sweep": ("gatekeeper sweep cases/* --grid grid.toml --out swept",),
    "interlock": ("gatekeeper interlock --listen 127.0.0.1:7400 --key-file lease.key",),
    "seal": ("gatekeeper seal SESSION_DIR",),
    "cohort": ("gatekeeper cohort sessions --out cohort",),
    "command": ("gatekeeper command SESSION_DIR hold", "gatekeeper command SESSION_DIR message well done"),
    "trackrad run": ("gatekeeper trackrad run --input DIR --output DIR",),
    "trackrad score": ("gatekeeper trackrad score --truth DIR --predictions DIR",),
    "qa latency": ("gatekeeper qa latency SESSION.toml",),
}
"""Lines to be typed, by command."""
