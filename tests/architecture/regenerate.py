"""The files made from code: `make snapshots` writes them, `--check` says which differ from what the code gives today.

Put here: generated files that are committed, so that a change of the contracts or of the asset graph is seen in review. Keep
out: what a run produces.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from risk_pipeline.reporting.factors import page_names

ROOT = Path(__file__).resolve().parents[2]


def asset_graph() -> str:
    """One block per asset: what it is called, who owns it, what it reads, how it is cut and checked."""
    from risk_pipeline.definitions import build
    from risk_pipeline.settings import Settings

    definitions = build(ROOT / "no-workspace", Settings())
    graph = definitions.resolve_asset_graph()
    checks: dict[str, list[str]] = {}
    for check in graph.asset_check_keys:
        blocking = "blocking" if graph.get(check).blocking else "not blocking"
        checks.setdefault(check.asset_key.to_user_string(), []).append(f"{check.name} ({blocking})")

    def blocks() -> Iterator[str]:
        for node in sorted(graph.asset_nodes, key=lambda node: node.key.to_user_string()):
            name = node.key.to_user_string()
            yield name
            yield f"  group       {node.group_name}"
            yield f"  owners      {', '.join(sorted(node.owners))}"
            yield f"  kinds       {', '.join(sorted(node.kinds))}"
            yield f"  partitions  {node.partitions_def.name if node.partitions_def else '-'}"
            yield f"  reads       {', '.join(sorted(key.to_user_string() for key in node.parent_keys)) or '-'}"
            yield f"  checks      {', '.join(sorted(checks.get(name, []))) or '-'}"

    return "\n".join(blocks()) + "\n"


def data_dictionary() -> str:
    from risk_pipeline.reporting.dictionary import dictionary_markdown

    return dictionary_markdown()


def contract_rules() -> str:
    from risk_pipeline.reporting.rules import rules_markdown

    return rules_markdown()


def factor_page(name: str) -> str:
    from risk_pipeline.reporting.factors import factor_pages

    return factor_pages()[name]


def column_lineage() -> str:
    """One line per column, so that a difference reads as what it is about."""
    from risk_pipeline.pipeline.sql_lineage import sql_lineage

    def of_table(columns: dict[str, dict[str, list[str]]]) -> str:
        return ",\n".join(f"    {json.dumps(name)}: {json.dumps(found)}" for name, found in columns.items())

    tables = (f"  {json.dumps(name)}: {{\n{of_table(columns)}\n  }}" for name, columns in sql_lineage().items())
    return "{\n" + ",\n".join(tables) + "\n}\n"


def critical_data_elements() -> str:
    from risk_pipeline.pipeline.critical_elements import critical_elements
    from risk_pipeline.reporting.critical import critical_markdown

    return critical_markdown(critical_elements())


def lineage_drawing() -> str:
    """How the amount of an invoice reaches the limit, under the shipped policy."""
    from datetime import date

    from risk_pipeline.factors.catalogue import load_catalogue
    from risk_pipeline.lineage.columns import Column
    from risk_pipeline.lineage.drawing import svg
    from risk_pipeline.pipeline.column_lineage import column_lineage
    from risk_pipeline.policy.load import load_policy

    lineage = column_lineage(load_policy(None, load_catalogue(), as_of=date.max))
    limit, amount = Column("decision.credit_limit", "credit_limit"), Column("feed.invoice", "amount")
    return svg(lineage.between(limit, amount), f"{amount} → {limit}", [limit, amount])


GENERATED: dict[str, Callable[[], str]] = {
    "docs/contract_rules.md": contract_rules,
    "docs/critical_data_elements.md": critical_data_elements,
    "docs/data_dictionary.md": data_dictionary,
    **{name: partial(factor_page, name) for name in page_names()},
    "risk_pipeline/lineage/columns.json": column_lineage,
    "docs/img/lineage.svg": lineage_drawing,
    "tests/architecture/asset_graph.txt": asset_graph,
}


def main(arguments: list[str]) -> int:
    """Write the files named (all when none is), or compare them with `--check`; 1 when one differs."""
    wanted = [name for name in GENERATED if name in arguments or not [a for a in arguments if not a.startswith("--")]]
    differing = 0
    for name in wanted:
        path, fresh = ROOT / name, GENERATED[name]()
        committed = path.read_text(encoding="utf-8") if path.exists() else ""
        if fresh == committed:
            continue
        differing = 1
        if "--check" in arguments:
            sys.stdout.writelines(
                difflib.unified_diff(committed.splitlines(True), fresh.splitlines(True), f"{name} as committed", "today")
            )
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(fresh, encoding="utf-8")
            print(f"wrote {name}")
    return differing if "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
