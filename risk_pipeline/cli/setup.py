"""`init`, `dictionary` and `catalogue rebuild`: what surrounds the runs.

Put here: these commands. Keep out: what they call (demo, reporting.dictionary, store.catalogue).
"""

from __future__ import annotations

import shlex
import shutil
from importlib.resources import as_file, files
from pathlib import Path

from risk_pipeline.cli import output
from risk_pipeline.errors import RiskError, UsageError
from risk_pipeline.settings import Workspace


def make_workspace(directory: Path, demo: bool) -> None:
    """Fill a new or empty folder. UsageError when there is anything in it: nothing of yours is written over."""
    from risk_pipeline.orchestration.home import prepare_home

    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} is not an empty folder", remedy="name a new folder")
    out = output.console()
    where = f"-w {shlex.quote(str(directory))}"
    if demo:
        from risk_pipeline.demo.generator import generate

        truth = generate(directory)
        days = truth.month_ends
        (directory / "policy").mkdir(exist_ok=True)
        out.print(f"Demo workspace in {directory}: {len(truth.customers)} customers, books up to {days[-1]}.")
        following = f"risk-pipeline backfill --from {days[0]} --to {days[-1]} {where}"
    else:
        with as_file(files("risk_pipeline.cli") / "templates") as templates:
            shutil.copytree(templates, directory, dirs_exist_ok=True)
        out.print(f"Workspace in {directory}: settings in risk.yaml, an example of a feed in feeds/invoice.yaml.example.")
        following = f"risk-pipeline ingest {where}"
    prepare_home(Workspace.load(directory))
    out.print(f"Next: {following}", soft_wrap=True)


def show_dictionary(write: Path | None, as_json: bool) -> None:
    """Print the data dictionary, or write it as Markdown."""
    from risk_pipeline.contracts import TABLES
    from risk_pipeline.reporting.dictionary import dictionary_markdown

    if as_json:
        output.print_json(
            {
                "tables": [
                    {
                        "table": table.full_name,
                        "grain": table.grain,
                        "owner": table.owner,
                        "key": table.key,
                        "en": table.en,
                        "zh": table.zh,
                        "columns": [
                            {
                                "name": column.name,
                                "type": column.kind.value,
                                "unit": column.field.unit,
                                "required": column.required,
                                "values": column.values,
                                "en": column.field.en,
                                "zh": column.field.zh,
                                "sensitivity": column.field.sensitivity,
                            }
                            for column in table.columns
                        ],
                    }
                    for table in TABLES.values()
                ]
            }
        )
    else:
        _print_page(dictionary_markdown(), write)


def show_critical(write: Path | None, as_json: bool) -> None:
    """The critical data elements as Markdown or JSON."""
    from dataclasses import asdict

    from risk_pipeline.pipeline.critical_elements import critical_elements
    from risk_pipeline.reporting.critical import critical_markdown

    elements = critical_elements()
    if as_json:
        output.print_json({"elements": [asdict(each) for each in elements]})
    else:
        _print_page(critical_markdown(elements), write)


def _print_page(text: str, write: Path | None) -> None:
    """Print a page, or write it."""
    if write is None:
        print(text, end="")
        return
    try:
        write.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise RiskError(f"{write} cannot be written: {exc.strerror}", remedy="name a file in an existing folder") from None
    output.console().print(f"wrote {write}", soft_wrap=True)


def rebuild_catalogue(root: Path) -> None:
    """Build the catalogue from the register and the lake, wherever the workspace lies now."""
    from risk_pipeline.store.catalogue import build_catalogue
    from risk_pipeline.store.lake import Lake
    from risk_pipeline.store.register import Register

    workspace = Workspace.load(root)
    if workspace.settings.register_url is None and not (workspace.warehouse / "register.db").exists():
        raise RiskError(f"there is nothing to show yet in {workspace.root}", remedy=f"risk-pipeline ingest -w {workspace.root}")
    with Register.open(workspace.register_url) as register:
        build_catalogue(workspace.catalogue, Lake(workspace.lake), register)
    output.console().print(f"wrote {workspace.catalogue}", soft_wrap=True)
