"""`policy list|explain|diff|approve|retire` as people type them: two people, one hash, and rules that lack evidence say so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from risk_pipeline.cli.app import run
from risk_pipeline.contracts import TABLES
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.orchestration.workspaces import open_register
from risk_pipeline.pipeline.rule_standing import READ
from risk_pipeline.policy.load import DEFAULT_POLICY
from risk_pipeline.settings import Workspace

PEOPLE = "people: {dora: [head_of_credit], emil: [cfo], ben: [credit_analyst]}\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "risk.yaml").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "policy").mkdir()
    return tmp_path


def _draft(workspace: Path, version: str = "b", effective_from: str = "2026-05-01", *changes: tuple[str, str]) -> Path:
    text = DEFAULT_POLICY.read_text(encoding="utf-8")
    for old, new in (
        ('version: "2026.1"', f'version: "{version}"'),
        ("effective_from: 2000-01-01", f"effective_from: {effective_from}"),
        ("status: approved  ", "status: draft  "),
        ("author: credit_policy_owner", "author: Dora"),
        ("approver: shipped_default", "approver: null"),
        *changes,
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = workspace / "policy" / f"{version}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _asked(workspace: Path, *arguments: str, capsys: pytest.CaptureFixture[str]) -> Any:
    assert run(["-w", str(workspace), "policy", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def _versions(workspace: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, bool, str]]:
    rows = _asked(workspace, "list", capsys=capsys)["policies"]
    return {row["version"]: (row["status"], row["in_force"], row["approval"]) for row in rows}


def _publish(workspace: Path, rows: dict[str, list[dict[str, Any]]]) -> None:
    """A catalogue with the tables rules are counted in."""
    (workspace / "warehouse").mkdir(exist_ok=True)
    with duckdb.connect(workspace / "warehouse" / "risk.duckdb") as con:
        for name in (*READ, "decision.alert"):
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.partition('.')[0]}")
            con.execute(f"CREATE TABLE {name} ({', '.join(f'{c.name} {DUCKDB_TYPE[c.kind]}' for c in TABLES[name].columns)})")
            for row in rows.get(name, []):
                con.execute(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def test_a_draft_is_approved_by_somebody_else_and_retired(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _draft(workspace)
    assert _versions(workspace, capsys) == {"2026.1": ("approved", True, "shipped"), "b": ("draft", False, "none")}
    assert not (workspace / "warehouse").exists(), "reading makes nothing"

    assert run(["-w", str(workspace), "policy", "approve", "b", "--by", "dora"]) == 3
    assert "dora wrote policy b and cannot approve it" in capsys.readouterr().err
    assert run(["-w", str(workspace), "policy", "approve", "b", "--by", "ben"]) == 3
    assert "one of head_of_credit, cfo, committee may" in capsys.readouterr().err
    assert run(["-w", str(workspace), "policy", "approve", "c", "--by", "emil"]) == 2
    assert "versions found: 2026.1, b" in capsys.readouterr().err
    assert run(["-w", str(workspace), "policy", "approve", "2026.1", "--by", "emil"]) == 2
    assert "the shipped one" in capsys.readouterr().err

    before = path.read_text(encoding="utf-8")
    approved = _asked(workspace, "approve", "b", "--by", "emil", capsys=capsys)
    after = path.read_text(encoding="utf-8")
    changed = [(a, b) for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b]
    assert [(a.split()[1], b.split()[1]) for a, b in changed] == [("draft", "approved"), ("null", '"emil"')]
    assert _versions(workspace, capsys) == {"2026.1": ("approved", False, "shipped"), "b": ("approved", True, "recorded")}
    with open_register(Workspace.load(workspace)) as register:
        (event,) = register.events("policy.approved")
        assert (event.actor, event.subject) == ("emil", "policy b")
        assert event.detail["content_hash"] == approved["content_hash"]
        assert [denied.detail["rule"] for denied in register.events("policy.denied")] == ["self_approval", "role_not_authorised"]
    assert run(["-w", str(workspace), "policy", "approve", "b", "--by", "emil"]) == 3
    assert "policy b is approved, not a draft" in capsys.readouterr().err

    assert run(["-w", str(workspace), "policy", "retire", "b", "--by", "dora", "--reason", "superseded"]) == 0
    capsys.readouterr()
    assert _versions(workspace, capsys) == {"2026.1": ("approved", True, "shipped"), "b": ("retired", False, "recorded")}


def test_a_policy_changed_after_its_approval_is_told(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _draft(workspace)
    assert run(["-w", str(workspace), "policy", "approve", "b", "--by", "emil"]) == 0
    path.write_text(path.read_text(encoding="utf-8").replace("dead_band_share: 0.10", "dead_band_share: 0.20"), encoding="utf-8")
    capsys.readouterr()
    assert _versions(workspace, capsys)["b"] == ("approved", True, "changed")
    assert run(["-w", str(workspace), "policy", "list"]) == 0
    assert "CHANGED since its approval" in capsys.readouterr().out
    text = path.read_text(encoding="utf-8").replace('version: "b"', 'version: "by_hand"').replace("2026-05-01", "2026-06-01")
    (workspace / "policy" / "by_hand.yaml").write_text(text, encoding="utf-8")
    assert _versions(workspace, capsys)["by_hand"] == ("approved", True, "unrecorded")


def test_two_policies_from_one_day_are_refused(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _draft(workspace, "b")
    _draft(workspace, "c")
    assert run(["-w", str(workspace), "policy", "approve", "b", "--by", "emil"]) == 0
    assert run(["-w", str(workspace), "policy", "approve", "c", "--by", "emil"]) == 3
    assert "b.yaml is approved and effective from 2026-05-01 too" in capsys.readouterr().err


def test_a_draft_with_errors_stands_in_nobodys_way(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _draft(workspace, "b", "2026-05-01", ("overdue_ratio: 18", "overdue_ratio: 28"))
    assert run(["-w", str(workspace), "policy", "explain", "KO11"]) == 0
    capsys.readouterr()
    assert run(["-w", str(workspace), "policy", "approve", "b", "--by", "emil"]) == 2
    said = capsys.readouterr().err
    assert "weights of scorecard ledger add up to 110" in said
    assert "b.yaml:" in said
    assert run(["-w", str(workspace), "policy", "diff", "b"]) == 2
    assert run(["-w", str(workspace), "policy", "lint"]) == 2


def test_a_rule_whose_columns_have_no_evidence_says_so(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _asked(workspace, "explain", "KO11", capsys=capsys)["rules"][0]["as_of"] is None
    key = [{"as_of": "2026-06-30", "customer_id": name} for name in ("1", "2")]
    _publish(
        workspace,
        {
            "decision.risk_tier": [{**key[0], "knockouts": "KO06,KO11"}, {**key[1], "knockouts": ""}],
            "factor.financial_condition": [{**key[0], "tangible_net_worth": -1}, key[1]],
            "factor.exposure": [{**each, "total_exposure": 10} for each in key],
        },
    )
    (rule,) = _asked(workspace, "explain", "KO11", capsys=capsys)["rules"]
    assert (rule["struck"], rule["customers"], rule["columns_without_evidence"]) == (1, 2, ["parent_guarantee_valid"])
    (rule,) = _asked(workspace, "explain", "A16", capsys=capsys)["rules"]
    assert rule["columns_without_evidence"] == ["bureau_score_change_180d"]
    assert run(["-w", str(workspace), "policy", "explain", "A16"]) == 0
    said = capsys.readouterr().out
    assert "NO EVIDENCE on 2026-06-30" in said
    assert "没有证据" in said
    assert "to do: Order a bureau report, Cut the limit" in said
    assert run(["-w", str(workspace), "policy", "explain", "KO99"]) == 2
    assert "did you mean KO" in capsys.readouterr().err


def test_what_a_draft_changes_and_whom(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _draft(
        workspace,
        "b",
        "2026-05-01",
        ('"max_dpd_material > 60", ceiling', '"max_dpd_material > 45", ceiling'),
        ("corporate: {low: [60, monthly_statement, 0]", "corporate: {low: [45, monthly_statement, 0]"),
    )
    tiers = [("corporate", "low", "KO06"), ("small", "low", ""), ("corporate", "high", "KO06,KO11")]
    rows = [
        {"as_of": "2026-06-30", "customer_id": str(n), "segment": segment, "tier": tier, "knockouts": struck}
        for n, (segment, tier, struck) in enumerate(tiers)
    ]
    _publish(workspace, {"decision.risk_tier": rows})
    changes = _asked(workspace, "diff", "b", capsys=capsys)["changes"]
    assert [(each["place"], each["customers"]) for each in changes] == [("knockouts.KO06.when", 2), ("terms.corporate.low", 1)]
    assert changes[1]["from"] == [60, "monthly_statement", 0]
    assert run(["-w", str(workspace), "policy", "diff", "2026.1", "b"]) == 0
    said = capsys.readouterr().out
    assert "now: “Days past due of the oldest material debt” is above 45 days" in said
    assert "现：“达到重要性金额的最长逾期天数”大于45天" in said
    assert run(["-w", str(workspace), "policy", "diff", "2026.1", "2026.1"]) == 0
    assert "no difference of content" in capsys.readouterr().out
