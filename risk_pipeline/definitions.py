"""The composition root of Dagster: loads `assets` and `checks`, adds the job, the schedule and the resource.

Put here: what joins the parts. Keep out: any asset or check; a new file in `assets/` or `checks/` needs no line here.
Nothing reads the environment or a file while this module is imported: Dagster calls `defs` when it loads the project. The
asset graph loads without a workspace too; then only a run says that there is none.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import dagster as dg

import assets
import checks
import risk_pipeline
from risk_pipeline.orchestration.jobs import assess_job
from risk_pipeline.orchestration.resource import Assessment
from risk_pipeline.orchestration.schedule import assessment_schedule
from risk_pipeline.orchestration.workspaces import locate
from risk_pipeline.settings import Settings, Workspace


def refuse_strangers(*packages: ModuleType) -> None:
    """ImportError when `assets` or `checks` were imported from another folder than risk_pipeline: two common names."""
    home = Path(risk_pipeline.__file__).resolve().parent.parent
    for package in packages:
        found = Path(package.__file__).resolve().parent.parent if package.__file__ else None
        if found != home:
            raise ImportError(
                f"the package `{package.__name__}` was found in {found or list(package.__path__)}, but risk_pipeline lies in "
                f"{home}: another package of that name comes first on sys.path. Start Dagster from {home}, or take the other "
                "folder off PYTHONPATH."
            )


refuse_strangers(assets, checks)


def build(root: Path, settings: Settings) -> dg.Definitions:
    """The definitions for the workspace folder `root`, which need not exist before a run starts."""
    return dg.Definitions(
        assets=dg.load_assets_from_package_module(assets),
        asset_checks=dg.load_asset_checks_from_package_module(checks),
        jobs=[assess_job],
        schedules=[assessment_schedule(settings)],
        resources={"assessment": Assessment(workspace_dir=str(root))},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """For `dagster dev` and the daemon: the workspace of RISK_WORKSPACE, the current folder, or ./demo."""
    root = locate()
    settings = Workspace.load(root).settings if (root / "risk.yaml").is_file() else Settings()
    return build(root, settings)
