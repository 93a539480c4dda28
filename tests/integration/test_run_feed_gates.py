"""Gates about feeds in a real run: a control total that differs refuses it, cross-feed contradictions are shown and do not."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from risk_pipeline.errors import Refused
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import CheckRecord, Register
from tests.small_ledger import DECEMBER, NOVEMBER, make_small_workspace

pytestmark = pytest.mark.slow

CONTROL_YAML = """\
feed: control_total
source: {path: data/totals.csv}
delivery: upsert
known_at: event_date
columns:
  feed:         {value: invoice}
  measure:      {from: Measure}
  control_date: {from: Date, format: "%Y-%m-%d"}
  currency:     {from: Currency}
  customer_id:  {from: Customer}
  value:        {from: Total}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = make_small_workspace(tmp_path / "workspace")
    (root / "feeds" / "control_total.yaml").write_text(CONTROL_YAML, encoding="utf-8")
    return Workspace.load(root)


@pytest.fixture
def register(workspace: Workspace) -> Iterator[Register]:
    workspace.warehouse.mkdir()
    with Register.open(workspace.register_url) as opened:
        yield opened


def rows(workspace: Workspace, name: str) -> list[dict[str, str]]:
    with (workspace.root / "data" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def open_by_customer(workspace: Workspace, day: date) -> dict[str, Decimal]:
    """What the files themselves say is open at the end of `day`."""
    found: dict[str, Decimal] = {}
    for name, sign in (("invoices", 1), ("payments", -1)):
        for row in rows(workspace, name):
            if row["Date"] <= day.isoformat():
                found[row["Customer"]] = found.get(row["Customer"], Decimal(0)) + sign * Decimal(row["Amount"])
    return found


def deliver_totals(workspace: Workspace, register: Register, *lines: str) -> None:
    path = workspace.root / "data" / "totals.csv"
    path.write_text("\n".join(["Measure,Date,Currency,Customer,Total", *lines]) + "\n", encoding="utf-8")
    assert [each.message for each in ingest(workspace, register, now=datetime.now(UTC)) if each.state == "refused"] == []


def gate(checks: list[CheckRecord], name: str) -> CheckRecord:
    [found] = [check for check in checks if check.check_name == name]
    return found


def test_a_total_that_differs_refuses_the_run_and_one_that_agrees_lets_it_pass(workspace: Workspace, register: Register) -> None:
    november = open_by_customer(workspace, NOVEMBER)
    whole, c3 = sum(november.values()), november["C3"]
    wrong = [f"open_balance,{NOVEMBER},EUR,,{whole - 500}", f"open_balance,{NOVEMBER},EUR,C3,{c3 - 500}"]
    deliver_totals(workspace, register, *wrong, f"row_count,{NOVEMBER},,,1")
    with pytest.raises(Refused) as refused:
        assess(workspace, register, as_of=NOVEMBER, run_id="wrong", now=datetime.now(UTC))
    assert f"invoice open_balance at {NOVEMBER} in EUR: stated {whole - 500:,}, here {whole:,}" in refused.value.message
    assert f"by customer: C3 stated {c3 - 500:,}, here {c3:,}, difference +500.00" in refused.value.message
    assert "invoice row_count" in refused.value.message
    assert register.current_snapshot() is None, "nothing was published"
    record = register.run("wrong")
    assert record is not None
    assert record.state == "refused"

    # The same total, right, serves the month after as well: the balance of that earlier day is computed anew.
    n_invoices = sum(row["Date"] <= NOVEMBER.isoformat() for row in rows(workspace, "invoices"))
    right = [f"open_balance,{NOVEMBER},EUR,,{whole}", f"open_balance,{NOVEMBER},EUR,C3,{c3}"]
    payments = workspace.root / "data" / "payments.csv"
    # a payment of more than the invoice, one of an invoice nobody knows, one by another customer; all in December
    late = [f"C3-202408,C3,{DECEMBER},99999.00", f"NONE-1,C1,{DECEMBER},5.00", f"C3-202409,C1,{DECEMBER},5.00"]
    payments.write_text(payments.read_text(encoding="utf-8") + "\n".join(late) + "\n", encoding="utf-8")
    deliver_totals(workspace, register, *right, f"row_count,{NOVEMBER},,,{n_invoices}")
    done = assess(workspace, register, as_of=DECEMBER, now=datetime.now(UTC))
    totals = gate(done.checks, "control_totals")
    assert totals.passed, totals.detail
    assert totals.detail.startswith(f"2 totals agree: invoice open_balance at {NOVEMBER} in EUR, invoice row_count at {NOVEMBER}")

    unknown = gate(done.checks, "cross_feed_unknown_invoice")
    assert [unknown.passed, unknown.severity, unknown.n_failed] == [False, "warn", 1]
    assert unknown.detail.endswith("1 in feed.payment, e.g. PNONE-1 -> NONE-1")
    other = gate(done.checks, "cross_feed_customer_differs_from_invoice")
    assert [other.n_failed, other.detail.endswith("e.g. PC3-202409 -> C3-202409")] == [1, True]
    above = gate(done.checks, "cross_feed_applied_above_invoice")
    assert [above.n_failed, above.detail.endswith("1 in factor.open_item, e.g. C3-202408")] == [1, True]
    assert gate(done.checks, "cross_feed_unknown_customer").detail == "not asked: the feed customer was never delivered"
    assert register.current_snapshot() is not None
