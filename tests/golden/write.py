"""Write the pinned decisions anew: `make golden`. Read the difference before it is committed."""

import tempfile
from pathlib import Path

from tests.golden.scenes import PHANTOMS, record, write


def main() -> None:
    """Record every scene and write its decisions."""
    for name in PHANTOMS:
        with tempfile.TemporaryDirectory() as folder:
            entries = record(name, Path(folder) / "session")
        write(name, entries)
        print(f"{name}: {len(entries)} decisions, {sum(entry['state'] == 'ON' for entry in entries)} of them beam-on")


if __name__ == "__main__":
    main()
