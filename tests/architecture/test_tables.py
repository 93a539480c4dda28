"""Every table has an owner, a grain, a key, a check that runs on it, and a test that names it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from risk_pipeline.contracts import TABLES
from risk_pipeline.contracts.table import Table

ALL = sorted(TABLES)
STAGED = [name for name in ALL if TABLES[name].layer in ("factor", "score", "decision", "mart")]


def one_row_per_customer(table: Table) -> bool:
    return table.key in (("as_of", "customer_id"), ("customer_id",))


@pytest.fixture(scope="module")
def test_texts(repo_root: Path) -> str:
    """The text of all tests but these here, which look at every table alike."""
    files = [path for path in (repo_root / "tests").rglob("*") if path.suffix in (".py", ".yaml", ".sql", ".json")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files if "architecture" not in path.parts)


@pytest.mark.parametrize("name", ALL)
def test_declared_whole(name: str) -> None:
    table = TABLES[name]
    assert table.owner.strip()
    assert table.grain.strip()
    assert table.key
    assert table.en.strip() and table.zh.strip()  # noqa: PT018 - one statement: described in both languages
    for column in table.columns:
        assert column.field.en.strip(), column.name
        assert re.search(r"[\u4e00-\u9fff]", column.field.zh), f"{column.name} has no Chinese description"


@pytest.mark.parametrize("name", ALL)
def test_a_test_names_it(name: str, test_texts: str) -> None:
    layer, short = name.split(".")
    forms = [rf"\b{layer}\.{short}\b"]
    if layer == "feed":  # a feed goes by its short name in feed YAML and in file names
        forms += [rf"\bfeed: {short}\b", rf"[\"']{short}[\"']", rf"\b{short}\.(csv|yaml|parquet)\b"]
    assert any(re.search(form, test_texts) is not None for form in forms), f"no test names {name}"


@pytest.mark.parametrize("name", [name for name in STAGED if one_row_per_customer(TABLES[name])])
def test_one_row_per_customer_tables_have_a_suite(name: str, repo_root: Path) -> None:
    assert (repo_root / "risk_pipeline" / "gates" / "suites" / f"{name}.yaml").is_file()


def test_suites_belong_to_tables(repo_root: Path) -> None:
    suites = {path.stem for path in (repo_root / "risk_pipeline" / "gates" / "suites").glob("*.yaml")}
    assert suites <= set(STAGED)


def test_every_staged_table_is_checked_before_it_is_published(tmp_path: Path) -> None:
    """A run stages these tables and no others, and audits each of them; Dagster shows a check on each."""
    from risk_pipeline.definitions import build
    from risk_pipeline.pipeline.run import DECIDE_TABLES, FACTOR_TABLES
    from risk_pipeline.settings import Settings

    assert sorted({*FACTOR_TABLES, *DECIDE_TABLES}) == STAGED
    checked = {".".join(key.asset_key.path) for key in build(tmp_path, Settings()).resolve_asset_graph().asset_check_keys}
    assert set(STAGED) <= checked
