"""What may be imported where at module level: heavy packages only in their rooms, so that commands start fast."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator

import pytest

# package -> where a module-level import of it is in place. Elsewhere it is imported inside the function that needs it.
ROOMS: dict[str, tuple[str, ...]] = {
    "great_expectations": (),
    "dagster": ("assets", "checks", "risk_pipeline.definitions", "risk_pipeline.orchestration"),
    "pandera": ("risk_pipeline.feeds",),
    "pandas": (
        "risk_pipeline.decision",
        "risk_pipeline.feeds",
        "risk_pipeline.gates",
        "risk_pipeline.pipeline",
        "risk_pipeline.policy.facts",
    ),
    "sqlalchemy": ("risk_pipeline.store",),
    "alembic": ("risk_pipeline.store",),
    "duckdb": (
        "assets",
        "checks",
        "risk_pipeline.engine",
        "risk_pipeline.feeds",
        "risk_pipeline.gates",
        "risk_pipeline.pipeline",
        "risk_pipeline.store",
    ),
    "sqlglot": ("risk_pipeline.engine", "risk_pipeline.lineage", "risk_pipeline.orchestration"),
    "rich": ("risk_pipeline.cli",),
    "typer": ("risk_pipeline.cli",),
}


def module_level_imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(imported module, line) of every import that runs when the module is imported; TYPE_CHECKING blocks do not."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
        yield from module_level_imports(node)


@pytest.mark.parametrize("package", sorted(ROOMS))
def test_heavy_package_stays_in_its_rooms(package: str, sources: dict[str, ast.Module]) -> None:
    strays = [
        f"{module}:{line} imports {imported} at module level"
        for module, tree in sources.items()
        for imported, line in module_level_imports(tree)
        if imported.split(".")[0] == package
        and not any(module == room or module.startswith(f"{room}.") for room in ROOMS[package])
    ]
    assert strays == []


def test_module_level_imports_are_found() -> None:
    """The finder itself: classes and ifs count, functions and TYPE_CHECKING do not."""
    text = (
        "import a.b\nclass C:\n    import c\nif X:\n    from d import e\nif TYPE_CHECKING:\n    import f\ndef g():\n    import h"
    )
    assert list(module_level_imports(ast.parse(text))) == [("a.b", 1), ("c", 3), ("d", 5)]


@pytest.mark.parametrize("module", ["risk_pipeline.cli", "risk_pipeline.contracts", "risk_pipeline.settings"])
def test_starting_loads_nothing_heavy(module: str) -> None:
    """`--help` answers within half a second only while these stay out."""
    heavy = [
        "alembic",
        "dagster",
        "duckdb",
        "great_expectations",
        "numpy",
        "pandas",
        "pandera",
        "pyarrow",
        "sqlalchemy",
        "sqlglot",
    ]
    code = f"import sys, {module}; print(sorted(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
