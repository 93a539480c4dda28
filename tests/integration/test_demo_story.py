"""The demo through the whole pipeline: were the stories seen, in time, and by nothing that lay in the future?"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import pytest

from risk_pipeline.contracts import FACTOR_TABLES
from tests.demo_world import FIRST, LAST, World, assess_dates, take_in

pytestmark = pytest.mark.slow

WORSE = {"low": 0, "medium": 1, "high": 2, "unrated": 2, "restricted": 3}
# Per file: the column that dates a row, its format, and which cells an export on an earlier day would not have held yet.
FILES: Mapping[str, tuple[str, str, Mapping[str, tuple[tuple[str, str], ...]]]] = {
    "debtors.csv": ("ValidFrom", "%Y-%m-%d", {}),
    "ar_items.csv": ("DocDate", "%Y%m%d", {"Cleared": (("Cleared", ""), ("ClearedBy", ""))}),
    "bank_receipts.csv": ("Valuta", "%d.%m.%Y", {"StatusDatum": (("Status", "GEBUCHT"), ("StatusDatum", ""))}),
    "allocations.csv": ("Posted", "%Y-%m-%d", {"ReversedOn": (("ReversedOn", ""),)}),
    "write_offs.csv": ("Posted", "%Y-%m-%d", {}),
    "claims.csv": ("Opened", "%Y-%m-%d", {"Closed": (("Closed", ""), ("Outcome", ""), ("Settled", ""))}),
    "orders.csv": ("Ordered", "%Y-%m-%d", {"Done": (("Done", ""),), "Cancelled": (("Cancelled", ""),)}),
    "bills.csv": ("Received", "%Y-%m-%d", {"OutcomeDate": (("OutcomeDate", ""), ("Outcome", ""))}),
    "instalments.csv": ("Agreed", "%Y-%m-%d", {}),
    "credit_requests.csv": ("Asked", "%Y-%m-%d", {"Decided": (("Decided", ""), ("Decision", ""))}),
    "terms.csv": ("ValidFrom", "%Y-%m-%d", {}),
    "fx_rates.csv": ("Date", "%Y-%m-%d", {}),
    "control_totals.csv": ("Date", "%Y-%m-%d", {}),
    "bureau_reports.csv": ("Fetched", "%Y-%m-%d", {}),
    "trade_references.csv": ("Given", "%Y-%m-%d", {}),
    "statements.csv": ("Received", "%Y-%m-%d", {}),
    "searches.csv": ("Made", "%Y-%m-%d", {}),
    "findings.csv": (
        "Published",
        "%Y-%m-%d",
        {
            "Reviewed": (("Review", "unreviewed"), ("Reviewer", ""), ("Reviewed", "")),
            "Resolved": (("Resolved", ""), ("Outcome", "")),
        },
    ),
    "assessments.csv": ("Judged", "%Y-%m-%d", {}),
    "crm_events.csv": ("Day", "%Y-%m-%d", {}),
    "credit_file.csv": ("Received", "%Y-%m-%d", {}),
    "contracts.csv": ("ValidFrom", "%Y-%m-%d", {}),
    "contract_events.csv": ("Day", "%Y-%m-%d", {}),
    "securities.csv": ("ValidFrom", "%Y-%m-%d", {"Released": (("Released", ""),)}),
    "insurer_decisions.csv": ("Decided", "%Y-%m-%d", {"Cancelled": (("Cancelled", ""),), "Claim": (("Claim", ""),)}),
    "industry_indicators.csv": ("Published", "%Y-%m-%d", {}),
    "country_risk.csv": ("Published", "%Y-%m-%d", {}),
    "sanctions_list.csv": ("Listed", "%Y-%m-%d", {"Delisted": (("Delisted", ""),)}),
}


# -- what went in --------------------------------------------------------------------------------------------------------


def test_every_delivery_took_effect(world: World) -> None:
    assert {(result.feed, result.state, result.message) for result in world.deliveries if result.state != "effective"} == set()
    delivered = [result.feed for result in world.deliveries]
    made_by_screening = ["due_diligence_finding", "inquiry"]
    assert sorted(delivered) == sorted([*made_by_screening, *(path.stem for path in (world.root / "feeds").glob("*.yaml"))])


def test_quarantine_holds_exactly_the_planted_rows(world: World) -> None:
    """Of the first deliveries: the corrected list of receipts holds its dirty rows again."""
    first = {result.delivery.delivery_id for result in world.deliveries}
    found = [row for row in world.query("SELECT * FROM audit.quarantine") if row["delivery_id"] in first]
    place = ("feed", "source_file", "source_line", "rule", "column_name")
    caught = {(*(row[name] for name in place), row["value_text"] or "") for row in found}
    planted = {(d.feed, d.file, d.line, d.rule, d.column, d.value) for d in world.truth.dirty_rows}
    assert caught == planted
    assert len(found) == len(planted)


def test_repeated_rows_are_counted_once(world: World) -> None:
    repeated = {result.feed: result.counts["rows_repeated"] for result in world.deliveries}
    assert {feed: count for feed, count in repeated.items() if count} == dict(world.truth.repeated_rows)


def test_open_balance_is_what_the_books_say(world: World) -> None:
    for day in world.truth.month_ends:
        found = world.query(
            "SELECT currency, SUM(open_amount) AS amount, COUNT(*) AS items FROM factor.open_item WHERE as_of = ?"
            " GROUP BY currency",
            day,
        )
        assert {row["currency"]: int(row["amount"] * 100) for row in found} == world.truth.open_balance[day.isoformat()]
        assert sum(row["items"] for row in found) == world.truth.open_items[day.isoformat()]


def test_chinese_names_survive(world: World) -> None:
    names = [world.on("mart.current_risk", customer)["name"] for customer in world.truth.playing("chinese")]
    assert all(name.endswith("有限公司") for name in names)


# -- were the stories seen -------------------------------------------------------------------------------------------------


def test_the_decline_shows_before_the_default(world: World) -> None:
    """While it lasts the score falls, bar the noise of single month ends; before the default the tier is worse than it was."""
    for customer in world.truth.playing("slow_decline"):
        default_on = world.truth.customers[customer].dates["default_on"] or date.max
        scores = [score for day, score in world.scores(customer).items() if day < default_on]
        tiers = [tier for day, tier in world.tiers(customer).items() if day < default_on]
        assert len(scores) >= 4
        assert fall(scores) >= 0.8, (customer, scores)
        assert scores[0] - scores[-1] >= 20, (customer, scores)
        assert WORSE[tiers[0]] <= WORSE["medium"], (customer, tiers)
        assert WORSE[tiers[-1]] >= WORSE["high"], (customer, tiers)


def fall(scores: list[float]) -> float:
    """How steadily values fall: Spearman's rank correlation with the passing of time, negated; 1 = every one below the last."""
    ranks = [sum(other < score for other in scores) for score in scores]
    count = len(scores)
    return 6 * sum((place - rank) ** 2 for place, rank in enumerate(ranks)) / (count * (count * count - 1)) - 1


def test_after_the_default_the_decline_ends_restricted(world: World) -> None:
    ended = [c for c in world.truth.playing("slow_decline") if world.truth.customers[c].dates["default_on"]]
    assert ended
    for customer in ended:
        default_on = world.truth.customers[customer].dates["default_on"]
        after = [tier for day, tier in world.tiers(customer).items() if day >= default_on]
        assert set(after) == {"restricted"}, (customer, after)


def test_a_sudden_default_is_restricted_from_its_day_and_not_before_the_last_payment(world: World) -> None:
    for customer in world.truth.playing("sudden_default"):
        dates = world.truth.customers[customer].dates
        for day, tier in world.tiers(customer).items():
            if day >= dates["default_on"]:
                assert tier == "restricted", (customer, day)
            elif day <= dates["last_payment_before"]:
                assert WORSE[tier] <= WORSE["medium"], (customer, day)
        last = world.on("decision.risk_tier", customer)
        assert last["in_default"]
        assert last["default_since"] is not None
        limit = world.on("decision.credit_limit", customer)
        assert limit["hold"]
        assert limit["limit_reporting"] <= world.on("factor.collateral", customer)["collateral_value_net"]  # KO05: secured_only


@pytest.mark.parametrize("story", ["good_payer", "factored", "small_difference", "group_member", "sole_trader", "bulk_payer"])
def test_good_payers_are_never_high_or_restricted(world: World, story: str) -> None:
    for customer in world.truth.playing(story):
        assert set(world.tiers(customer).values()) <= {"low", "medium"}, customer


def test_good_payers_score_better_than_all_who_decline(world: World) -> None:
    good = [world.scores(customer)[LAST] for customer in world.truth.playing("good_payer")]
    declined = [world.scores(customer)[LAST] for customer in world.truth.playing("slow_decline")]
    assert min(good) > max(declined)


def test_who_is_outside_the_scorecard(world: World) -> None:
    assert {tier for c in world.truth.playing("intercompany") for tier in world.tiers(c).values()} == {"not_rated"}
    assert {tier for c in world.truth.playing("one_time") for tier in world.tiers(c).values()} == {"unrated"}


def test_written_off_debt_and_distressed_plans_are_defaults(world: World) -> None:
    for story in ("uncollectible", "distressed_plan"):
        for customer in world.truth.playing(story):
            last = world.on("decision.risk_tier", customer)
            assert last["in_default"], (story, customer)
            assert last["tier"] == "restricted", (story, customer)
    for customer in world.truth.playing("convenience_plan"):
        assert not world.on("decision.risk_tier", customer)["in_default"]
    for customer in world.truth.playing("distressed_plan"):
        before = world.truth.customers[customer].dates["plan_agreed_on"]
        early = [tier for day, tier in world.tiers(customer).items() if day < before]
        assert early
        assert "restricted" not in early


def test_returned_payments_count_and_cap_the_tier(world: World) -> None:
    for customer in world.truth.playing("returner"):
        history = world.on("factor.transaction_history", customer)
        assert history["dishonoured_payments_12m"] >= 3
        assert WORSE[world.tiers(customer)[LAST]] >= WORSE["high"], customer
    for customer in world.truth.playing("good_payer"):
        assert not world.on("factor.transaction_history", customer)["dishonoured_payments_12m"]


def test_a_disputer_is_found_out(world: World) -> None:
    for customer in world.truth.playing("disputer"):
        assert world.on("factor.transaction_history", customer)["unfounded_dispute_ratio_12m"] > 0.05


def test_credit_notes_dilute_and_rebates_do_not_make_debtors_worse(world: World) -> None:
    for customer in world.truth.playing("credit_noter"):
        assert world.on("factor.transaction_history", customer)["dilution_ratio_12m"] > 0.02


def test_new_dormant_and_unknown_customers(world: World) -> None:
    for customer in world.truth.playing("new_customer"):
        assert FIRST not in world.tiers(customer)
        assert world.on("factor.transaction_history", customer)["relationship_months"] < 6
        assert "KO18" in world.on("decision.risk_tier", customer)["knockouts"]
    for customer in world.truth.playing("missing_master"):
        assert world.on("factor.customer_state", customer)["customer_source"] == "derived"
    for customer in world.truth.playing("dormant"):
        gone = world.truth.customers[customer].dates["back_from"] is None
        history = world.on("factor.transaction_history", customer)
        assert (history["wavg_days_late_incl_open_12m_code"] == "no_invoice_in_window") == gone


def test_a_request_stands_for_the_sales_a_new_customer_has_not_had(world: World) -> None:
    asked = world.query("SELECT customer_id, requested_limit FROM feed.credit_request WHERE decision = 'approved'")
    assert {row["customer_id"] for row in asked} == set(world.truth.playing("new_customer"))
    for row in asked:
        candidates = {
            each["method"]: each["candidate_limit"]
            for each in world.query(
                "SELECT method, candidate_limit FROM decision.limit_candidate WHERE customer_id = ? AND as_of = ?",
                row["customer_id"],
                world.truth.month_ends[0],
            )
        }
        assert candidates["requested"] == row["requested_limit"]
        assert "new_customer_cap" in candidates


def test_plans_and_their_lines_come_from_one_file(world: World) -> None:
    plans = world.query("SELECT plan_id, customer_id, reason FROM feed.instalment_plan")
    expected = {(customer, "distressed") for customer in world.truth.playing("distressed_plan")}
    expected |= {(customer, "convenience") for customer in world.truth.playing("convenience_plan")}
    assert {(row["customer_id"], row["reason"]) for row in plans} == expected
    lines = world.query("SELECT plan_id, COUNT(*) AS parts FROM feed.instalment_line GROUP BY plan_id")
    assert {row["plan_id"] for row in lines} == {row["plan_id"] for row in plans}
    assert all(row["parts"] >= 3 for row in lines)


def test_money_of_every_kind_is_seen(world: World) -> None:
    totals = world.query(
        "SELECT SUM(unapplied_cash) AS cash, SUM(unapplied_credits) AS credits, SUM(bills_in_hand_commercial) AS bills,"
        " SUM(bills_in_hand_bank) AS bank, SUM(factored_with_recourse) AS sold, SUM(factored_without_recourse) AS gone,"
        " SUM(retention) AS kept, SUM(advance_payments_received) AS advance, SUM(open_orders) AS orders"
        " FROM factor.exposure WHERE as_of = ?",
        LAST,
    )[0]
    assert all(amount > 0 for amount in totals.values()), totals
    currencies = {row["currency"] for row in world.query("SELECT DISTINCT currency FROM factor.open_item WHERE as_of = ?", LAST)}
    assert currencies == {"EUR", "USD", "CNY", "GBP"}


# -- and by nothing that lay in the future ---------------------------------------------------------------------------------


def cut(source: Path, target: Path, as_of: date) -> None:
    """Make the files what an export on the evening of `as_of` would have held: no later row, no later outcome."""
    for name, (dated, form, outcomes) in FILES.items():
        delimiter = ";" if name == "bank_receipts.csv" else ","
        with (source / name).open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, delimiter=delimiter)
            kept = [row for row in reader if (day := parsed(row[dated], form)) is None or day <= as_of]
        for row in kept:
            for column, blanks in outcomes.items():
                if (day := parsed(row[column], form)) is not None and day > as_of:
                    row.update(blanks)
        with (target / name).open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, reader.fieldnames or [], delimiter=delimiter)
            writer.writeheader()
            writer.writerows(kept)


def parsed(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day, no time zone
    except ValueError:
        return None


def test_figures_are_the_same_when_the_future_is_cut_off(world: World, tmp_path: Path) -> None:
    """Every table of the first date equals that of a workspace whose files end on that date."""
    past = tmp_path / "past"
    shutil.copytree(world.root, past, ignore=shutil.ignore_patterns("warehouse"))
    cut(world.root / "data", past / "data", FIRST)
    with (past / "data" / "ar_items.csv").open(encoding="utf-8", newline="") as handle:
        assert max(row["DocDate"] for row in csv.DictReader(handle) if row["DocDate"] < "2026133") <= "20251031"
    then = World(past, world.truth, take_in(past))
    assess_dates(past, [FIRST])
    for table in TABLES:
        key = "customer_id" if table not in SEVERAL_ROWS else "ALL"
        sql = f"SELECT * EXCLUDE (run_id) FROM {table} WHERE as_of = ? ORDER BY {key}"
        expected, actual = world.query(sql, FIRST), then.query(sql, FIRST)
        assert len(actual) == len(expected) > 0
        for mine, other in zip(expected, actual, strict=True):
            assert {name: value for name, value in mine.items() if other[name] != value} == {}, (table, mine["customer_id"])


SEVERAL_ROWS = ("factor.open_item", "factor.exposure_by_currency", "score.contribution", "decision.limit_candidate")
TABLES = (
    *(table.full_name for table in FACTOR_TABLES),
    "score.risk_score",
    "score.contribution",
    "decision.risk_tier",
    "decision.credit_limit",
    "decision.limit_candidate",
)
