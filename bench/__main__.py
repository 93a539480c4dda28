"""`python -m bench [--quick] [--only NAME ...]`: run the lines, print the table, exit 1 when a target is missed."""

from __future__ import annotations

import argparse
import os
import platform
import sys

from bench.lines import FULL, LINES, QUICK, Line


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when every target was met. With --quick the sizes are too small for targets: only errors count."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small ledgers, one run each: does it work, not how fast it is")
    parser.add_argument("--only", action="append", choices=list(LINES), help="this line only (may be repeated)")
    options = parser.parse_args(arguments)
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}", flush=True)
    print(f"{'line':28} {'measured':>16} {'target':>18} {'':8} note", flush=True)
    missed = 0
    for name in options.only or LINES:
        for line in LINES[name](QUICK if options.quick else FULL):
            print(_row(line, binding=not options.quick), flush=True)
            missed += not line.met
    if missed and not options.quick:
        print(f"{missed} targets missed")
    return 1 if missed and not options.quick else 0


def _row(line: Line, *, binding: bool) -> str:
    verdict = "" if line.limit is None or not binding else "met" if line.met else "MISSED"
    value = f"{line.value:,.2f}" if line.value < 1000 else f"{line.value:,.0f}"
    return f"{line.name:28} {value + ' ' + line.unit:>16} {line.target:>18} {verdict:8} {line.note}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
