"""Field, Column and Table: how a column is declared once, and the forms derived from that declaration.

Put here: the three classes and the derivations (`to_pandera`, `to_sqlalchemy`, `to_arrow`). Keep out: any actual field
(fields_*.py) or table (feed.py, factor.py, score.py, decision.py, audit.py, mart.py), and any database or file access.
pandera, SQLAlchemy and pyarrow are imported inside the methods, so that importing contracts stays fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandera.pandas as pa_schema
    import pyarrow as pa
    import sqlalchemy as sa

Layer = Literal["feed", "factor", "score", "decision", "audit", "mart"]
Sensitivity = Literal["public", "internal", "personal"]
MoneyIn = Literal["currency", "reporting", "invoice"]

REPORTING = "reporting currency"  # unit of money fields that are in reporting currency in every table


class Kind(StrEnum):
    """Logical type of a column; each has exactly one Arrow, DuckDB, SQLAlchemy and pandas form."""

    TEXT = "text"
    DATE = "date"
    MONEY = "money"  # DECIMAL(18,2)
    RATE = "rate"  # DECIMAL(18,10), an exchange rate
    INTEGER = "integer"  # BIGINT
    NUMBER = "number"  # DOUBLE: ratios, points, percentages
    FLAG = "flag"  # BOOLEAN
    TIMESTAMP = "timestamp"  # UTC, microseconds
    JSON = "json"  # canonical JSON as text


DUCKDB_TYPE: Mapping[Kind, str] = {
    Kind.TEXT: "VARCHAR",
    Kind.DATE: "DATE",
    Kind.MONEY: "DECIMAL(18,2)",
    Kind.RATE: "DECIMAL(18,10)",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.FLAG: "BOOLEAN",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.JSON: "VARCHAR",
}


@dataclass(frozen=True)
class Field:
    """What a column name means, everywhere it is used.

    `unit` is empty for text, dates and flags, and for money that is in the currency of its row (see Table.money_in).
    """

    name: str
    kind: Kind
    en: str
    zh: str
    unit: str = ""
    sensitivity: Sensitivity = "internal"


def code_of(factor: Field) -> Field:
    """The column `<factor>_code` beside a factor: why it has no value."""
    return Field(
        f"{factor.name}_code",
        Kind.TEXT,
        f"Coded reason why {factor.name} has no value; empty = none",
        f"{factor.name} 无取值时的原因代码；为空表示无",
    )


def coded(factors: Iterable[Field]) -> str:
    """Names of factors, each followed by the column of its code, as tables list them."""
    return " ".join(f"{factor.name} {code_of(factor).name}" for factor in factors)


@dataclass(frozen=True)
class Column:
    """A field in its place in one table.

    `required`: NULL is a broken row. `values`: the closed list of allowed values. `masked_by`: an outcome column, NULL in
    every as-of view while the date column named here is later than the as-of date. `judged_on`: what a person made of the row,
    which is knowledge, not an event: it counts from when it was known, and from the date column named here only where
    known_from is an assumption. `current_only`: holds only today's
    state, so a dated run sees it only in a version that was known on its date. `absent`: what an empty or unmapped cell
    stands for, in a column of the key that says nothing about some rows.
    """

    field: Field
    required: bool = False
    values: tuple[str, ...] = ()
    masked_by: str | None = None
    judged_on: str | None = None
    current_only: bool = False
    absent: str | None = None

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def kind(self) -> Kind:
        return self.field.kind


@dataclass(frozen=True)
class Table:
    """One table of the warehouse. `key` is the primary key; `event_date` the visible-from column of a feed table.

    `money_in` says what money columns without a unit of their own are in: the row's column `currency`, the reporting
    currency, or the currency of the invoice the row belongs to.
    """

    layer: Layer
    name: str
    grain: str
    owner: str
    en: str
    zh: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    event_date: str | None = None
    money_in: MoneyIn = "currency"
    _by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        # Key columns are required whether or not the declaration repeats it.
        held = tuple(replace(c, required=c.required or c.name in self.key) for c in self.columns)
        object.__setattr__(self, "columns", held)
        by_name = {column.name: column for column in held}
        if len(by_name) != len(held):
            raise ValueError(f"{self.full_name}: a column is listed twice")
        dates = {date for c in self.columns for date in (c.masked_by, c.judged_on, self.event_date) if date}
        named = [*self.key, *sorted(dates)]
        unknown = [name for name in named if name not in by_name]
        if unknown:
            raise ValueError(f"{self.full_name}: {unknown} named but not declared")
        in_row = [c.name for c in self.columns if c.kind is Kind.MONEY and c.field.unit != REPORTING]
        if in_row and self.money_in == "currency" and "currency" not in by_name:
            raise ValueError(f"{self.full_name}: {in_row} are money without a currency")
        object.__setattr__(self, "_by_name", by_name)

    @property
    def full_name(self) -> str:
        return f"{self.layer}.{self.name}"

    @property
    def asset_key(self) -> list[str]:
        return [self.layer, self.name]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when the table has none."""
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def unit(self, name: str) -> str:
        """Unit of a column in this table; for money the currency it is in, empty for text, dates and flags."""
        field_ = self.column(name).field
        if field_.unit or field_.kind is not Kind.MONEY:
            return field_.unit
        return {"currency": "currency of the row", "reporting": REPORTING, "invoice": "currency of the invoice"}[self.money_in]

    def to_arrow(self) -> pa.Schema:
        """Arrow schema in declared order; key and required columns are not nullable."""
        from risk_pipeline.contracts.derive import arrow_schema

        return arrow_schema(self)

    def to_pandera(self) -> pa_schema.DataFrameSchema:
        """Schema for a typed pandas frame: types, nullability, closed lists, finiteness, key uniqueness."""
        from risk_pipeline.contracts.derive import pandera_schema

        return pandera_schema(self)

    def to_sqlalchemy(self, metadata: sa.MetaData) -> sa.Table:
        """SQLAlchemy table in schema `layer`, with comments; money is NUMERIC(18,2)."""
        from risk_pipeline.contracts.derive import sqlalchemy_table

        return sqlalchemy_table(self, metadata)
