"""`report --evidence`: the evidence pack of a customer or a run, as a folder or a zip.

Put here: where it is written and what is printed. Keep out: gathering (pipeline.evidence), its files (reporting.evidence_pack).
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import one_date
from risk_pipeline.cli.reader import readable
from risk_pipeline.settings import Workspace

UNSAFE = re.compile(r"[^\w.-]+")


def write_evidence(root: Path, said: str, as_of: str | None, to: Path | None, as_json: bool) -> None:
    """Write the pack to `to`, by default the folder evidence-CUSTOMER or evidence-RUN where one stands, and say what is in it."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.evidence import evidence
    from risk_pipeline.reporting.evidence_pack import SUMS, write_pack

    workspace = Workspace.load(root)
    day = one_date(as_of, "--as-of") if as_of else None
    with readable(workspace), open_register(workspace) as register:
        files = evidence(workspace, register, said, day)
    place = to or Path(f"evidence-{UNSAFE.sub('_', said)}")
    write_pack(files, place)
    sums = hashlib.sha256(files[SUMS]).hexdigest()
    if as_json:
        output.print_json({"written": place, "files": sorted(files), "sha256sums_sha256": sums})
        return
    out = output.console()
    opened = place if place.suffix.lower() == ".zip" else place / "index.html"
    out.print(f"wrote {place}: {len(files)} files; open {opened}", soft_wrap=True)
    out.print(f"SHA-256 of {SUMS}: {sums}", soft_wrap=True)
