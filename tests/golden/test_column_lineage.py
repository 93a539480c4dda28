"""Column lineage of the project: some columns worked out by hand, and all of them end at a feed, the policy or the run."""

from __future__ import annotations

from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from risk_pipeline.contracts import TABLES, table
from risk_pipeline.engine.factors import factor_sql
from risk_pipeline.errors import UsageError
from risk_pipeline.lineage.columns import POLICY, PREVIOUS, RUN, Column, ColumnLineage
from risk_pipeline.lineage.influence import DIRECT, kind_of
from risk_pipeline.lineage.sql import LineageError
from risk_pipeline.pipeline.column_lineage import TABLE, column_lineage, write_lineage
from risk_pipeline.pipeline.sql_lineage import sql_lineage
from tests.decision_given import POLICY as SHIPPED
from tests.policy_keys import keys

PUBLISHED = [name for name, each in TABLES.items() if each.layer not in ("audit", "feed")]


@cache
def lineage() -> ColumnLineage:
    return column_lineage(SHIPPED)


def column(name: str) -> Column:
    (found,) = lineage().find(name)
    return found


def values(name: str) -> set[str]:
    """What the value of a column is made of, one step back."""
    return {str(edge.source) for edge in lineage().sources(column(name)) if edge.how in DIRECT}


def influences(name: str) -> dict[str, set[str]]:
    """What a column comes from one step back, by how it acts."""
    found: dict[str, set[str]] = {}
    for edge in lineage().sources(column(name)):
        found.setdefault(edge.how, set()).add(str(edge.source))
    return found


# ---------------------------------------------------------------- worked out by hand


def test_open_exposure_is_the_sum_of_the_open_items_of_a_customer() -> None:
    assert influences("factor.exposure.open_exposure") == {
        "aggregation": {"factor.open_item.open_amount_reporting"},
        "group_by": {"factor.open_item.customer_id"},
        "join": {"factor.open_item.customer_id", "factor.customer_state.customer_id"},
    }


def test_an_aging_bucket_is_chosen_by_the_days_past_due() -> None:
    assert influences("factor.exposure.overdue_gross") == {
        "aggregation": {"factor.open_item.open_amount_reporting"},
        "conditional": {"factor.open_item.days_past_due"},
        "group_by": {"factor.open_item.customer_id"},
        "join": {"factor.open_item.customer_id", "factor.customer_state.customer_id"},
    }


def test_bills_in_hand_are_made_of_bills_and_rates_alone() -> None:
    """One step of the exposure is a union of eight sources: what says `bills_in_hand_bank` is a bill and nothing else."""
    assert values("factor.exposure.bills_in_hand_bank") == {"feed.bill.amount", "feed.fx_rate.rate"}
    assert values("factor.exposure.retention") == {"factor.open_item.open_amount_reporting"}
    assert {"feed.bill.kind", "feed.bill.outcome"} <= influences("factor.exposure.bills_in_hand_bank")["conditional"]


def test_a_ratio_and_its_condition() -> None:
    assert influences("factor.transaction_history.overdue_ratio") == {
        "transformation": {"factor.exposure.overdue", "factor.exposure.undisputed_open"},
        "conditional": {"factor.exposure.undisputed_open"},
        "join": {"factor.customer_state.customer_id", "factor.exposure.customer_id"},
    }


def test_the_due_date_comes_from_five_places_and_terms_choose() -> None:
    assert values("factor.open_item.due_date") == {
        "feed.invoice.due_date",
        "feed.invoice.baseline_date",
        "feed.invoice.posting_date",
        "feed.invoice.invoice_date",
        "feed.payment_terms.net_days",
        "feed.instalment_line.due_date",
        "factor.customer_state.contracted_terms_days",
    }
    assert "feed.payment_terms.baseline" in influences("factor.open_item.due_date")["conditional"]


def test_the_name_of_a_customer_is_that_of_the_master() -> None:
    """The rate of its currency stands in the same row and is no influence: one row at most is joined."""
    assert values("factor.customer_state.name") == {"feed.customer.name"}
    assert not any("fx_rate" in str(each) for each in lineage().behind(column("factor.customer_state.name")))


def test_figures_of_the_policy_in_factor_sql_are_named_by_their_keys() -> None:
    assert "policy.exposure.components.retention" in values("factor.exposure.total_exposure")
    assert "policy.day_rules.grace_days" in influences("factor.transaction_history.wavg_days_late_incl_open_12m")["conditional"]
    assert "policy.mitigants.kinds" in {str(each) for each in lineage().behind(column("factor.collateral.collateral_value_net"))}


def test_the_limit_in_the_credit_currency() -> None:
    assert influences("decision.credit_limit.credit_limit") == {
        "transformation": {"decision.credit_limit.limit_reporting", "factor.customer_state.credit_fx_rate"},
        "conditional": {"factor.customer_state.credit_currency", "audit.run.manifest"},
    }


def test_facts_that_several_tables_have_come_from_the_last_of_them() -> None:
    """The history's max_dpd_material is NULL without open items, which the score must know; the exposure's is 0 then."""
    assert "factor.transaction_history.max_dpd_material" in values("score.risk_score.score")
    assert "factor.exposure.max_dpd_material" not in values("score.risk_score.score")


def test_a_notch_is_what_people_decided() -> None:
    assert influences("decision.risk_tier.notch_steps") == {"identity": {"factor.people_decision.notch_steps"}}
    assert values("decision.risk_tier.previous_tier") == {"previous.risk_tier.tier"}


def test_what_people_did_about_an_alert_is_the_newest_action() -> None:
    acted = influences("decision.alert.acted_by")
    assert "feed.alert_action.acted_by" in acted["transformation"]
    assert {"feed.alert_action.alert_id", "feed.alert_action.acted_on", "feed.alert_action.known_from"} <= acted["filter"]


def test_the_loss_expected_of_the_portfolio_names_the_policy_behind_its_figures() -> None:
    assert values("mart.portfolio.expected_loss") == {
        "decision.credit_limit.total_exposure",
        "decision.credit_limit.secured_exposure",
        "score.risk_score.pd",
        "policy.tiers[].fallback_pd",
        "policy.calibration.pd_cap",
        "policy.limits.capacity.expected_loss.lgd",
    }
    assert values("mart.portfolio.share_cap") == {
        "policy.portfolio.top1_share_max",
        "policy.portfolio.top10_share_max",
        "policy.portfolio.industry_share_max",
    }


def test_an_outcome_column_of_a_feed_is_seen_once_its_date_has_come() -> None:
    status = influences("feed.payment.status")
    assert status["conditional"] == {"feed.payment.status_date", "audit.run.as_of"}
    assert {"feed.payment.payment_date", "feed.payment.known_from", "audit.run.known_at"} <= status["filter"]


# ---------------------------------------------------------------- all of it


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_column_reaches_a_feed_the_policy_or_the_run(name: str) -> None:
    """What an assessment took from the one before, that one had made of the same."""

    def made(at: Column) -> bool:
        return any(end.table in (POLICY, RUN) or end.table.startswith("feed.") for end in lineage().ends(at))

    def before(at: Column) -> list[Column]:
        return [Column(end.table.replace(PREVIOUS, "decision"), end.column) for end in lineage().ends(at)]

    assert {each.column for each in lineage().columns(name)} == set(table(name).column_names)
    from_before = [each for each in lineage().columns(name) if not made(each)]
    assert [str(each) for each in from_before if not before(each) or not all(map(made, before(each)))] == []


def test_every_source_is_there() -> None:
    known_keys = {each.replace(".*", "") for each in keys()}
    sources = {edge.source for edge in lineage().edges()}
    stored = {"row_id", "delivery_id", "known_from", "known_assumed", "known_to", "state_assumed"}
    for source in sources:
        if source.table == POLICY:
            assert source.column.replace(".*", "") in known_keys, source
        elif source.table.startswith(PREVIOUS):
            assert source.column in table(source.table.replace(PREVIOUS, "decision")), source
        else:
            assert source.column in table(source.table) or source.column in stored, source


def test_lineage_goes_one_way() -> None:
    """Nothing comes from itself, but through the assessment before, and but for the rows of a feed that it helps to choose."""
    sources: dict[Column, set[Column]] = {}
    for edge in lineage().edges():
        if not edge.column.table.startswith("feed."):
            sources.setdefault(edge.column, set()).add(edge.source)
    assert len(list(TopologicalSorter(sources).static_order())) > len(sources)


def test_behind_and_beyond_are_the_same_relation() -> None:
    limit, amount = column("decision.credit_limit.limit_reporting"), column("feed.invoice.amount")
    assert lineage().behind(limit)[amount] == lineage().beyond(amount)[limit]
    assert limit not in lineage().beyond(column("mart.worklist.rank"))


def test_ways_between_two_columns() -> None:
    edges = lineage().between(column("factor.transaction_history.overdue_ratio"), column("feed.dispute.amount"))
    assert {str(edge.source) for edge in edges} == {
        "feed.dispute.amount",
        "factor.open_item.shielded_amount",
        "factor.open_item.offset_amount",
        "factor.open_item.overdue_amount_reporting",
        "factor.exposure.overdue",
        "factor.exposure.undisputed_open",
    }
    assert {edge.how for edge in edges} <= set(DIRECT)
    only_chooses = lineage().between(column("factor.exposure.overdue_gross"), column("feed.payment_terms.baseline"))
    assert any(kind_of(edge.how) == "indirect" for edge in only_chooses)
    assert lineage().between(column("factor.customer_state.name"), column("feed.fx_rate.rate")) == ()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("factor.exposure.nothing", "has no column nothing"),
        ("factor.nothing.at_all", "no table or column"),
        ("policy.nothing", "no table or column"),
    ],
)
def test_a_name_that_is_not_there(name: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        lineage().find(name)
    assert said in caught.value.message
    assert caught.value.remedy


# ---------------------------------------------------------------- the SQL it is read from


def other(name: str, old: str, new: str) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Lineage with one file of the factor SQL changed."""
    text = factor_sql(name)
    assert old in text
    return sql_lineage(lambda each: text.replace(old, new) if each == name else factor_sql(each))


def kept(name: str) -> dict[str, list[str]]:
    """The lineage of a column that comes with the package."""
    found: dict[str, list[str]] = {}
    for edge in lineage().sources(column(name)):
        found.setdefault(edge.how, []).append(str(edge.source))
    return found


def test_a_join_and_a_filter_taken_out_of_the_sql_are_gone_from_the_lineage() -> None:
    """The customer is joined for what is material to a natural person; a step leaves reversed applications out."""
    before = kept("factor.exposure.max_dpd_material")
    assert "factor.customer_state.natural_person" in before["filter"]
    joined = "    INNER JOIN factor.customer_state AS c ON o.customer_id = c.customer_id\n"
    text = factor_sql("exposure").replace(joined, "").replace("COALESCE(c.natural_person, FALSE)", "FALSE")
    reduction = factor_sql("steps/reduction").replace("a.reversed_date IS NULL\n    AND ", "")
    without = sql_lineage(lambda each: {"exposure": text, "steps/reduction": reduction}.get(each) or factor_sql(each))
    after = without["factor.exposure"]["max_dpd_material"]
    assert "factor.customer_state.natural_person" not in after["filter"]
    assert "feed.payment_application.reversed_date" in kept("factor.open_item.open_amount")["filter"]
    assert "feed.payment_application.reversed_date" not in without["factor.open_item"]["open_amount"]["filter"]


def test_sql_that_names_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(LineageError, match=r"factor\.exposure: there is no column open_ammount"):
        other("exposure", "SUM(open_amount_reporting) AS open_exposure", "SUM(open_ammount) AS open_exposure")


def test_a_table_whose_sql_lacks_a_column_of_its_contract_is_refused() -> None:
    with pytest.raises(LineageError, match=r"factor\.exposure: its SQL does not give \['retention'\]"):
        other("exposure", "COALESCE(p.retention, 0) AS retention,", "")


# ---------------------------------------------------------------- as a table


def test_audit_column_lineage_holds_every_edge_once(tmp_path: Path) -> None:
    write_lineage(tmp_path / "lineage.parquet", SHIPPED)
    rows = pq.read_table(tmp_path / "lineage.parquet").to_pylist()
    contract = table(TABLE)
    assert len({tuple(row[key] for key in contract.key) for row in rows}) == len(rows) == len(list(lineage().edges()))
    assert {row["influence"] for row in rows} == {"direct", "indirect"}
    assert {row["transformation"] for row in rows} <= set(contract.column("transformation").values)
