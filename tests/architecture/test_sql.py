"""The factor SQL passes its lint."""

from __future__ import annotations

from pathlib import Path

from risk_pipeline.engine.sql_lint import lint_folder


def test_factor_sql_is_portable_and_deterministic(repo_root: Path) -> None:
    folder = repo_root / "risk_pipeline" / "factors"
    assert list(folder.rglob("*.sql")), "there is factor SQL to look at"
    assert [str(finding) for finding in lint_folder(folder)] == []
