"""Mutants: small faults that a programmer could have made, one at a time, in the syntax tree of a module.

Put here: which changes there are and making one of them. Keep out: running tests against it (mutation.py).

Changed are comparisons, `and`/`or`/`not`, arithmetic and bit operators, numbers and flags, conditions, return values, and what
decides in vectorised code: min and max, any and all, floor and ceil, the branches of `where`. Left alone is what no test should
depend on, or what any test would notice: texts, names, annotations (but the bounds in them), decorators, imports, messages of
exceptions.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

Put = Callable[[ast.expr], None]  # stands a new expression in the place of the old one
SWAPPED_COMPARISON: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
SWAPPED_OPERATOR: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
OPPOSITE = {
    **{"min": "max", "minimum": "maximum", "fmin": "fmax", "argmin": "argmax", "any": "all", "floor": "ceil"},
    **{"max": "min", "maximum": "minimum", "fmax": "fmin", "argmax": "argmin", "all": "any", "ceil": "floor"},
}
UNTOUCHED = (ast.Import, ast.ImportFrom, ast.Raise, ast.Assert, ast.JoinedStr, ast.Global, ast.Nonlocal)


@dataclass(frozen=True)
class Mutant:
    """The change of that number in a module, where it stands and what it does."""

    module: str
    number: int
    line: int
    what: str


@dataclass(frozen=True)
class _Change:
    line: int
    what: str
    make: Callable[[], None]


def mutants_of(module: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its text."""
    return [Mutant(module, number, each.line, each.what) for number, each in enumerate(_changes(ast.parse(source)))]


def mutated(source: str, number: int) -> ast.Module:
    """The module with the change of that number made."""
    tree = ast.parse(source)
    next(each for place, each in enumerate(_changes(tree)) if place == number).make()
    return ast.fix_missing_locations(tree)


def _changes(tree: ast.Module) -> Iterator[_Change]:
    for statement in tree.body:
        yield from _of_node(statement, inside=False)


def _of_node(node: ast.AST, *, inside: bool) -> Iterator[_Change]:
    """Changes of a node and of all below it; `inside` a function, where `|` is no union of types."""
    if isinstance(node, UNTOUCHED) or _of_type_checking(node):
        return
    yield from _of_statement(node)
    function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            yield from _of_bounds(value)
        elif isinstance(value, list):
            for place, each in enumerate(value):
                yield from _of_field(value, place, each, inside=inside or function)
        elif not (name == "value" and isinstance(node, ast.Expr) and isinstance(value, ast.Constant)):  # a docstring
            yield from _of_field(node, name, value, inside=inside or function)


def _of_statement(node: ast.AST) -> Iterator[_Change]:
    """Conditions negated (a comparison has its own changes), None returned, the operator of `+=`."""
    if isinstance(node, (ast.If, ast.While, ast.IfExp)) and not isinstance(node.test, (ast.Compare, ast.UnaryOp)):
        yield _negated(node, "test", node.test)
    elif isinstance(node, ast.comprehension):
        for place, each in enumerate(node.ifs):
            if not isinstance(each, (ast.Compare, ast.UnaryOp)):
                yield _negated(node.ifs, place, each)
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield _replaced(node, "value", node.value, ast.Constant(None), "returns None")
    elif isinstance(node, ast.AugAssign):
        yield from _operator(node)


def _of_bounds(value: object) -> Iterator[_Change]:
    """Of an annotation only what is called in it: the bounds of a field."""
    for node in ast.walk(value) if isinstance(value, ast.AST) else ():
        if isinstance(node, ast.Call):
            yield from _of_node(node, inside=True)


def _of_field(holder: object, key: str | int, node: object, *, inside: bool) -> Iterator[_Change]:
    if not isinstance(node, ast.AST):
        return
    if isinstance(node, ast.expr):
        yield from _of_expression(holder, key, node, inside=inside)
    yield from _of_node(node, inside=inside)


def _of_expression(holder: object, key: str | int, node: ast.expr, *, inside: bool) -> Iterator[_Change]:
    """Changes of one expression, which stands at `key` of `holder` (a field of a node, or a place in a list)."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in SWAPPED_COMPARISON[type(operator)]:
                yield _Change(node.lineno, _told(operator, other), partial(_set, node.ops, place, other()))
    elif isinstance(node, ast.BoolOp):
        other_word = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield _Change(node.lineno, _told(node.op, other_word), lambda: setattr(node, "op", other_word()))
    elif isinstance(node, ast.UnaryOp):
        yield _replaced(holder, key, node, node.operand, f"without {type(node.op).__name__}")
    elif isinstance(node, ast.BinOp) and (inside or not isinstance(node.op, ast.BitOr)):
        yield from _operator(node)
    elif isinstance(node, ast.Constant):
        yield from _constant(holder, key, node)
    elif isinstance(node, ast.Call):
        yield from _call(node)


def _operator(node: ast.BinOp | ast.AugAssign) -> Iterator[_Change]:
    other = SWAPPED_OPERATOR.get(type(node.op))
    operands = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.value,)
    if other is not None and not any(_is_text(operand) for operand in operands):
        yield _Change(node.lineno, _told(node.op, other), lambda: setattr(node, "op", other()))


def _constant(holder: object, key: str | int, node: ast.Constant) -> Iterator[_Change]:
    if isinstance(node.value, bool):
        yield _replaced(holder, key, node, ast.Constant(not node.value), f"{node.value} -> {not node.value}")
    elif isinstance(node.value, (int, float)):
        yield _replaced(holder, key, node, ast.Constant(node.value + 1), f"{node.value} -> {node.value + 1}")


def _call(node: ast.Call) -> Iterator[_Change]:
    """A function that decides by its opposite; the two branches of `where` the other way round."""
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    if name in OPPOSITE:
        part = "attr" if isinstance(called, ast.Attribute) else "id"
        yield _Change(node.lineno, f"{name} -> {OPPOSITE[name]}", lambda: setattr(called, part, OPPOSITE[name]))
    if name == "where" and len(node.args) == 3:
        yield _Change(node.lineno, "branches of where swapped", lambda: node.args.append(node.args.pop(1)))


def _negated(holder: object, key: str | int, node: ast.expr) -> _Change:
    return _replaced(holder, key, node, ast.UnaryOp(ast.Not(), node), "condition negated")


def _replaced(holder: object, key: str | int, node: ast.expr, by: ast.expr, what: str) -> _Change:
    return _Change(node.lineno, what, lambda: _set(holder, key, ast.copy_location(by, node)))


def _set(holder: object, key: str | int, value: ast.AST) -> None:
    if isinstance(holder, list) and isinstance(key, int):
        holder[key] = value
    else:
        setattr(holder, str(key), value)


def _told(before: ast.AST, after: type[ast.AST]) -> str:
    return f"{type(before).__name__} -> {after.__name__}"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _of_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
