"""A workspace in a folder, to write feeds into and ingest: what the tests of feeds and of the feed store share.

Put here: building and reading such a workspace, with the real parts only. Keep out: assertions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import yaml
from sqlalchemy import make_url

from risk_pipeline.pipeline.ingest import IngestResult, ingest
from risk_pipeline.settings import Settings, Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register

FIRST = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)

INVOICE_COLUMNS: dict[str, dict[str, Any]] = {
    "invoice_id": {"from": "id"},
    "customer_id": {"from": "customer"},
    "invoice_date": {"from": "date", "format": "%m/%d/%Y"},
    "amount": {"from": "amount"},
    "currency": {"from": "currency"},
}
HEADER = "id,customer,date,amount,currency"


@cache
def _empty_register() -> bytes:
    """A register as its migrations make it, so that they run once and not for every workspace."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "register.db"
        Register.open(f"sqlite:///{path}").close()
        return path.read_bytes()


class Bench:
    """A workspace with a register. Every `ingest` happens one day after the one before."""

    def __init__(self, root: Path, **settings: Any) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.workspace = Workspace(root, Settings(threads=2, **settings))
        self.workspace.warehouse.mkdir(exist_ok=True)
        self.workspace.feeds_dir.mkdir(exist_ok=True)
        database = make_url(self.workspace.register_url)
        if database.get_backend_name() == "sqlite" and not Path(str(database.database)).exists():
            Path(str(database.database)).write_bytes(_empty_register())
        self.register = Register.open(self.workspace.register_url)
        self.store = FeedStore(Lake(self.workspace.lake), self.register)
        self.now = FIRST - timedelta(days=1)

    def close(self) -> None:
        self.register.close()

    def file(self, name: str, content: str | bytes | Iterable[str]) -> Path:
        """Write a source file; lines are joined."""
        path = self.workspace.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str | bytes):
            content = "".join(f"{line}\n" for line in content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def feed(self, feed: str = "invoice", columns: Mapping[str, Any] | None = None, path: str = "data.csv", **keys: Any) -> Path:
        """Write a feed YAML; by default invoices from data.csv as snapshots, with no limit on rejected rows."""
        source = keys.pop("source", {})
        source = source if source.get("kind") == "sql" else {"path": path, **source}
        spec = {
            "feed": feed,
            "source": source,
            "delivery": keys.pop("delivery", "snapshot"),
            "columns": columns or INVOICE_COLUMNS,
            "assertions": {"max_rejected_pct": 100, "rows_min": 0, **keys.pop("assertions", {})},
            **keys,
        }
        target = self.workspace.feeds_dir / f"{feed}.yaml"
        target.write_text(yaml.safe_dump(spec, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return target

    def ingest(self, *feeds: str, now: datetime | None = None) -> list[IngestResult]:
        self.now = now or self.now + timedelta(days=1)
        return ingest(self.workspace, self.register, feeds=feeds or None, now=self.now)

    def one(self, *feeds: str, now: datetime | None = None) -> IngestResult:
        """Ingest what makes one delivery."""
        [result] = self.ingest(*feeds, now=now)
        return result

    def rows(self, feed: str = "invoice", columns: str = "*", where: str = "true") -> list[tuple[Any, ...]]:
        """Stored rows with `open` and `closed_at` (known_to, wherever it is kept), by row_id."""
        paths, closures = self.store.history(feed)
        if not paths:
            return []
        closed = f"(SELECT row_id, known_to FROM {_parquet(closures)})" if closures else None
        closed = closed or "(SELECT 0::BIGINT AS row_id, NULL::TIMESTAMP AS known_to WHERE false)"
        with duckdb.connect() as con:
            return con.execute(
                f"SELECT {columns} FROM (SELECT p.*, coalesce(p.known_to, c.known_to) AS closed_at, closed_at IS NULL AS open"
                f" FROM {_parquet(paths)} p LEFT JOIN {closed} c USING (row_id))"
                f" WHERE {where} ORDER BY row_id"
            ).fetchall()

    def quarantine(self, columns: str = "source_line, rule, column_name, value_text") -> list[tuple[Any, ...]]:
        """Every quarantined problem, by delivery, file, line, column."""
        paths = [self.store.lake.absolute(d.quarantine_path) for d in self.register.deliveries() if d.quarantine_path]
        if not paths:
            return []
        with duckdb.connect() as con:
            return con.execute(
                f"SELECT {columns} FROM {_parquet(paths)} ORDER BY delivery_id, source_file, source_line, column_name, rule"
            ).fetchall()

    def lake_files(self) -> list[str]:
        """Every file in the lake, below it."""
        lake = self.workspace.lake
        return sorted(str(path.relative_to(lake)) for path in lake.rglob("*") if path.is_file())


def _parquet(paths: Iterable[Path]) -> str:
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}], union_by_name = true)"
