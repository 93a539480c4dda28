"""Every module says what it holds and what it does not; pure code knows no clock, environment or chance; nor does any import."""

from __future__ import annotations

import ast
from collections.abc import Iterator

# What a function of the library may do, but no import, and nothing in the pure packages.
IMPURE = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now", "datetime.date.today",
    "time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "time.localtime",
    "os.environ", "os.environ.get", "os.getenv", "os.getcwd", "os.getpid", "socket.gethostname", "getpass.getuser",
    "random.random", "random.Random", "uuid.uuid4", "uuid.uuid1", "secrets.token_hex", "Path.cwd", "Path.home",
}  # fmt: skip
PURE = ("risk_pipeline.decision", "risk_pipeline.policy", "risk_pipeline.contracts", "risk_pipeline.factors")


def impure(node: ast.AST) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of each use of something in IMPURE below `node`."""
    for child in ast.walk(node):
        if isinstance(child, ast.Attribute) and ast.unparse(child) in IMPURE:
            yield ast.unparse(child), child.lineno


def run_at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The statements that run when a module is imported: its own and those of its classes, decorators and defaults included."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults))
        elif isinstance(node, ast.ClassDef | ast.If | ast.Try | ast.With | ast.For | ast.While):
            yield from run_at_import(node)
        else:
            yield node


def test_every_module_opens_with_what_it_is_for(sources: dict[str, ast.Module]) -> None:
    silent = [name for name, tree in sources.items() if len((ast.get_docstring(tree) or "").split()) < 5]
    assert silent == []


def test_nothing_is_read_from_the_machine_at_import(sources: dict[str, ast.Module]) -> None:
    found = [
        f"{module}:{line} {name}"
        for module, tree in sources.items()
        for part in run_at_import(tree)
        for name, line in impure(part)
    ]
    assert found == []


def test_pure_packages_know_no_clock_environment_or_chance(sources: dict[str, ast.Module]) -> None:
    found = [
        f"{module}:{line} {name}" for module, tree in sources.items() if module.startswith(PURE) for name, line in impure(tree)
    ]
    assert found == []


def test_impure_uses_are_found() -> None:
    """The finders themselves."""
    tree = ast.parse(
        "import os\nA = os.environ['A']\ndef f(x=os.getenv('B')):\n    return os.getcwd()\nclass C:\n    d = date.today()\n"
    )
    assert [line for part in run_at_import(tree) for _, line in impure(part)] == [2, 3, 6]
    assert {name for name, _ in impure(tree)} == {"os.environ", "os.getenv", "os.getcwd", "date.today"}
