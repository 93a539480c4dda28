"""`feeds infer` on the IBM ledger, and on a GBK twin of it with Chinese headers: workspaces that run unchanged and publish
what the hand-written feeds of examples/ibm_ar publish, column by column.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from risk_pipeline.cli.app import run
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register

pytestmark = [pytest.mark.real, pytest.mark.slow]

AS_OF = date(2013, 6, 30)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
LEDGER = "WA_Fn-UseC_-Accounts-Receivable.csv"
FIGURES = (
    "factor.exposure",
    "factor.open_item",
    "factor.transaction_history",
    "score.risk_score",
    "score.contribution",
    "decision.risk_tier",
    "decision.credit_limit",
)
HEADER = {
    "countryCode": "国家代码",
    "customerID": "客户编号",
    "PaperlessDate": "无纸化日期",
    "invoiceNumber": "发票号",
    "InvoiceDate": "开票日期",
    "DueDate": "到期日",
    "InvoiceAmount": "金额",
    "Disputed": "是否争议",
    "SettledDate": "结清日期",
    "PaperlessBill": "账单方式",
    "DaysToSettle": "结清天数",
    "DaysLate": "逾期天数",
}
WORDS = {"Yes": "是", "No": "否", "Paper": "纸质", "Electronic": "电子"}


@pytest.fixture(scope="module")
def expected(real_data: Callable[[str], Path], repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What the example publishes."""
    root = tmp_path_factory.mktemp("example") / "ibm_ar"
    shutil.copytree(repo_root / "examples" / "ibm_ar", root, ignore=shutil.ignore_patterns("warehouse"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RISK_DATA_ROOT", str(real_data("ibm_ar").parent))
        return published(root)


def published(root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Ingest and assess a workspace; every published row but for the run's own id."""
    workspace = Workspace.load(root)
    with Register.open(workspace.register_url) as register:
        results = ingest(workspace, register, now=NOW)
        assert {each.state for each in results} == {"effective"}
        assert sum(each.counts["rows_rejected"] for each in results) == 0
        assess(workspace, register, as_of=AS_OF, now=NOW)
    with duckdb.connect(str(workspace.catalogue), read_only=True) as con:
        return {name: con.execute(f"SELECT * EXCLUDE (run_id) FROM {name} ORDER BY ALL").fetchall() for name in FIGURES}


def new_workspace(root: Path, repo_root: Path) -> Path:
    (root / "data").mkdir(parents=True)
    shutil.copytree(repo_root / "examples" / "ibm_ar" / "policy", root / "policy")
    (root / "risk.yaml").write_text("reporting_currency: USD\n", encoding="utf-8")
    return root


def check(root: Path, file: Path, expected: Mapping[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["feeds", "infer", str(file), "--write", "-w", str(root)]) == 2  # the file does not say its currency
    assert "--currency" in capsys.readouterr().err
    assert not (root / "feeds").exists()
    assert run(["feeds", "infer", str(file), "--currency", "USD", "--write", "-w", str(root)]) == 0
    assert sorted(each.name for each in (root / "feeds").iterdir()) == ["dispute.yaml", "invoice.yaml"]
    assert run(["feeds", "check", "-w", str(root)]) == 0
    actual = published(root)
    for name in FIGURES:
        assert len(actual[name]) > 50
        assert actual[name] == expected[name], name


def test_the_ledger_as_it_is(
    real_data: Callable[[str], Path],
    repo_root: Path,
    tmp_path: Path,
    expected: Mapping[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = new_workspace(tmp_path / "ws", repo_root)
    file = Path(shutil.copy(real_data("ibm_ar") / LEDGER, root / "data"))
    check(root, file, expected, capsys)


def test_a_gbk_twin_with_chinese_headers(
    real_data: Callable[[str], Path],
    repo_root: Path,
    tmp_path: Path,
    expected: Mapping[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = new_workspace(tmp_path / "ws", repo_root)
    with (real_data("ibm_ar") / LEDGER).open(encoding="utf-8", newline="") as source:
        header, *rows = csv.reader(source)
    twin = root / "data" / "应收账款.csv"
    with twin.open("w", encoding="gbk", newline="") as target:
        writer = csv.writer(target)
        writer.writerow([HEADER[name] for name in header])
        writer.writerows([[WORDS.get(cell, cell) for cell in row] for row in rows])
    check(root, twin, expected, capsys)
