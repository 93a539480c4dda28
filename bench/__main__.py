"""`python -m bench [--quick] [--only NAME] [--write FILE]`: run the lines, print the table, exit 1 when a target is missed."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.lines import FULL, LINES, QUICK, Line

BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when every target was met. With --quick the sizes are too small for targets: only errors count."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small ledgers, one run each: does it work, not how fast it is")
    parser.add_argument("--only", action="append", choices=list(LINES), help="this line only (may be repeated)")
    parser.add_argument("--write", type=Path, help=f"also put the table between the markers of this file ({BEGIN})")
    options = parser.parse_args(arguments)
    machine = _machine()
    print(machine, flush=True)
    print(f"{'line':28} {'measured':>16} {'target':>18} {'':8} note", flush=True)
    lines: list[Line] = []
    for name in options.only or LINES:
        for line in LINES[name](QUICK if options.quick else FULL):
            print(_row(line, binding=not options.quick), flush=True)
            lines.append(line)
    if options.write:
        write_figures(options.write, machine, lines)
    missed = sum(not line.met for line in lines)
    if missed and not options.quick:
        print(f"{missed} targets missed")
    return 1 if missed and not options.quick else 0


def write_figures(path: Path, machine: str, lines: list[Line]) -> None:
    """Replace what stands between the markers of `path` by the machine and a Markdown table of the lines."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"bench: {path} has no lines {BEGIN} and {END}")
    rows = ["| line | measured | target | | note |", "|---|---:|---:|---|---|"]
    rows += [f"| {line.name} | {_value(line)} | {line.target} | {_verdict(line)} | {line.note} |" for line in lines]
    path.write_text(f"{before}{BEGIN}\n{machine}\n\n" + "\n".join(rows) + f"\n{END}{after}", encoding="utf-8")


def _machine() -> str:
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    shape = f"{os.cpu_count()} cores, {gigabytes:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    return f"{shape}, {datetime.now(UTC):%Y-%m-%d}, load when it began {os.getloadavg()[0]:.1f}"


def _value(line: Line) -> str:
    return f"{line.value:,.2f} {line.unit}".strip() if line.value < 1000 else f"{line.value:,.0f} {line.unit}".strip()


def _verdict(line: Line) -> str:
    return "" if line.limit is None else "met" if line.met else "MISSED"


def _row(line: Line, *, binding: bool) -> str:
    verdict = _verdict(line) if binding else ""
    return f"{line.name:28} {_value(line):>16} {line.target:>18} {verdict:8} {line.note}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
