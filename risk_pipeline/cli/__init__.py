"""The command line. Nothing heavy is imported before a command needs it: `--help` answers within half a second."""

from __future__ import annotations


def main() -> None:
    """Entry point of `risk-pipeline`. Ends the process: 0 done, 1 failed, 2 wrong usage, 3 refused by a gate, 4 locked."""
    from risk_pipeline.cli.app import run

    raise SystemExit(run())
