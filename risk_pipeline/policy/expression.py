"""Conditions of the policy (`when`): a small language over named columns, parsed, type-checked, never `eval`.

    condition := and-terms joined by `or`; and-term := not-terms joined by `and`; not-term := [not] comparison
    comparison := ( condition ) | operand [ (= | != | < | <= | > | >=) operand | [not] in (literal, ...) ]
    operand := column | number | 'text' | true | false

Three-valued logic as in SQL: a comparison with NULL is not known, and a condition that is not known is not met; `not` of
something not known is not known either, so `not (x > 5)` is not met where x is NULL. Money columns compare with numbers in
currency units and with other money columns, exactly. Texts compare only for equality; a column with a closed list of values
compares only with values of that list. Quote a quote by doubling it.

Put here: the language. Keep out: which columns exist at which stage (scopes.py) and what a condition is for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from risk_pipeline.contracts.table import Column, Kind
from risk_pipeline.policy.model import MINOR_PER_UNIT

if TYPE_CHECKING:
    from risk_pipeline.policy.facts import Bools, Facts

Scope = Mapping[str, Column]
MAX_LENGTH = 2000
MAX_DEPTH = 50
NUMERIC = (Kind.NUMBER, Kind.INTEGER)
COMPARABLE = (*NUMERIC, Kind.MONEY, Kind.TEXT, Kind.FLAG)
OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip
FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
KEYWORDS = ("and", "or", "not", "in", "true", "false")
TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_]\w*)|(?P<op><=|>=|!=|[=<>(),]))"
)


class ExpressionError(ValueError):
    """A condition that cannot be read. `position` is the place in the text, counted from 1."""

    def __init__(self, message: str, text: str, position: int) -> None:
        super().__init__(f"{message} (at position {position} of {text!r})")
        self.position = position


@dataclass(frozen=True)
class Literal:
    """A constant: Decimal, str or bool."""

    value: Decimal | str | bool
    position: int

    @property
    def kind(self) -> Kind:
        if isinstance(self.value, bool):
            return Kind.FLAG
        return Kind.TEXT if isinstance(self.value, str) else Kind.NUMBER


@dataclass(frozen=True)
class Ref:
    """A column of the scope."""

    name: str
    kind: Kind
    position: int


@dataclass(frozen=True)
class Comparison:
    """left op right; the left side is always a column."""

    left: Ref
    op: str
    right: Ref | Literal


@dataclass(frozen=True)
class Membership:
    """column in (a, b, ...)."""

    left: Ref
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class Truth:
    """A flag column or a constant standing alone."""

    operand: Ref | Literal


@dataclass(frozen=True)
class Not:
    """The opposite; not known stays not known."""

    inner: Node


@dataclass(frozen=True)
class Joined:
    """All of (`and`) or any of (`or`) the parts."""

    word: str
    parts: tuple[Node, ...]


Node = Comparison | Membership | Truth | Not | Joined


@dataclass(frozen=True)
class Expression:
    """A parsed, type-checked condition."""

    text: str
    root: Node

    def columns(self) -> tuple[str, ...]:
        """The columns the condition reads, in order of appearance, each once."""
        return tuple(dict.fromkeys(ref.name for ref in _refs(self.root)))

    def met(self, facts: Facts) -> Bools:
        """Where the condition is met: one bool per row; not known counts as not met."""
        return _evaluate(self.root, facts)[0]

    def explain(self, row: Mapping[str, Any]) -> str:
        """The condition and the values it met, for messages. `row` holds values as readers see them (money in units)."""
        values = [f"{name} is {'not known' if row.get(name) is None else row[name]}" for name in self.columns()]
        return f"{self.text} ({', '.join(values)})" if values else self.text


def parse(text: str, scope: Scope) -> Expression:
    """The condition `text` over the columns of `scope`. ExpressionError names what is wrong and where."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters", text[:40] + "...", 1)
    return Expression(text, _Parser(text, scope).parse())


def _refs(node: Node) -> Iterator[Ref]:
    if isinstance(node, Joined):
        for part in node.parts:
            yield from _refs(part)
    elif isinstance(node, Not):
        yield from _refs(node.inner)
    elif isinstance(node, Truth):
        if isinstance(node.operand, Ref):
            yield node.operand
    else:
        yield node.left
        if isinstance(node, Comparison) and isinstance(node.right, Ref):
            yield node.right


# ---------------------------------------------------------------- evaluation: (true, known), never both true and unknown


def _evaluate(node: Node, facts: Facts) -> tuple[Bools, Bools]:
    if isinstance(node, Joined):
        return _joined(node, facts)
    if isinstance(node, Not):
        true, known = _evaluate(node.inner, facts)
        return known & ~true, known
    if isinstance(node, Truth):
        if isinstance(node.operand, Literal):
            return np.full(len(facts), bool(node.operand.value)), np.ones(len(facts), dtype=bool)
        flag = facts.flags(node.operand.name)
        return flag.values & flag.known, flag.known
    if isinstance(node, Membership):
        return _membership(node, facts)
    return _comparison(node, facts)


def _joined(node: Joined, facts: Facts) -> tuple[Bools, Bools]:
    true, known = _evaluate(node.parts[0], facts)
    for part in node.parts[1:]:
        other_true, other_known = _evaluate(part, facts)
        if node.word == "and":
            known = (known & other_known) | (known & ~true) | (other_known & ~other_true)
            true = true & other_true
        else:
            known = (known & other_known) | true | other_true
            true = true | other_true
    return true, known


def _membership(node: Membership, facts: Facts) -> tuple[Bools, Bools]:
    if node.left.kind is Kind.TEXT:
        column = facts.text(node.left.name)
        return column.is_in(tuple(str(v.value) for v in node.values)), column.known
    vector = _vector(node.left, facts)
    true = np.isin(vector.values, [_constant(v, node.left.kind) for v in node.values])
    return true & vector.known, vector.known


def _comparison(node: Comparison, facts: Facts) -> tuple[Bools, Bools]:
    if node.left.kind is Kind.TEXT:
        return _text_comparison(node, facts)
    left = _vector(node.left, facts)
    if isinstance(node.right, Literal):
        true = OPERATORS[node.op](left.values, _constant(node.right, node.left.kind))
        return true & left.known, left.known
    right = _vector(node.right, facts)
    known = left.known & right.known
    return OPERATORS[node.op](left.values, right.values) & known, known


def _text_comparison(node: Comparison, facts: Facts) -> tuple[Bools, Bools]:
    left = facts.text(node.left.name)
    if isinstance(node.right, Literal):
        equal, known = left.is_in((str(node.right.value),)), left.known
    else:
        right = facts.text(node.right.name)
        place = {text: i for i, text in enumerate(right.categories)}
        same_code = np.array([*(place.get(text, -2) for text in left.categories), -2])  # -2 equals no code
        equal, known = same_code[left.codes] == right.codes, left.known & right.known
    return (equal if node.op == "=" else ~equal) & known, known


def _vector(ref: Ref, facts: Facts) -> Any:
    if ref.kind is Kind.FLAG:
        return facts.flags(ref.name)
    return facts.integers(ref.name) if ref.kind is Kind.MONEY else facts.numbers(ref.name)


def _constant(literal: Literal, kind: Kind) -> int | float | bool:
    if isinstance(literal.value, bool):
        return literal.value
    assert isinstance(literal.value, Decimal)  # texts are compared by code
    return int(literal.value * MINOR_PER_UNIT) if kind is Kind.MONEY else float(literal.value)


# ---------------------------------------------------------------- parsing


@dataclass(frozen=True)
class _Token:
    kind: str  # number, text, name, op, end
    text: str
    position: int


class _Parser:
    """Recursive descent over the tokens; every type error is found here, so that evaluation cannot fail."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self.tokens = list(self._tokens())
        self.at = 0
        self.depth = 0

    def parse(self) -> Node:
        node = self._or()
        if self._now.kind != "end":
            raise self._error(f"`{self._now.text}` was not expected here")
        return node

    def _tokens(self) -> Iterator[_Token]:
        at = 0
        while self.text[at:].strip():
            match = TOKEN.match(self.text, at)
            if match is None:
                at += len(self.text[at:]) - len(self.text[at:].lstrip())
                raise ExpressionError(f"cannot read `{self.text[at : at + 10]}`", self.text, at + 1)
            kind = str(match.lastgroup)
            yield _Token(kind, match.group(kind), match.start(kind) + 1)
            at = match.end()
        yield _Token("end", "the end", len(self.text) + 1)

    @property
    def _now(self) -> _Token:
        return self.tokens[self.at]

    def _error(self, message: str, position: int | None = None) -> ExpressionError:
        return ExpressionError(message, self.text, position or self._now.position)

    def _take(self, *texts: str) -> bool:
        if self._now.kind in ("name", "op") and self._now.text in texts:
            self.at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._error(f"`{text}` expected, found `{self._now.text}`")

    def _or(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH}")
        node = self._series("or", lambda: self._series("and", self._not))
        self.depth -= 1
        return node

    def _series(self, word: str, part: Callable[[], Node]) -> Node:
        parts = [part()]
        while self._take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _not(self) -> Node:
        inverted = False
        while self._take("not"):
            inverted = not inverted
        node = self._compared()
        return Not(node) if inverted else node

    def _compared(self) -> Node:
        if self._take("("):
            node = self._or()
            self._expect(")")
            return node
        left = self._operand()
        if self._now.text in OPERATORS:
            op = self._now.text
            self.at += 1
            return self._comparison(left, op, self._operand())
        if self._take("in"):
            return self._membership(left)
        if self._take("not"):
            self._expect("in")
            return Not(self._membership(left))
        if left.kind is not Kind.FLAG:
            raise self._error("a comparison is expected after this; only a flag can stand alone", left.position)
        return Truth(left)

    def _operand(self) -> Ref | Literal:
        token = self._now
        self.at += 1
        if token.kind == "number":
            return Literal(Decimal(token.text), token.position)
        if token.kind == "text":
            return Literal(token.text[1:-1].replace("''", "'"), token.position)
        if token.kind == "name" and token.text in ("true", "false"):
            return Literal(token.text == "true", token.position)
        if token.kind != "name" or token.text in KEYWORDS:
            raise self._error(f"a column or a value expected, found `{token.text}`", token.position)
        if token.text not in self.scope:
            raise self._error(f"unknown column `{token.text}`{self._suggestion(token.text)}", token.position)
        kind = self.scope[token.text].kind
        if kind not in COMPARABLE:
            raise self._error(f"column `{token.text}` is of kind {kind.value}, which conditions cannot compare", token.position)
        return Ref(token.text, kind, token.position)

    def _suggestion(self, name: str) -> str:
        import difflib

        near = difflib.get_close_matches(name, self.scope, n=1)
        return f"; did you mean `{near[0]}`? A text needs quotes: '{name}'" if near else f"; a text needs quotes: '{name}'"

    def _comparison(self, left: Ref | Literal, op: str, right: Ref | Literal) -> Comparison:
        if isinstance(left, Literal):
            if isinstance(right, Literal):
                raise self._error("two constants are compared: name a column", left.position)
            left, op, right = right, FLIPPED[op], left
        if left.kind in (Kind.TEXT, Kind.FLAG) and op not in ("=", "!="):
            raise self._error(f"`{op}` needs numbers, and `{left.name}` is of kind {left.kind.value}", left.position)
        self._check_types(left, right)
        return Comparison(left, op, right)

    def _membership(self, left: Ref | Literal) -> Membership:
        if isinstance(left, Literal):
            raise self._error("a column is expected before `in`", left.position)
        self._expect("(")
        values: list[Literal] = []
        while True:
            operand = self._operand()
            if isinstance(operand, Ref):
                raise self._error("a list holds constants only; a text needs quotes", operand.position)
            self._check_types(left, operand)
            values.append(operand)
            if not self._take(","):
                break
        self._expect(")")
        return Membership(left, tuple(values))

    def _check_types(self, left: Ref, right: Ref | Literal) -> None:
        if isinstance(right, Literal) and left.kind is Kind.MONEY and right.kind is Kind.NUMBER:
            if right.value != round(right.value, 2):  # type: ignore[arg-type]
                raise self._error("an amount has at most 2 decimals", right.position)
            return
        if left.kind is not right.kind and not (left.kind in NUMERIC and right.kind in NUMERIC):
            shown = right.name if isinstance(right, Ref) else str(right.value)
            raise self._error(
                f"`{left.name}` ({left.kind.value}) cannot be compared with `{shown}` ({right.kind.value})", right.position
            )
        allowed = self.scope[left.name].values
        if isinstance(right, Literal) and isinstance(right.value, str) and allowed and right.value not in allowed:
            raise self._error(f"`{left.name}` is never '{right.value}': it is one of {', '.join(allowed)}", right.position)
