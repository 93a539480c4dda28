"""What rows of one feed say about rows of another: which columns name a row elsewhere, and what must be alike there.

Put here: the references between feeds, as data. Keep out: asking them (store.cross_feed after a delivery, gates.cross_feed in
a run), rules within a row and what a warning means (rules.py).

Nothing here rejects or drops a row: the other feed may come later, or never. So each is a warning with its count.
"""

from __future__ import annotations

from dataclasses import dataclass

from risk_pipeline.contracts.table import Table


@dataclass(frozen=True)
class Reference:
    """Column `column` of any feed names a row of `feed` by its column `key`.

    `unknown`: the warning when there is no such row. `alike`: columns that both rows have, and the warning when they differ;
    only where `key` is the whole key of `feed`.
    """

    column: str
    feed: str
    key: str
    unknown: str
    alike: tuple[tuple[str, str], ...] = ()


REFERENCES: tuple[Reference, ...] = (
    Reference("customer_id", "customer", "customer_id", "unknown_customer"),
    Reference(
        "invoice_id",
        "invoice",
        "invoice_id",
        "unknown_invoice",
        (("currency", "currency_differs_from_invoice"), ("customer_id", "customer_differs_from_invoice")),
    ),
    Reference("reverses_invoice_id", "invoice", "invoice_id", "unknown_invoice"),
    Reference("payment_id", "payment", "payment_id", "unknown_payment", (("currency", "currency_differs_from_payment"),)),
    Reference("credit_note_id", "credit_note", "credit_note_id", "unknown_credit_note"),
    Reference("bill_id", "bill", "bill_id", "unknown_bill"),
    Reference("plan_id", "instalment_plan", "plan_id", "unknown_plan"),
    Reference("contract_id", "contract", "contract_id", "unknown_contract"),
    Reference("terms_code", "payment_terms", "terms_code", "unknown_terms"),
)

APPLIED_ABOVE_INVOICE = "applied_above_invoice"


def references_of(table: Table) -> list[Reference]:
    """The references of a feed: its own key names no row elsewhere, nor does a column that may stand for all of them."""
    named = [each for each in REFERENCES if each.column in table and table.column(each.column).absent is None]
    return [each for each in named if (table.name, each.column) != (each.feed, each.key)]


def alike_in(reference: Reference, table: Table) -> list[tuple[str, str]]:
    """The columns of `reference` that rows of `table` have too, each with its warning."""
    return [(column, warning) for column, warning in reference.alike if column in table]
