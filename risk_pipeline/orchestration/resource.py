"""The resource behind every assessment step: the live Run of this process.

Put here: opening the Run once, finding it again when the process changed, closing it, and turning its errors into Dagster's.
Keep out: what a step does (pipeline.run) and what it reports (results).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from risk_pipeline.errors import Refused, RiskError, UsageError
from risk_pipeline.orchestration.failures import as_failure, message_of
from risk_pipeline.orchestration.orphans import sweep_orphans
from risk_pipeline.orchestration.workspaces import open_register, whoever
from risk_pipeline.pipeline.run import Run
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register

NOT_TO_ITS_END = "the run ended before it published anything"
PARTITION_TAG = "dagster/partition"


class Assessment(dg.ConfigurableResource[None]):
    """Gives each step the Run it belongs to.

    The run id is the root's, so a re-execution from failure goes on with what the root staged. In one process the Run stays
    open from step to step and keeps the workspace lock; a step in a new process opens it again by its id.
    """

    workspace_dir: str

    _register: Register | None = PrivateAttr(default=None)
    _run: Run | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        if context.instance is not None:
            sweep_orphans(context.instance)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        if self._run is not None:
            self._end_if_open(self._run)
            self._run.close()
        if self._register is not None:
            self._register.close()
        self._run = self._register = None

    def load_workspace(self) -> Workspace:
        return Workspace.load(Path(self.workspace_dir))

    def register_of(self, workspace: Workspace) -> Register:
        if self._register is None:
            self._register = open_register(workspace)
        return self._register

    @contextmanager
    def step(
        self,
        context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext,
        known_at: datetime | None = None,
        policy: str | None = None,
        by: str | None = None,
    ) -> Iterator[Run]:
        """The live Run for the time of one step. `known_at`, `policy` and `by` count only when the run is opened for the first
        time.

        A RiskError becomes a Dagster failure; any error ends the run in the register too, so that nothing stays open.
        """
        with errors_as_failures():
            if self._run is None:
                self._run = self._open(context, known_at, policy, by)
            try:
                yield self._run
            except BaseException as exc:
                self._end(self._run, exc)
                raise

    def _end_if_open(self, run: Run) -> None:
        """Nobody works on it any more: it was stopped between two steps, or only some tables were asked for."""
        record = self._register.run(run.run_id) if self._register is not None else None
        if record is not None and record.state == "open":
            run.fail(NOT_TO_ITS_END)

    def _end(self, run: Run, error: BaseException) -> None:
        run.fail(message_of(error), refused=isinstance(error, Refused))

    def _open(
        self,
        context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext,
        known_at: datetime | None,
        policy: str | None,
        by: str | None,
    ) -> Run:
        workspace = self.load_workspace()
        return Run.open(
            workspace,
            self.register_of(workspace),
            run_id=context.run.root_run_id or context.run.run_id,
            as_of=_assessment_date(context.run),
            known_at=known_at,
            policy=policy,
            by=whoever(by),
            now=datetime.now(UTC),
        )


@contextmanager
def errors_as_failures() -> Iterator[None]:
    """Let a RiskError leave the block as a Dagster failure with message, remedy and exit code."""
    try:
        yield
    except RiskError as exc:
        raise as_failure(exc) from exc


def _assessment_date(run: dg.DagsterRun) -> date:
    name = run.tags.get(PARTITION_TAG)
    if name is None:
        raise UsageError(
            "the run has no assessment date", remedy="choose a partition (an ISO date such as 2026-06-30) for the run"
        )
    try:
        return date.fromisoformat(name)
    except ValueError:
        raise UsageError(
            f"the partition {name!r} is no date", remedy="delete it and add one as an ISO date such as 2026-06-30"
        ) from None
