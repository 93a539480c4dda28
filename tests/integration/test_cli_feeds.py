"""`feeds infer` and `feeds check` as typed: what they print, write, refuse, and that what was written runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from risk_pipeline.cli.app import run

LEDGER = """Customer;Document;Date;Due;Amount;Paid on
C-1001;9001;15.01.2026;14.02.2026;1.200,00;20.02.2026
C-1001;9002;15.02.2026;17.03.2026;900,50;
C-1002;9003;20.02.2026;22.03.2026;15.000,00;25.03.2026
C-1003;9005;10.03.2026;09.04.2026;2,00;
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "ws" / "data").mkdir(parents=True)
    (tmp_path / "ws" / "risk.yaml").write_text("reporting_currency: EUR\n", encoding="utf-8")
    (tmp_path / "ws" / "data" / "receivables.csv").write_text(LEDGER, encoding="utf-8")
    return tmp_path / "ws"


def infer(root: Path, *options: str, file: str = "data/receivables.csv") -> int:
    return run(["feeds", "infer", str(root / file), "-w", str(root), *options])


def test_the_proposal_is_shown_and_nothing_is_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert infer(root, "--currency", "EUR") == 0
    shown = capsys.readouterr().out
    assert "feed: invoice" in shown
    assert 'invoice_date: {from: Date, format: "%d.%m.%Y"}' in shown
    assert "# unsure:" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert not (root / "feeds").exists()


def test_what_must_be_decided_is_asked_for(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in ([], ["--write"], ["--json"]):
        assert infer(root, *options) == 2
        told = capsys.readouterr()
        assert "one thing must be decided by you" in told.err
        assert "--currency EUR" in told.err
    assert not (root / "feeds").exists()


def test_written_checked_ingested(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert infer(root, "--currency", "EUR", "--write") == 0
    assert "written" in capsys.readouterr().out
    with (root / "data" / "receivables.csv").open("a", encoding="utf-8") as file:
        file.write("C-1003;9006;10.03.2026;09.04.2026;twelve;\n")
    assert run(["feeds", "check", "-w", str(root)]) == 0
    shown = capsys.readouterr().out
    assert "4 good, 0 filtered out, 1 rejected" in shown
    assert "receivables.csv:6" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert not (root / "warehouse").exists()
    (root / "data" / "receivables.csv").write_text(LEDGER, encoding="utf-8")
    assert run(["ingest", "-w", str(root)]) == 0
    assert "effective" in capsys.readouterr().out


def test_nothing_is_written_over(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert infer(root, "--currency", "EUR", "--write") == 0
    assert infer(root, "--currency", "USD", "--write") == 2
    assert "nothing of yours is written over" in capsys.readouterr().err
    assert "EUR" in (root / "feeds" / "invoice.yaml").read_text(encoding="utf-8")


def test_a_file_outside_the_workspace_is_looked_at_but_not_written(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere.csv").write_text(LEDGER, encoding="utf-8")
    assert infer(root, "--currency", "EUR", file="../elsewhere.csv") == 0
    assert "outside the workspace" in capsys.readouterr().out
    assert infer(root, "--currency", "EUR", "--write", file="../elsewhere.csv") == 2
    assert "outside the workspace" in capsys.readouterr().err


def test_json_has_the_spec_the_evidence_and_the_doubts(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert infer(root, "--currency", "EUR", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["complete"], told["questions"]) == (4, True, [])
    [feed] = told["feeds"]
    assert feed["spec"]["columns"]["amount"] == {"from": "Amount", "decimal": ",", "thousands": "."}
    assert feed["trial"] == {"rows": 4, "good": 4, "filtered": 0, "rejected": 0}
    assert any("day first" in text for column in feed["columns"] for text in column["evidence"])
    assert any(each["key"] == "invoice.delivery" for each in told["unsure"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--date-order", "dym"], "--date-order"),
        (["--currency", "euro"], "--currency"),
        (["--decimal", ";"], "--decimal"),
        (["--feed", "invoices"], "--feed"),
        (["--map", "amount"], "--map"),
        (["--set", "currency=EURO"], "unknown_currency"),
        (["--map", "amount=Betrag"], "no column 'Betrag'"),
        (["--map", "betrag=Amount"], "betrag"),
        (["--encoding", "latin-15"], "--encoding"),
        (["--date-format", "Date=%d", "--currency", "EUR"], "no complete date format"),
    ],
)
def test_wrong_answers_are_named(root: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    assert infer(root, *options) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_there(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert infer(root, file="data/none.csv") == 2
    assert "is no file" in capsys.readouterr().err


def test_check_says_what_cannot_be_read_and_goes_on(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert infer(root, "--currency", "EUR", "--write") == 0
    (root / "feeds" / "payment.yaml").write_text(
        "feed: payment\nsource: {path: data/none.csv}\ndelivery: snapshot\ncolumns:\n  payment_id: {from: a}\n"
        "  customer_id: {from: b}\n  payment_date: {from: c}\n  amount: {from: d}\n  currency: {value: EUR}\n",
        encoding="utf-8",
    )
    assert run(["feeds", "check", "-w", str(root)]) == 3
    told = capsys.readouterr()
    assert "feed invoice" in told.out
    assert "no file matches data/none.csv" in told.err
    assert run(["feeds", "check", "invoice", "-w", str(root)]) == 0


def test_check_reads_first_and_last_rows(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert infer(root, "--currency", "EUR", "--write") == 0
    header = LEDGER.splitlines()[0]
    rows = [f"C-{n};{n};15.01.2026;14.02.2026;1,00;" for n in range(3000)]
    rows[1500] = "C;never seen;15.01.2026;14.02.2026;middle;"
    rows[2999] = "C;last;15.01.2026;14.02.2026;last;"
    (root / "data" / "receivables.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    capsys.readouterr()
    assert run(["feeds", "check", "-w", str(root), "--json"]) == 0
    [feed] = json.loads(capsys.readouterr().out)["feeds"]
    assert (feed["rows"], feed["looked_at"], feed["rejected"]) == (3000, 1200, 1)
    assert [(each["line"], each["value"]) for each in feed["rejections"]] == [(3001, "last")]
