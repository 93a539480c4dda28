"""The one dictionary of fields, and the helper with which tables list their columns by name.

Put here: nothing but the union of the fields_*.py and factor_*.py files and `columns`. Keep out: fields and tables themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from risk_pipeline.contracts import (
    factor_behaviour,
    factor_collateral,
    factor_contract_collateral,
    factor_credit_record,
    factor_due_diligence,
    factor_financial_condition,
    factor_group_state,
    factor_industry_region,
    factor_market_environment,
    factor_newest_event,
    factor_people,
    fields_alert,
    fields_audit,
    fields_decision,
    fields_evidence,
    fields_factor,
    fields_ledger,
    fields_people,
    fields_reference,
    fields_treatment,
)
from risk_pipeline.contracts.table import Column, Field


def _union(*groups: tuple[Field, ...]) -> dict[str, Field]:
    merged: dict[str, Field] = {}
    for group in groups:
        for field in group:
            if field.name in merged:
                raise ValueError(f"field {field.name} is declared twice")
            merged[field.name] = field
    return merged


FIELDS: Mapping[str, Field] = _union(
    fields_ledger.FIELDS,
    fields_evidence.FIELDS,
    fields_reference.FIELDS,
    fields_people.FIELDS,
    fields_factor.FIELDS,
    factor_behaviour.FIELDS,
    factor_credit_record.FIELDS,
    factor_due_diligence.FIELDS,
    factor_financial_condition.FIELDS,
    factor_industry_region.FIELDS,
    factor_market_environment.FIELDS,
    factor_contract_collateral.FIELDS,
    factor_collateral.FIELDS,
    factor_people.FIELDS,
    factor_newest_event.FIELDS,
    factor_group_state.FIELDS,
    fields_decision.FIELDS,
    fields_alert.FIELDS,
    fields_treatment.FIELDS,
    fields_audit.FIELDS,
)


def columns(
    names: str,
    *,
    required: str = "",
    values: Mapping[str, str] | None = None,
    masked: Mapping[str, str] | None = None,
    judged: Mapping[str, str] | None = None,
    current_only: str = "",
    absent: Mapping[str, str] | None = None,
) -> tuple[Column, ...]:
    """Columns of a table from names separated by blanks, in that order.

    `required` and `current_only` list names; `values` maps a name to its closed list (separated by blanks); `masked` maps
    an outcome column to the date column that hides it, `judged` a judgement to the date of it; `absent` maps a column of the
    key to what an empty cell stands for. A name that is not a field, or not in `names`, raises ValueError.
    """
    listed = names.split()
    lists = {name: tuple(text.split()) for name, text in (values or {}).items()}
    masks, judgements = dict(masked or {}), dict(judged or {})
    empty = dict(absent or {})
    dates = {*masks.values(), *judgements.values()}
    settings = {*required.split(), *current_only.split(), *lists, *masks, *judgements, *dates, *empty}
    unknown = ({*listed} - {*FIELDS}) | (settings - {*listed})
    if unknown:
        raise ValueError(f"not a declared field, or not a column of this table: {sorted(unknown)}")
    return tuple(
        Column(
            FIELDS[name],
            required=name in required.split(),
            values=lists.get(name, ()),
            masked_by=masks.get(name),
            judged_on=judgements.get(name),
            current_only=name in current_only.split(),
            absent=empty.get(name),
        )
        for name in listed
    )
