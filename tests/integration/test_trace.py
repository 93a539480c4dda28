"""From a figure to its source lines and back: trace and impact are one relation read from both ends.

The small ledger of five customers on two month ends.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from risk_pipeline.contracts import table
from risk_pipeline.engine.asof import Scope
from risk_pipeline.errors import UsageError
from risk_pipeline.pipeline.impact import find, impact
from risk_pipeline.pipeline.replay import computed_again, published_run
from risk_pipeline.pipeline.run import Seen
from risk_pipeline.pipeline.source_rows import SourceRow
from risk_pipeline.pipeline.trace import Trace, Value, lines, trace, value_of, with_effective
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.assessed_ledger import Assessed, copy_to
from tests.small_ledger import DECEMBER, NOVEMBER

pytestmark = pytest.mark.slow
OVERDUE = ("factor.exposure", "overdue")
LIMIT = ("decision.credit_limit", "limit_reporting")


@pytest.fixture(scope="module")
def workspace(two_dates: Assessed, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.load(copy_to(tmp_path_factory.mktemp("trace") / "workspace", two_dates.folder))


@pytest.fixture(scope="module")
def register(workspace: Workspace) -> Iterator[Register]:
    with Register.open(workspace.register_url) as opened:
        yield opened


def traced(workspace: Workspace, register: Register, customer: str, figure: tuple[str, str]) -> Trace:
    return trace(workspace, register, published_run(register, f"{DECEMBER}"), customer, *figure)


def line_of(row: SourceRow) -> str:
    return f"{row.source_file}:{row.source_line}"


def test_the_lines_named_are_those_of_the_file(workspace: Workspace, register: Register) -> None:
    found = traced(workspace, register, "C3", OVERDUE)
    assert list(dict.fromkeys(row.feed for row in found.rows)) == ["invoice", "payment"]
    for line in lines(workspace, found):
        assert line.state == "same"
        assert line.text is not None
        content = (workspace.root / line.row.source_file).read_text("utf-8").splitlines()
        assert line.text == content[line.row.source_line - 1]
        assert "C3" in line.text.split(",")
    delivered = {each.delivery_id: each.files[0]["name"] for each in found.deliveries.values()}
    assert delivered == {1: "data/invoices.csv", 2: "data/payments.csv"}


def test_a_file_that_changed_or_went_is_not_quoted(workspace: Workspace, register: Register) -> None:
    found = traced(workspace, register, "C5", OVERDUE)
    path = workspace.root / "data" / "invoices.csv"
    content = path.read_bytes()
    try:
        path.write_bytes(content + b"\n")
        assert {line.state for line in lines(workspace, found) if line.row.feed == "invoice"} == {"changed"}
        path.unlink()
        assert {line.state for line in lines(workspace, found) if line.row.feed == "invoice"} == {"gone"}
    finally:
        path.write_bytes(content)


def test_rows_that_act_change_the_figure_and_others_do_not(workspace: Workspace, register: Register) -> None:
    """C5 owes nothing that is due: each of its two payments keeps an invoice from being overdue, no invoice does anything."""
    found = with_effective(workspace, register, traced(workspace, register, "C5", OVERDUE))
    assert found.values == ((0,),)
    payments = {row.row_id for row in found.rows if row.feed == "payment"}
    assert found.effective == payments
    assert len(payments) == 2
    assert {row.key["invoice_id"] for row in found.rows if row.feed == "invoice"} == {"C5-202410", "C5-202411", "C5-202412"}

    def without(row_id: int) -> Value:
        with computed_again(workspace, register, found.run, seen=Seen(scope=Scope(without=[row_id]))) as files:
            return value_of(files[OVERDUE[0]], table(OVERDUE[0]), "C5", OVERDUE[1])

    stranger = traced(workspace, register, "C2", OVERDUE).rows[0]  # trace does not name it for C5
    assert without(stranger.row_id) == found.values
    assert without(min(payments)) != found.values


def test_what_trace_names_impact_finds_and_tells_what_a_wrong_payment_changed(workspace: Workspace, register: Register) -> None:
    """Without C2's newest payment its invoice is open: overdue, score and more are others in December, nothing in November."""
    payments = [row for row in traced(workspace, register, "C2", OVERDUE).rows if row.feed == "payment"]
    newest = max(payments, key=lambda row: row.event_date or DECEMBER)
    assert newest.event_date is not None
    assert newest.event_date > NOVEMBER
    target = find(workspace, register, line_of(newest))
    assert target.ids == find(workspace, register, f"{newest.row_id}").ids == [newest.row_id]
    assert target.rows == {"payment": 1}
    file, line = workspace.root / newest.source_file, newest.source_line
    for said in (f"./{line_of(newest)}", f"{file}:{line}", f"{file.name}:{line}"):
        assert find(workspace, register, said).ids == target.ids
    (touched,) = impact(workspace, register, target)
    assert (touched.run.as_of, touched.customers) == (DECEMBER, ["C2"])
    assert touched.columns > 100
    assert touched.changes is not None
    changed = {(each.table, each.column): (each.published, each.without) for each in touched.changes}
    then, without = changed[OVERDUE]
    assert without > then
    assert changed["score.risk_score", "score"][1] < changed["score.risk_score", "score"][0]


def test_a_whole_delivery_and_what_is_no_row(workspace: Workspace, register: Register) -> None:
    target = find(workspace, register, "delivery:2")
    touched = impact(workspace, register, target)
    assert [each.run.as_of for each in touched] == [NOVEMBER, DECEMBER]
    assert touched[-1].customers == ["C1", "C2", "C3", "C4", "C5"]
    for said in ("delivery:77", "123", "data/none.csv:1", "what"):
        with pytest.raises(UsageError):
            find(workspace, register, said)
    for figure in (("feed.invoice", "amount"), ("factor.exposure", "no_such"), ("none.such", "x"), ("mart.portfolio", "overdue")):
        with pytest.raises(UsageError):
            traced(workspace, register, "C1", figure)
    with pytest.raises(UsageError, match="nobody"):
        traced(workspace, register, "nobody", LIMIT)
