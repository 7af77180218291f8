"""The command line of the fuzzers: options, results, verdict and exit code."""

import argparse
import json
from collections.abc import Callable, Collection

GROWTH_KIB = 4096
"""Limit of the growth of memory after the first tenth of the messages."""

Found = dict[str, object]


def run_fuzz(
    description: str | None,
    noun: str,
    names: Collection[str],
    measure: Callable[[str, int, int], Found],
    faults: Callable[[Found], list[str]],
) -> int:
    """Fuzz what the command line names, print the results, and return the exit code.

    Parameters
    ----------
    description : str or None
        What is fuzzed, for the help.
    noun : str
        What a name stands for, such as "protocol".
    names : collection of str
        What may be named; all by default.
    measure : callable
        Returns the results, from a name, the number of messages and a seed.
    faults : callable
        Returns the violated requirements as text, from the results.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("names", metavar=f"{noun}s", nargs="*", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"{', '.join(sorted(unknown))}: no such {noun}; they are {', '.join(names)}")
    code = 0
    for name in options.names or names:
        found = measure(name, options.count, options.seed)
        wrong = faults(found)
        code |= bool(wrong)
        if options.json:
            print(json.dumps({**found, "faults": wrong}))
        else:
            for what, value in found.items():
                print(f"{what:20} {value}")
            print(f"{'verdict':20} {'; '.join(wrong) or 'ok'}")
    return code
