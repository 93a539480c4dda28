"""Reading what is published: short, read-only connections to warehouse/risk.duckdb.

Put here: opening the catalogue and plain SELECTs. Keep out: the register, the lake and any computation.
A connection is closed after each question: a process that keeps it would not see the next publication.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from risk_pipeline.contracts.decision import TIERS
from risk_pipeline.errors import RiskError
from risk_pipeline.settings import Workspace

NOTHING_YET = "nothing is published yet in {root}"
FIRST_RUN = (
    "assess a date first: risk-pipeline run --as-of DATE -w {root} (if it was published and the file is gone: catalogue rebuild)"
)

TIER_ORDER = f"list_position({list(TIERS)}, t.tier)"
BY_TIER = f"""
SELECT t.tier, COUNT(*) AS customers, SUM(e.total_exposure) AS exposure, SUM(e.overdue) AS overdue,
       SUM(l.limit_reporting) AS limits, COUNT(*) FILTER (l.hold) AS holds
FROM decision.risk_tier t
JOIN factor.exposure e USING (as_of, customer_id)
JOIN decision.credit_limit l USING (as_of, customer_id)
WHERE t.as_of = ?
GROUP BY t.tier ORDER BY {TIER_ORDER}"""


@dataclass(frozen=True)
class Rows:
    """The answer to one question: column names, and rows in their order."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def records(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def ask(workspace: Workspace, sql: str, parameters: Sequence[Any] = ()) -> Rows:
    """Run one SELECT on the catalogue. RiskError when there is no catalogue, or a file it shows is gone."""
    import duckdb

    if not workspace.catalogue.exists():
        raise nothing_published(workspace)
    with readable(workspace), duckdb.connect(workspace.catalogue, read_only=True) as connection:
        _refuse_other_files(workspace, connection)
        result = connection.execute(sql, list(parameters))
        names = tuple(column[0] for column in result.description or ())
        return Rows(names, result.fetchall())


@contextmanager
def readable(workspace: Workspace) -> Iterator[None]:
    """Turn DuckDB's complaint into ours: most often the workspace was moved, or was published by an older version."""
    import duckdb

    try:
        yield
    except duckdb.IOException as exc:
        raise RiskError(
            f"{workspace.catalogue} cannot be read: {str(exc).splitlines()[0]}",
            remedy=f"if the workspace was moved: risk-pipeline catalogue rebuild -w {workspace.root}",
        ) from None
    except (duckdb.BinderException, duckdb.CatalogException) as exc:
        raise RiskError(
            f"{workspace.catalogue} was built by another version: {str(exc).splitlines()[0]}",
            remedy=f"risk-pipeline catalogue rebuild -w {workspace.root}",
        ) from None


def _refuse_other_files(workspace: Workspace, connection: Any) -> None:
    """A copied catalogue names the files of the original by their full paths, and would show those in silence."""
    if set("[]*?'") & set(str(workspace.lake)):
        return  # quoted differently in the view; the original is then caught when it is gone
    view = connection.execute("SELECT sql FROM duckdb_views() WHERE sql LIKE '%.parquet%' LIMIT 1").fetchone()
    if view is not None and str(workspace.lake) not in view[0]:
        raise RiskError(
            f"{workspace.catalogue} shows the files of another workspace: this one was copied or moved",
            remedy=f"risk-pipeline catalogue rebuild -w {workspace.root}",
        )


def published_dates(workspace: Workspace) -> list[date]:
    """Published assessment dates, ascending; empty when nothing is published."""
    if not workspace.catalogue.exists():
        return []
    return [row[0] for row in ask(workspace, "SELECT DISTINCT as_of FROM decision.risk_tier ORDER BY as_of").rows]


def nothing_published(workspace: Workspace) -> RiskError:
    """What a reading command says before the first publication."""
    return RiskError(NOTHING_YET.format(root=workspace.root), remedy=FIRST_RUN.format(root=workspace.root))
