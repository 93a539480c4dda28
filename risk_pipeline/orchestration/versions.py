"""Code versions and data versions: what makes a table stale in Dagster.

Put here: hashes over what a table is made by (its contract, SQL, decision code) and made from (deliveries, policy, date).
Left to itself Dagster would take the run id for both, and everything would always be stale.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from risk_pipeline.contracts import Table
from risk_pipeline.orchestration.dependencies import source_text

# The code behind each layer; a factor table is made by its own SQL alone.
CODE = {
    "feed": ("feeds",),
    "score": ("decision", "policy"),
    "decision": ("decision", "policy"),
    "mart": ("decision", "policy"),
    "audit": (),
}


@cache
def code_version(table: Table) -> str:
    """Twelve hex digits that change when the table's columns or the code that fills it change."""
    columns = [[column.name, column.kind, column.required, column.values] for column in table.columns]
    made_by = source_text(table.full_name) if table.layer == "factor" else [_package_text(name) for name in CODE[table.layer]]
    return digest([columns, made_by])


def digest(content: Any) -> str:
    """Twelve hex digits of anything JSON can hold; dates and decimals by their text."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def _package_text(name: str) -> str:
    found = _sources(files("risk_pipeline") / name)
    return "\n".join(source.read_text(encoding="utf-8") for source in sorted(found, key=lambda each: each.name))


def _sources(folder: Traversable) -> Iterable[Traversable]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.name.endswith((".py", ".yaml")):
            yield entry
