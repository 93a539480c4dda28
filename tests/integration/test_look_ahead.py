"""No look-ahead, proven: the future in every feed moves nothing, and whatever stops hiding it is found and named.

The feeds are random rows of every contract (tests/every_feed.py), so that a new feed is tried the day it is declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.engine import asof
from risk_pipeline.pipeline.ingest import work_folder
from risk_pipeline.pipeline.look_ahead import KINDS, Planted, Trial, trial_of
from risk_pipeline.pipeline.made import Maker
from risk_pipeline.pipeline.run import DECIDE_TABLES, FACTOR_TABLES, Run
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register
from tests.every_feed import rows_of_every_feed
from tests.ledger_case import AS_OF

pytestmark = pytest.mark.slow

FEEDS = [each.name for each in FEED_TABLES]
BEGINS_LATER = ("credit_note", "inquiry", "control_total", "payment_terms")  # feeds nobody has delivered yet
DELIVERED = datetime(2026, 6, 30, 12, tzinfo=UTC)  # before the as-of date ends in Berlin
NEXT_DAY, KNOWN_AT = datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 7, 2, tzinfo=UTC)
FAR, LATE = date(9998, 1, 1), datetime(9998, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    root = tmp_path_factory.mktemp("ahead")
    (root / "risk.yaml").write_text("time_zone: Europe/Berlin\nthreads: 1\n", encoding="utf-8")
    workspace = Workspace.load(root)
    workspace.warehouse.mkdir()
    rows: dict[str, list[dict[str, Any]]] = {}
    for feed, values in rows_of_every_feed(11):
        rows.setdefault(feed, []).append(values)
    with Register.open(workspace.register_url) as register:
        with work_folder(workspace) as work:
            maker = Maker(workspace, register, FeedStore(Lake(workspace.lake), register), DELIVERED, work)
            for feed in FEEDS:
                if feed not in BEGINS_LATER:
                    given = replace(maker, now=NEXT_DAY) if feed == "sales_order" else maker
                    assert given.deliver(feed, rows[feed], f"{feed}.csv", {}).state == "effective"
        with Run.open(workspace, register, run_id="r", as_of=AS_OF, known_at=KNOWN_AT, now=KNOWN_AT) as opened:
            record = opened.record
        with trial_of(workspace, register, record) as found:
            yield found


def test_the_future_in_every_feed_moves_nothing(trial: Trial) -> None:
    assert trial.leaks(FEEDS) == []
    assert len(trial.expected) == len(FACTOR_TABLES) + len(DECIDE_TABLES)
    assert all(each.rows for each in trial.expected.values()), "else nothing is proven"
    assert [feed for feed in FEEDS if not trial.count(feed)] == []


def without(name: str, **changes: Any) -> Callable[[pytest.MonkeyPatch], None]:
    """Take a mask of the as-of views away: a function of theirs is told to see further."""
    real = getattr(asof, name)

    def seeing(*arguments: Any, **named: Any) -> str:
        given = [replace(each, **changes) if isinstance(each, asof.Sight) else each for each in arguments]
        named = {key: LATE if key == "closed_by" and "known_at" in changes else value for key, value in named.items()}
        return str(real(*given, **named))

    return lambda patch: patch.setattr(asof, name, seeing)


MASKS: list[tuple[Callable[[pytest.MonkeyPatch], None], str, Planted, set[str]]] = [
    (without("_events", as_of=FAR, outcomes=AS_OF), "invoice", "dated", {"factor.open_item", "score.risk_score"}),
    (without("_state", as_of=FAR), "customer", "dated", {"factor.customer_state"}),
    (without("_known", known_at=LATE), "payment", "learned", {"factor.exposure"}),
    (without("_known", last_delivery=2**60), "invoice", "delivered", {"factor.exposure", "decision.credit_limit"}),
    (without("_from", last_delivery=2**60), "payment", "closed", {"factor.exposure"}),
    (without("_value", outcomes=FAR), "dispute", "outcome", {"factor.transaction_history"}),
    (without("_value", until=LATE), "sales_order", "state", {"factor.exposure"}),
    (without("_state", until=LATE), "customer", "state", {"factor.customer_state"}),
]


@pytest.mark.parametrize(("mask", "feed", "kind", "tables"), MASKS)
def test_each_mask_is_what_hides_it(
    trial: Trial,
    monkeypatch: pytest.MonkeyPatch,
    mask: Callable[[pytest.MonkeyPatch], None],
    feed: str,
    kind: Planted,
    tables: set[str],
) -> None:
    assert trial.expected
    mask(monkeypatch)
    assert set(trial.moved([feed], (kind,))) >= tables


def test_every_kind_of_plant_has_a_mask_that_hides_it() -> None:
    assert {kind for _, _, kind, _ in MASKS} == set(KINDS)


def test_a_feed_that_is_read_raw_is_named(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    real = asof.view_query

    def raw(table: Any, parts: Any, *others: Any) -> str:
        if table.name != "payment":
            return real(table, parts, *others)
        return f"SELECT * FROM {asof.stored(table, parts)}"

    assert trial.expected
    monkeypatch.setattr(asof, "view_query", raw)
    (found,) = trial.leaks(["invoice", "payment"], ("learned",))
    assert (found.feed, found.planted) == ("payment", "learned")
    assert "factor.exposure" in found.tables
