"""What docs/by_hand.md says, held against what is published: each table of the page, cell by cell.

Put here: reading the page's tables and comparing them. Keep out: making the demo (conftest.py), other pages (test_commands.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

CUSTOMER, AS_OF, GRACE_DAYS = "100093", date(2026, 10, 31), 3
FULL_POINTS = 100
TIER_STEPS = {"model tier": "model_tier", "hysteresis": "hysteresis_tier", "notch": "notched_tier", "ceilings": "tier"}
Row = dict[str, str]


def differences(page: str, con: duckdb.DuckDBPyConnection) -> list[str]:
    """Where the page and the published tables disagree, in words; none is what is wanted."""
    pairs = [*_ledger(page, con), *_figures(page, con), *_score(page, con), *_tier(page, con), *_limit(page, con)]
    pairs += _consequences(page, con)
    assert len(pairs) > 100, "the tables of the page were not found"
    return [f"{what}: the page says {said!r}, published is {published!r}" for what, said, published in pairs if said != published]


Pairs = Iterator[tuple[str, Any, Any]]


def table(page: str, *header: str) -> list[Row]:
    """The rows of the table with this header, backticks and thousands marks taken off."""
    start = re.search(r"^\| " + re.escape(" | ".join(header)) + r" \|\n\|[-|]+\n", page, re.MULTILINE)
    assert start is not None, f"no table {header}"
    lines = page[start.end() :].split("\n\n", 1)[0].splitlines()
    return [dict(zip(header, (cell.strip() for cell in line.split("|")[1:-1]), strict=True)) for line in lines]


def _number(cell: str) -> Decimal:
    return Decimal(cell.replace(",", "").replace("−", "-"))


def _row(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    """The customer's one row of a table at the date."""
    cursor = con.execute(f"SELECT * FROM {name} WHERE customer_id = ? AND as_of = ?", [CUSTOMER, AS_OF])
    (values,) = cursor.fetchall()
    return dict(zip((column[0] for column in cursor.description or []), values, strict=True))


def _rows(con: duckdb.DuckDBPyConnection, columns: str, name: str) -> list[tuple[Any, ...]]:
    return con.execute(f"SELECT {columns} FROM {name} WHERE customer_id = ? AND as_of = ?", [CUSTOMER, AS_OF]).fetchall()


def _ledger(page: str, con: duckdb.DuckDBPyConnection) -> Pairs:
    """Every line of the ledger with what was paid, and the sums over them."""
    query = """
        SELECT i.source_line, i.amount, i.due_date, a.value_date
        FROM feed.invoice AS i LEFT JOIN feed.payment_application AS a USING (invoice_id)
        WHERE i.customer_id = ?
    """
    lines = {line: rest for line, *rest in con.execute(query, [CUSTOMER]).fetchall()}
    product, settled = Decimal(0), Decimal(0)
    for row in table(page, "line", "amount", "due", "paid", "days late", "amount × days"):
        what = f"line {row['line']}"
        if int(row["line"]) not in lines:
            yield what, "an invoice of the customer", "none of its lines"
            continue
        amount, due, paid = lines[int(row["line"])]
        yield what, _number(row["amount"]), amount
        yield f"{what}, due", row["due"], due.isoformat()
        yield f"{what}, paid", row["paid"], paid.isoformat() if paid else "open"
        late = ((paid or AS_OF) - due).days
        yield f"{what}, days late", row["days late"], str(late) if paid or late > 0 else ""
        weighed = amount * late if late > GRACE_DAYS else None
        yield f"{what}, amount × days", row["amount × days"], f"{weighed:,.2f}" if weighed else ""
        product += weighed or 0
        settled += amount if paid or late > 0 else 0
    for total in (product, settled):
        yield "sum over the lines", f"{total:,.2f}" if f"{total:,.2f}" in page else "another", f"{total:,.2f}"


def _figures(page: str, con: duckdb.DuckDBPyConnection) -> Pairs:
    published = {**_row(con, "factor.exposure"), **_row(con, "factor.transaction_history")}
    for row in table(page, "figure", "value", "how"):
        said = _number(row["value"])
        name = row["figure"].strip("`")
        yield name, said, round(Decimal(str(published[name])), -int(said.as_tuple().exponent))


def _score(page: str, con: duckdb.DuckDBPyConnection) -> Pairs:
    """Each factor with value, points and weight, the others together, and the score from them."""
    columns = "factor, coalesce(value_text, CAST(round(value, 4) AS VARCHAR)), points, weight"
    published = {name: (value, points, weight) for name, value, points, weight in _rows(con, columns, "score.contribution")}
    total, weights = Decimal(0), Decimal(0)
    *listed, others, last = table(page, "factor", "value", "from", "points", "weight", "points × weight")
    for row in listed:
        name = row["factor"].strip("`")
        value, points, weight = published.pop(name)
        said = row["value"]
        yield name, said if said.isalpha() else float(_number(said)), value if said.isalpha() else float(value)
        yield f"{name}, points", float(_number(row["points"])), points
        yield f"{name}, weight", float(_number(row["weight"])), weight
        yield f"{name}, product", _number(row["points × weight"]), _number(row["points"]) * _number(row["weight"])
    full = [weight for _, points, weight in published.values() if points == FULL_POINTS]
    left_out = [points for _, points, _ in published.values() if points != FULL_POINTS]
    yield "others", (others["factor"], float(_number(others["weight"]))), (f"{len(full)} others", sum(full))
    yield "left out", left_out, [None, None, None]
    for row in (*listed, others):
        total, weights = total + _number(row["points × weight"]), weights + _number(row["weight"])
    yield "sums", (_number(last["points × weight"]), _number(last["weight"])), (total, weights)
    risk = _row(con, "score.risk_score")
    yield "score", round(total / weights, 2), round(Decimal(str(risk["score"])), 2)
    yield "score in words", f"{total:,} / {weights} = {total / weights:.4f}" in page, True
    yield "PD", f"= {risk['pd']:.4f}        grade {risk['grade']}" in page, True


def _tier(page: str, con: duckdb.DuckDBPyConnection) -> Pairs:
    published = _row(con, "decision.risk_tier")
    for row in table(page, "step", "tier", "why"):
        yield row["step"], row["tier"], published[TIER_STEPS[row["step"]]]


def _limit(page: str, con: duckdb.DuckDBPyConnection) -> Pairs:
    said = {(r["row"].strip("`"), r["kind"], _number(r["amount"])) for r in table(page, "row", "kind", "amount", "how")}
    yield "candidates", said, set(_rows(con, "method, kind, candidate_limit", "decision.limit_candidate"))
    limit = _row(con, "decision.credit_limit")
    *_, rounded, granted = table(page, "rung", "result", "why")
    yield "rounding", _number(rounded["result"]), limit["computed_limit"]
    yield "limit", _number(granted["result"]), limit["limit_reporting"]
    yield "reason", f"`limit_reason` {limit['limit_reason']}" in page, True


def _consequences(page: str, con: duckdb.DuckDBPyConnection) -> Pairs:
    said = {row["step"]: row["result"] for row in table(page, "step", "result", "why")}
    limit = _row(con, "decision.credit_limit")
    yield "approval", said["8 approval"], f"`{limit['approval_status']}`"
    yield "terms", said["9 terms"], f"{limit['payment_terms_days']} days, {limit['settlement_cycle'].replace('_', ' ')}"
    yield "hold", said["10 hold"], f"`{limit['hold_reasons']}`"
    alerts = _rows(con, "rule, state", "decision.alert")
    yield "alerts", said["11 alerts"], ", ".join(sorted(rule for rule, state in alerts if state != "closed"))
    review = _row(con, "decision.review")
    yield "review", said["12 review"], f"{review['next_review_date']}, `{review['review_reason']}`"
    asked = _rows(con, "action, state", "decision.treatment")
    told = set(re.findall(r"`(\w+)`", said["13 treatments"]))
    yield "treatments", told, {action for action, state in asked if state == "open"}
    yield "worklist", _number(said["14 worklist"]), _row(con, "mart.worklist")["exposure_at_risk"]
