"""Run the attacks and print their table.

`python -m benchmarks.attacks [--only NAME] [--quick] [--json] [--write docs/explanation/safety.md]`

The exit code is 1 when the beam was on while the target was out for longer than stated, HOLD came later than stated, or
an attack shows nothing because the beam was not on before.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.attacks.attack import Attack, Row, collect, run_all
from benchmarks.attacks.table import BEGIN, END, markdown, table, values


def told(row: Row) -> None:
    """Print one row to standard error as soon as it is known."""
    print(f"{'ok  ' if row.ok else 'FAIL'} {row.attack.name}: {row.outcome.reason}", file=sys.stderr, flush=True)


def write(text: str, path: Path) -> None:
    """Write the table into a document, between its markers."""
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None, attacks: Sequence[Attack] | None = None) -> int:
    """Run, print, and return 1 when a row is beyond its limit."""
    attacks = collect() if attacks is None else attacks
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks", description=__doc__)
    parser.add_argument("--only", nargs="+", help="only these", choices=[attack.name for attack in attacks])
    parser.add_argument("--quick", action="store_true", help="run the shorter forms")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.add_argument("--write", type=Path, help="write the table into this document")
    options = parser.parse_args(arguments)
    chosen = [attack for attack in attacks if not options.only or attack.name in options.only]
    rows = run_all(chosen, options.quick, told)
    Console(width=160).print(table(rows))
    if options.write is not None:
        write(markdown(rows), options.write)
    if options.json:
        print(json.dumps({"attacks": values(rows)}))
    return int(not all(row.ok for row in rows))


if __name__ == "__main__":
    sys.exit(main())
