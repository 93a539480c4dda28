"""`gc`: what was removed from the warehouse, and what is due.

Put here: what is printed. Keep out: which files go (pipeline.gc).
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from risk_pipeline.cli import output
from risk_pipeline.settings import Workspace

SCREEN_ROWS = 30
REASONS = {
    "failed_run": "staged by a run that failed",
    "refused_run": "staged by a run that was refused",
    "simulation_superseded": "a simulation that readers are no longer shown",
    "retention_ended": "a superseded assessment beyond decisions_years",
    "replaced": "replaced by a compacted part, or of a delivery that was not stored",
    "temporary": "half written by a process that was killed",
    "scratch": "left by a process that was killed",
}


def collect_garbage(root: Path, by: str | None, dry_run: bool, as_json: bool) -> None:
    """Remove what nobody needs, or say what would be removed."""
    from risk_pipeline.orchestration.workspaces import open_register, whoever
    from risk_pipeline.pipeline.gc import collect

    workspace = Workspace.load(root)
    with open_register(workspace) as register:
        found = collect(workspace, register, by=whoever(by), now=datetime.now(UTC), dry_run=dry_run)
    if as_json:
        output.print_json({"dry_run": dry_run, **asdict(found)})
        return
    out = output.console()
    files, size = sum(len(each.files) for each in found.removals), sum(each.size for each in found.removals)
    said = "would be removed" if dry_run else "removed"
    out.print(
        f"{files} files ({size:,} bytes) {said}; {found.kept_files} files ({found.kept_bytes:,} bytes) stay", soft_wrap=True
    )
    if found.removals:
        rows = [(each.subject, REASONS[each.reason], len(each.files), f"{each.size:,}") for each in found.removals]
        out.print(output.table(["what", "why", "files", "bytes"], rows[:SCREEN_ROWS], [2, 3], fold=[0, 1]))
    for due in found.due:
        out.print(f"due: {due.what}, {due.rows:,} rows from before {due.until} ({due.rule}); docs/retention.md", soft_wrap=True)
    for name in found.strange[:SCREEN_ROWS]:
        out.print(f"left alone, the register does not know it: {name}", soft_wrap=True)
