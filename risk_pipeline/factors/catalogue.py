"""The factor catalogue: what each factor and measure is, where it comes from and how to read it.

Put here: the models of catalogue.yaml and its loader. Keep out: how a factor scores (the policy: a changed bin is a changed
policy) and how it is computed (the SQL files beside this one).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from importlib import resources
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, model_validator

from risk_pipeline.contracts import Table
from risk_pipeline.policy.model import Label, Model, Name, RiskType, Text

# The kinds of risk that factors stand for, as people read them.
RISK_TYPES: Mapping[RiskType, Label] = {
    "credit": Label(en="Credit risk", zh="信用风险"),
    "operational": Label(en="Operational risk", zh="操作风险"),
    "market": Label(en="Market risk", zh="市场风险"),
    "legal": Label(en="Legal risk", zh="法律风险"),
    "reputation": Label(en="Reputation risk", zh="声誉风险"),
}
# With libyaml ten times as quick; every command reads the catalogue.
LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class Reason(Label):
    """Why the factor cost points, as told to people."""

    code: Annotated[str, Field(pattern=r"^[A-Z]\d\d$")]


class Factor(Model):
    """One column of a factor table.

    `direction`: up = more is safer, down = more is riskier, none = describes only. `codes`: the special codes its SQL may
    give in the column `<id>_code`. `evidence`: the column with the date of the newest row used, from which its age counts.
    `reason` is set for factors that scorecards may use, and for no others.
    """

    id: Name
    table: Name
    label: Label
    unit: Text
    direction: Literal["up", "down", "none"]
    risk_type: RiskType
    window: Text
    formula: Text
    sources: Annotated[tuple[Name, ...], Field(min_length=1)]
    codes: tuple[Name, ...] = ()
    evidence: Name = "evidence_date"
    reason: Reason | None = None


class Catalogue(Model):
    """All factors, in the order that breaks ties between reasons; `codes` says what each special code means.

    `definitions`: the words that formulas use, such as `overdue`.
    """

    factors: tuple[Factor, ...]
    codes: dict[Name, Label]
    definitions: dict[Text, Label] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        ids = [factor.id for factor in self.factors]
        twice = {i for i in ids if ids.count(i) > 1}
        if twice:
            raise ValueError(f"listed twice: {sorted(twice)}")
        used = {code for factor in self.factors for code in factor.codes}
        if used != set(self.codes):
            raise ValueError(f"codes used and codes explained differ: {sorted(used ^ set(self.codes))}")
        return self

    def __hash__(self) -> int:
        """By identity: a catalogue is read once, and what it holds has no hash."""
        return id(self)

    @cached_property
    def by_id(self) -> Mapping[str, Factor]:
        """The factors by id."""
        return {factor.id: factor for factor in self.factors}

    def scored(self, ids: Mapping[str, object]) -> tuple[Factor, ...]:
        """The given factors in catalogue order."""
        return tuple(factor for factor in self.factors if factor.id in ids)


# The files of the catalogue; their order, and the order in each, breaks ties between reasons.
FILES = (
    "catalogue.yaml",
    "catalogue_financial_condition.yaml",
    "catalogue_credit_record.yaml",
    "catalogue_behaviour.yaml",
    "catalogue_industry_region.yaml",
    "catalogue_market_environment.yaml",
    "catalogue_contract_collateral.yaml",
    "catalogue_collateral.yaml",
    "catalogue_due_diligence.yaml",
)


def heading(table: Table) -> Label:
    """What a factor table is about, in a word or two: its description up to the colon."""
    return Label(en=table.en.split(":")[0], zh=table.zh.split("：")[0])


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """The packaged catalogue, all files as one. A code that several files use is explained in the same words."""
    factors: list[object] = []
    codes: dict[str, object] = {}
    definitions: dict[str, object] = {}
    for name in FILES:
        text = resources.files("risk_pipeline.factors").joinpath(name).read_text(encoding="utf-8")
        part = yaml.load(text, Loader=LOADER)
        factors += part["factors"]
        definitions |= part.get("definitions", {})
        for code, label in part["codes"].items():
            if codes.setdefault(code, label) != label:
                raise ValueError(f"{name}: code {code} has another text than in the files before")
    return Catalogue.model_validate({"factors": factors, "codes": codes, "definitions": definitions})
