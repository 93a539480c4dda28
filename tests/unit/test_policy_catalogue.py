"""The factor catalogue: every column of the factor tables that is a factor or a measure is described, once and in full."""

from __future__ import annotations

import pytest

from risk_pipeline.contracts import FEED_TABLES, table
from risk_pipeline.contracts.fields_factor import LEDGER_FACTORS
from risk_pipeline.factors.catalogue import Catalogue, load_catalogue
from risk_pipeline.policy.scopes import FACT_TABLES

# Of the fact tables, those that measure something.
NO_MEASURES = ("customer_state", "people_decision", "newest_event", "group_state", "exposure")
DESCRIBED = [name for each in FACT_TABLES if (name := each.removeprefix("factor.")) not in NO_MEASURES]


@pytest.mark.parametrize("name", DESCRIBED)
def test_a_table_of_factors_is_described_column_by_column(name: str) -> None:
    columns = table(f"factor.{name}").column_names
    measured = [c for c in columns if c not in ("as_of", "customer_id", "run_id", "evidence_date") and not c.endswith("_code")]
    assert [f.id for f in load_catalogue().factors if f.table == name] == measured


def test_the_ledger_factors_are_scored_and_have_their_codes() -> None:
    scored = [f.id for f in load_catalogue().factors if f.reason and f.table == "transaction_history"]
    assert scored == [f.name for f in LEDGER_FACTORS]
    assert all(load_catalogue().by_id[name].codes for name in scored)


def test_the_sources_are_feeds() -> None:
    feeds = {feed.name for feed in FEED_TABLES}
    unknown = {source for f in load_catalogue().factors for source in f.sources} - feeds
    assert not unknown


def test_reason_codes_are_unique() -> None:
    codes = [f.reason.code for f in load_catalogue().factors if f.reason]
    assert len(set(codes)) == len(codes)


def test_a_factor_twice_or_a_code_without_a_text_is_refused() -> None:
    good = load_catalogue()
    with pytest.raises(ValueError, match="listed twice"):
        Catalogue(factors=(*good.factors, good.factors[0]), codes=good.codes)
    with pytest.raises(ValueError, match="codes used and codes explained differ"):
        Catalogue(factors=good.factors, codes={})
