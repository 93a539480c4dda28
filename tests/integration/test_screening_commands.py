"""`screen` and `finding` as typed: what they print, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from risk_pipeline.cli.app import run

CUSTOMER = """\
feed: customer
source: {path: customers.csv}
delivery: snapshot
columns: {customer_id: {from: id}, name: {from: name}, country_code: {from: country}}
"""
LIST = """\
feed: sanctions_entity
source: {path: list.csv}
delivery: snapshot
columns:
  source: {value: OWN}
  entity_id: {from: id}
  listed_date: {value: "2020-01-01"}
  name: {from: name}
  country_code: {from: country}
"""


def test_screen_list_clear_and_list_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def type_(*words: str) -> tuple[int, str, str]:
        code = run(["-w", str(tmp_path), *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    (tmp_path / "feeds").mkdir()
    (tmp_path / "risk.yaml").write_text("reporting_currency: EUR\n")
    (tmp_path / "feeds" / "customer.yaml").write_text(CUSTOMER)
    (tmp_path / "customers.csv").write_text("id,name,country\nC1,Aero Caribbean S.A.,CU\nC2,Falkenau KG,DE\n")
    code, _, err = type_("screen")
    assert (code, "has no sanctions list to search on" in err) == (2, True)

    (tmp_path / "feeds" / "list.yaml").write_text(LIST)
    (tmp_path / "list.csv").write_text("id,name,country\n36,AEROCARIBBEAN,CU\n37,NORDWIND SHIPPING,CY\n")
    code, out, _ = type_("ingest")
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()[2:6]] == [
        ["customer", "effective"],
        ["sanctions_entity", "effective"],
        ["due_diligence_finding", "effective"],
        ["inquiry", "effective"],
    ]
    code, out, _ = type_("screen")
    assert (code, out.startswith("nobody to search")) == (0, True)
    code, out, _ = type_("screen", "--all")
    assert (code, "Possible hits wait for a verdict: risk-pipeline finding list" in out) == (0, True)

    code, out, _ = type_("finding", "list")
    assert code == 0
    assert "  customer C1  Aero Caribbean S.A." in out
    assert "  list     OWN 36  AEROCARIBBEAN" in out
    _, out, _ = type_("finding", "list", "--json")
    [row] = json.loads(out)["rows"]
    assert (row["customer_id"], row["review_state"], row["detail"]["country"]) == ("C1", "unreviewed", "same")

    number = row["finding_id"]
    assert type_("finding", "clear", number, "--by", "Li Wei", "--reason", " ")[0] == 2
    code, out, _ = type_("finding", "clear", number, "--by", "Li Wei", "--reason", "another company")
    assert (code, out) == (0, f"{number}: cleared by Li Wei (was unreviewed); the next run uses it\n")
    assert type_("finding", "clear", number, "--by", "Li Wei", "--reason", "again")[0] == 3
    assert type_("finding", "list", "--state", "unreviewed")[1] == "no finding\n"
    assert "cleared by Li Wei" in type_("finding", "list", "--customer", "C1")[1]
    code, _, err = type_("finding", "list", "--state", "open")
    assert (code, "--state 'open' is no state" in err) == (2, True)
