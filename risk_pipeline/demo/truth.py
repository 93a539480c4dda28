"""The ground truth beside a generated ledger: which story each customer plays, which rows are dirty, what must come out.

Put here: the record and how it is stored. Keep out: how it comes about (generator.py). Nothing in the pipeline reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

TRUTH_FILE = Path("truth/ground_truth.json")


@dataclass(frozen=True)
class Role:
    """What one customer does: its story and the dates that matter (None: not within the books)."""

    story: str
    dates: Mapping[str, date | None]


@dataclass(frozen=True)
class DirtyRow:
    """A planted row: the feed that must reject it, by which rule, at which line of the file.

    `column`: canonical name; '' for a key that occurs twice, and `value` is then that key.
    """

    feed: str
    file: str
    line: int
    rule: str
    column: str
    value: str


@dataclass(frozen=True)
class Truth:
    """What the generator knows. `open_items` and `open_balance` (minor units by currency): keyed by month end, as ISO text."""

    seed: int
    months: int
    first_day: date
    month_ends: tuple[date, ...]
    customers: Mapping[str, Role]
    dirty_rows: tuple[DirtyRow, ...]
    repeated_rows: Mapping[str, int]
    open_items: Mapping[str, int]
    open_balance: Mapping[str, Mapping[str, int]]

    def playing(self, story: str) -> list[str]:
        """Ids of the customers that play `story`, in order."""
        return [number for number, role in self.customers.items() if role.story == story]

    def write(self, root: Path) -> None:
        path = root / TRUTH_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, root: Path) -> Truth:
        """Read the ground truth of the workspace `root`."""
        raw: dict[str, Any] = json.loads((root / TRUTH_FILE).read_text(encoding="utf-8"))
        raw["first_day"] = date.fromisoformat(raw["first_day"])
        raw["month_ends"] = tuple(map(date.fromisoformat, raw["month_ends"]))
        raw["customers"] = {number: Role(role["story"], _dates(role["dates"])) for number, role in raw["customers"].items()}
        raw["dirty_rows"] = tuple(DirtyRow(**row) for row in raw["dirty_rows"])
        return cls(**raw)


def _dates(raw: Mapping[str, str | None]) -> dict[str, date | None]:
    return {name: None if value is None else date.fromisoformat(value) for name, value in raw.items()}
