"""The IBM workspace end to end: what is published equals the hand computation, to the cent, for every customer."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.real import ibm_by_hand as hand

pytestmark = [pytest.mark.real, pytest.mark.slow]

DATES = (date(2012, 12, 31), date(2013, 6, 30))
NOW = datetime(2026, 11, 1, tzinfo=UTC)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Published:
    """The example after both assessments: its catalogue, and the lines of the file by hand."""

    catalogue: Path
    lines: list[hand.Line]

    def rows(self, table: str, as_of: date) -> dict[str, Row]:
        """The published rows of one date by customer."""
        with duckdb.connect(str(self.catalogue), read_only=True) as con:
            cursor = con.execute(f"SELECT * FROM {table} WHERE as_of = ?", [as_of])
            names = [column[0] for column in cursor.description or []]
            return {row["customer_id"]: row for row in (dict(zip(names, values, strict=True)) for values in cursor.fetchall())}

    def value(self, sql: str) -> Any:
        with duckdb.connect(str(self.catalogue), read_only=True) as con:
            return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def published(real_data: Callable[[str], Path], repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    data = real_data("ibm_ar")
    root = tmp_path_factory.mktemp("ibm") / "ibm_ar"
    shutil.copytree(repo_root / "examples" / "ibm_ar", root, ignore=shutil.ignore_patterns("warehouse"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RISK_DATA_ROOT", str(data.parent))
        workspace = Workspace.load(root)
        register = Register.open(workspace.register_url)
        ingest(workspace, register, now=NOW)
        for as_of in DATES:
            assess(workspace, register, as_of=as_of, now=NOW)
        yield Published(workspace.catalogue, hand.read(data / "WA_Fn-UseC_-Accounts-Receivable.csv"))


@pytest.mark.parametrize("as_of", DATES)
def test_customers_are_those_billed_by_then(published: Published, as_of: date) -> None:
    expected = hand.by_customer(published.lines, as_of)
    for table in ("factor.customer_state", "factor.exposure", "factor.transaction_history", "decision.risk_tier"):
        assert set(published.rows(table, as_of)) == set(expected), table
    assert {row["customer_source"] for row in published.rows("factor.customer_state", as_of).values()} == {"derived"}


@pytest.mark.parametrize("as_of", DATES)
def test_exposure_and_aging_to_the_cent(published: Published, as_of: date) -> None:
    actual = published.rows("factor.exposure", as_of)
    for customer, by_hand in hand.by_customer(published.lines, as_of).items():
        assert exposure_columns(by_hand) == {name: actual[customer][name] for name in exposure_columns(by_hand)}, customer
    total = exposure_columns(hand.figures(published.lines, as_of))
    for name in total.keys() - {"max_days_past_due", "max_dpd_material"}:
        assert sum(row[name] for row in actual.values()) == total[name], name


def exposure_columns(by_hand: hand.Figures) -> dict[str, Decimal | int]:
    return {
        "n_open_invoices": by_hand.open_invoices,
        "open_exposure": by_hand.exposure,
        "total_exposure": by_hand.exposure,
        **{f"aging_{bucket}": amount for bucket, amount in by_hand.buckets.items()},
        "overdue_gross": by_hand.overdue_gross,
        "overdue": by_hand.overdue,
        "undisputed_open": by_hand.undisputed_open,
        "disputed_open": by_hand.disputed_open,
        "max_days_past_due": by_hand.max_days_past_due,
        "max_dpd_material": by_hand.max_dpd_material,
    }


@pytest.mark.parametrize("as_of", DATES)
def test_open_items_are_the_lines_of_the_file(published: Published, as_of: date) -> None:
    with duckdb.connect(str(published.catalogue), read_only=True) as con:
        items = con.execute(
            "SELECT customer_id, invoice_id, due_date, open_amount, days_past_due, aging_bucket"
            " FROM factor.open_item WHERE as_of = ?",
            [as_of],
        ).fetchall()
    expected = {
        (line.customer, line.invoice, line.due, line.amount, (as_of - line.due).days, hand.bucket((as_of - line.due).days))
        for line in published.lines
        if line.invoiced <= as_of < line.settled
    }
    assert set(items) == expected
    assert len(items) == len(expected)


@pytest.mark.parametrize("as_of", DATES)
def test_payment_behaviour_and_disputes(published: Published, as_of: date) -> None:
    actual = published.rows("factor.transaction_history", as_of)
    for customer, by_hand in hand.by_customer(published.lines, as_of).items():
        row = actual[customer]
        assert (row["n_applications_12m"], row["n_invoices_12m"]) == (by_hand.settlements_12m, by_hand.invoices_12m), customer
        assert (row["sales_12m"], row["sales_3m"]) == (by_hand.sales_12m, by_hand.sales_3m), customer
        ratios = {
            "wavg_days_late_12m": by_hand.days_late,
            "wavg_days_late_signed_12m": by_hand.days_late_signed,
            "wavg_days_late_incl_open_12m": by_hand.days_late_incl_open,
            "dispute_ratio_12m": by_hand.dispute_ratio,
            "dispute_amount_ratio_12m": by_hand.dispute_amount_ratio,
            "dso_days": by_hand.dso,
        }
        for name, expected in ratios.items():
            assert close(row[name], expected), (customer, name, row[name], expected and float(expected))


def close(actual: float | None, expected: Fraction | None) -> bool:
    if actual is None or expected is None:
        return actual is expected
    return actual == pytest.approx(float(expected), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("as_of", DATES)
def test_weighted_by_amount_the_customers_give_the_ledger(published: Published, as_of: date) -> None:
    """The portfolio's days late, from the published customers and their payments by hand, equals that of the whole file."""
    actual = published.rows("factor.transaction_history", as_of)
    start = hand.add_months(as_of, -12)
    paid = [line for line in published.lines if start < line.settled <= as_of and line.invoiced <= as_of]
    weight = {customer: float(sum(line.amount for line in paid if line.customer == customer)) for customer in actual}
    whole = hand.figures(published.lines, as_of)
    for name, expected in (("wavg_days_late_12m", whole.days_late), ("wavg_days_late_signed_12m", whole.days_late_signed)):
        assert expected is not None
        mean = sum(weight[c] * (row[name] or 0.0) for c, row in actual.items()) / sum(weight.values())
        assert mean == pytest.approx(float(expected), rel=1e-9)


def test_both_dates_stand_side_by_side_and_the_mart_shows_the_newest(published: Published) -> None:
    assert published.value("SELECT DISTINCT as_of FROM decision.risk_tier ORDER BY as_of") == [(day,) for day in DATES]
    assert published.value("SELECT DISTINCT as_of, run_label FROM mart.current_risk") == [(DATES[-1], "reconstructed")]
    assert published.value("SELECT count(*) FROM mart.current_risk") == [(len(hand.by_customer(published.lines, DATES[-1])),)]


def test_every_row_of_the_file_was_read_and_none_rejected(published: Published) -> None:
    counts = published.value(
        "SELECT feed, rows_read, rows_filtered, rows_rejected, rows_stored FROM audit.delivery ORDER BY feed"
    )
    disputed = sum(line.disputed for line in published.lines)
    everything = len(published.lines)
    assert counts == [
        ("dispute", everything, everything - disputed, 0, disputed),
        ("invoice", everything, 0, 0, everything),
        ("payment", everything, 0, 0, everything),
    ]


def test_no_tier_is_better_than_the_ledger_alone_allows(published: Published) -> None:
    tiers = {tier for (tier,) in published.value("SELECT DISTINCT tier FROM decision.risk_tier")}
    assert "low" not in tiers
    assert "medium" in tiers


# The two customers of docs/walkthrough.md at the second date, worked out there.
WALKED: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "9117-LYRCE": {
        "factor.exposure": {"open_exposure": "48.73", "aging_1_30": "48.73", "overdue": "48.73", "max_dpd_material": "4"},
        "factor.transaction_history": {
            "wavg_days_late_incl_open_12m": "12.3585",
            "wavg_days_late_12m": "13.2760",
            "days_late_trend_3v9": "2.2276",
            "relationship_months": "17",
            "sales_12m": "725.66",
            "avg_monthly_sales_12m": "60.47",
            "avg_monthly_sales_3m": "54.02",
        },
        "score.risk_score": {"score": "48.45", "pd": "0.054430"},
        "decision.risk_tier": {"tier": "high", "direction": "down", "binding_rule": "score"},
        "decision.credit_limit": {
            "credit_limit": "60",
            "previous_limit": "96",
            "approval_status": "auto",
            "payment_terms_days": "7",
            "prepayment_pct": "30",
        },
    },
    "0379-NEVHP": {
        "factor.exposure": {"open_exposure": "61.66", "aging_not_due": "61.66", "overdue": "0"},
        "factor.transaction_history": {
            "wavg_days_late_incl_open_12m": "0",
            "wavg_days_late_signed_12m": "-12.1647",
            "days_late_trend_3v9": "0",
            "dispute_ratio_12m": "0.0588",
            "dispute_amount_ratio_12m": "0.0767",
            "relationship_months": "16",
            "sales_12m": "1024.00",
            "avg_monthly_sales_12m": "85.33",
            "avg_monthly_sales_3m": "113.37",
        },
        "score.risk_score": {"score": "94.76"},
        "decision.risk_tier": {"tier": "medium", "model_tier": "low", "binding_rule": "segment_ceiling"},
        "decision.credit_limit": {"credit_limit": "150", "previous_limit": "79", "payment_terms_days": "30"},
    },
}
CANDIDATES = {
    "9117-LYRCE": {"sales_balance": Decimal("60.47"), "expected_loss": Decimal("111.10"), "tier_cap": Decimal("150.00")},
    "0379-NEVHP": {"sales_balance": Decimal("151.16"), "expected_loss": Decimal("5374.75"), "tier_cap": Decimal("750.00")},
}


@pytest.mark.parametrize("customer", WALKED)
def test_the_walkthrough_tells_what_is_published(published: Published, repo_root: Path, customer: str) -> None:
    told = (repo_root / "docs" / "walkthrough.md").read_text(encoding="utf-8").replace(",", "").replace("−", "-")
    for table, figures in WALKED[customer].items():
        row = published.rows(table, DATES[-1])[customer]
        for name, expected in figures.items():
            assert shown(row[name], expected) == expected, (table, name, row[name])
            assert expected in told, (name, expected)
    candidates = published.value(
        "SELECT method, candidate_limit FROM decision.limit_candidate"
        f" WHERE customer_id = '{customer}' AND as_of = '{DATES[-1]}' AND candidate_limit IS NOT NULL"
    )
    assert dict(candidates) == CANDIDATES[customer]


def shown(value: Any, like: str) -> str:
    """A published value as the page writes it: with as many decimals as `like`."""
    return value if isinstance(value, str) else f"{value:.{len(like.partition('.')[2])}f}"


def test_the_walkthrough_names_the_lines_of_the_file(published: Published) -> None:
    by_number = {line.number: line for line in published.lines}
    assert (by_number[1249].customer, by_number[1249].invoice, str(by_number[1249].amount)) == (
        "9117-LYRCE",
        "5004037531",
        "48.73",
    )
    assert (by_number[672].customer, by_number[672].invoice, str(by_number[672].amount)) == ("0379-NEVHP", "2748334767", "61.66")
    paid = [
        line.number
        for line in published.lines
        if line.customer == "9117-LYRCE" and date(2012, 6, 30) < line.settled <= DATES[-1] and line.invoiced <= DATES[-1]
    ]
    assert paid == [15, 275, 375, 380, 529, 690, 749, 796, 1338, 1579, 1745, 2088, 2253, 2283, 2309, 2401]
