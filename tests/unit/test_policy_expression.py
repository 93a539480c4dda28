"""The condition language: grammar, types, three-valued logic, messages."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_pipeline.contracts.table import Column, Field, Kind
from risk_pipeline.policy.expression import ExpressionError, parse
from risk_pipeline.policy.facts import Facts


def _column(name: str, kind: Kind, values: tuple[str, ...] = ()) -> Column:
    return Column(Field(name, kind, "", ""), values=values)


SCOPE = {
    c.name: c
    for c in (
        _column("days", Kind.INTEGER),
        _column("ratio", Kind.NUMBER),
        _column("owed", Kind.MONEY),
        _column("cap", Kind.MONEY),
        _column("flag", Kind.FLAG),
        _column("tier", Kind.TEXT, ("low", "medium", "high")),
        _column("city", Kind.TEXT),
        _column("home", Kind.TEXT),
        _column("since", Kind.DATE),
        _column("rate", Kind.RATE),
    )
}

FRAME = pd.DataFrame(
    {
        "days": pd.Series([0, 61, None], dtype="Int64"),
        "ratio": pd.Series([0.5, 1.0, None], dtype="float64"),
        "owed": pd.Series([500_00, 500_01, None], dtype="Int64"),
        "cap": pd.Series([500_00, 500_00, 500_00], dtype="int64"),
        "flag": pd.Series([True, False, None], dtype="boolean"),
        "tier": pd.Series(["low", "high", None], dtype="category"),
        "city": pd.Series(["O'Fallon", "Bonn", None], dtype="str"),
        "home": pd.Series(["Bonn", "Bonn", "Bonn"], dtype="str"),
    }
)


def met(text: str) -> list[bool]:
    return parse(text, SCOPE).met(Facts(FRAME)).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("days > 60", [False, True, False]),
        ("60 < days", [False, True, False]),
        ("days >= 0", [True, True, False]),
        ("days = 61", [False, True, False]),
        ("days != 61", [True, False, False]),
        ("days > -1 and ratio <= 0.5", [True, False, False]),
        ("days in (0, 1, 2)", [True, False, False]),
        ("ratio < days", [False, True, False]),
        ("owed > 500", [False, True, False]),
        ("owed > 500.01", [False, False, False]),
        ("owed <= cap", [True, False, False]),
        ("flag", [True, False, False]),
        ("flag = false", [False, True, False]),
        ("tier = 'low'", [True, False, False]),
        ("tier != 'low'", [False, True, False]),
        ("tier in ('low', 'high')", [True, True, False]),
        ("tier not in ('low')", [False, True, False]),
        ("city = 'O''Fallon'", [True, False, False]),
        ("city = home", [False, True, False]),
        ("city != home", [True, False, False]),
        ("true", [True, True, True]),
        ("not true", [False, False, False]),
        # not known: neither the comparison nor its opposite is met
        ("not (days > 60)", [True, False, False]),
        ("not (days > 60) or days > 60", [True, True, False]),
        # false and unknown = false, so its opposite is known; true or unknown = true
        ("not (days > 60 and flag)", [True, True, False]),
        ("days > 60 or cap = 500", [True, True, True]),
        ("not (days > 60 and cap > 500)", [True, True, True]),
        # and binds closer than or
        ("true or true and not true", [True, True, True]),
        ("(true or true) and not true", [False, False, False]),
    ],
)
def test_conditions_over_known_and_unknown_values(text: str, expected: list[bool]) -> None:
    assert met(text) == expected


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("dayz > 60", "unknown column `dayz`; did you mean `days`", 1),
        ("days >", "a column or a value expected, found `the end`", 7),
        ("days > 60)", "`)` was not expected here", 10),
        ("(days > 60", "`)` expected, found `the end`", 11),
        ("days > 'sixty'", "`days` (integer) cannot be compared with `sixty` (text)", 8),
        ("owed > days", "`owed` (money) cannot be compared with `days` (integer)", 8),
        ("owed > 1.234", "at most 2 decimals", 8),
        ("tier = 'lwo'", "`tier` is never 'lwo': it is one of low, medium, high", 8),
        ("tier in ('low', high)", "unknown column `high`; a text needs quotes: 'high'", 17),
        ("tier > 'low'", "`>` needs numbers, and `tier` is of kind text", 1),
        ("flag < true", "`<` needs numbers", 1),
        ("days", "a comparison is expected", 1),
        ("since > 1", "column `since` is of kind date", 1),
        ("rate > 1", "column `rate` is of kind rate", 1),
        ("1 = 1", "two constants", 1),
        ("days in (days)", "a list holds constants only", 10),
        ("days in ()", "a column or a value expected", 10),
        ("days = 1 ; 2", "cannot read `; 2`", 10),
        ("days == 1", "a column or a value expected, found `=`", 7),
        ("days = 1e3", "cannot read `1e3`", 8),
        ("days and flag", "a comparison is expected", 1),
        ("", "a column or a value expected", 1),
        ("(" * 60 + "flag" + ")" * 60, "nested deeper than 50", 51),
        ("flag or " * 300 + "flag", "longer than 2000 characters", 1),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text: str, message: str, position: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, SCOPE)
    assert message in str(caught.value)
    assert caught.value.position == position


def test_columns_in_order_and_once() -> None:
    assert parse("days > 1 and (flag or tier in ('low') or days < ratio)", SCOPE).columns() == ("days", "flag", "tier", "ratio")


def test_explain_shows_the_values_met() -> None:
    condition = parse("days > 60 and owed > 500", SCOPE)
    assert condition.explain({"days": 95, "owed": "612.50"}) == "days > 60 and owed > 500 (days is 95, owed is 612.50)"
    assert condition.explain({"days": 95, "owed": None}).endswith("owed is not known)")
    assert parse("true", SCOPE).explain({}) == "true"


@given(st.text(alphabet=" ()'=<>!,.-0123456789abdefginortuwysxyz_é;", max_size=40))
def test_any_text_is_read_or_refused_with_a_place_inside_it(text: str) -> None:
    position, rows = 1, len(FRAME)
    try:
        rows = len(parse(text, SCOPE).met(Facts(FRAME)))
    except ExpressionError as error:
        position = error.position
    assert rows == len(FRAME)
    assert 1 <= position <= len(text) + 1
