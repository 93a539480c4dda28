"""Any small ledger, delivered twice in any mode: nothing is lost or made up, and what is stored is what a plain model says."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest_support import HEADER, Bench

IDS = st.sampled_from(["A", "B", "C", "D", ""])
DATES = st.sampled_from(["1/2/2024", "02/03/2024", "2/30/2024", "2024-01-02", ""])
AMOUNTS = st.sampled_from(["1", "2.50", "-3", "1.005", "0.0000001", "x", ""])
CURRENCIES = st.sampled_from(["EUR", "USD", "EUR", "ECU"])
ROWS = st.lists(st.tuples(IDS, st.sampled_from(["C1", "two\nlines", ""]), DATES, AMOUNTS, CURRENCIES), max_size=12)

Row = tuple[str, str, str, str, str]
Value = tuple[str, date, Decimal, str]


class Model:
    """The rules of the feed store for invoices, row by row in plain Python."""

    def __init__(self, mode: str, duplicates: str) -> None:
        self.mode, self.duplicates = mode, duplicates
        self.open: dict[str, Value] = {}

    def value(self, row: Row) -> Value | None:
        key, customer, day, amount, currency = row
        month = re.fullmatch(r"(\d+)/(\d+)/(\d{4})", day)
        if not key or not customer or currency not in ("EUR", "USD") or month is None or int(month[2]) > 29:
            return None
        try:
            exact = Decimal(amount)
        except ArithmeticError:
            return None
        cents = exact.quantize(Decimal("0.01"))
        if abs(exact - cents) > Decimal("0.000001"):
            return None
        return customer, date(int(month[3]), int(month[1]), int(month[2])), cents, currency

    def deliver(self, rows: list[Row]) -> dict[str, int]:
        kept = [row for row in rows if row[4] != "USD"]
        good = [(row[0], value) for row in kept if (value := self.value(row)) is not None]
        counts = Counter(read=len(rows), filtered=len(rows) - len(kept), rejected=len(kept) - len(good))
        present = {row[0] for row in kept}
        delivered: dict[str, Value] = {}
        for key in {key for key, _ in good}:
            values = [value for other, value in good if other == key]
            versions = Counter(values)
            if len(versions) > 1 and self.duplicates == "reject":
                counts["rejected"] += len(versions)
                counts["repeated"] += len(values) - len(versions)
                continue
            delivered[key] = values[0] if self.duplicates != "last" else values[-1]
            counts["repeated"] += len(values) - 1
        before = dict(self.open)
        for key, value in delivered.items():
            if before.get(key) == value:
                counts["unchanged"] += 1
            elif key in before and self.mode == "append":
                counts["rejected"] += 1
            else:
                counts["stored"] += 1
                counts["closed"] += key in before
                self.open[key] = value
        if self.mode == "snapshot":
            gone = [key for key in before if key not in delivered and key not in present]
            counts["closed"] += len(gone)
            for key in gone:
                del self.open[key]
        return {name: count for name, count in counts.items() if count}


def text_of(rows: list[Row]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([HEADER.split(","), *rows])
    return buffer.getvalue()


@given(
    st.lists(ROWS, min_size=2, max_size=3, unique_by=lambda rows: text_of(rows)),
    st.sampled_from(["snapshot", "upsert", "append"]),
    st.sampled_from(["reject", "first", "last"]),
)
@settings(max_examples=25, deadline=None)
def test_deliveries_follow_the_model(deliveries: list[list[Row]], mode: str, duplicates: str) -> None:
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        assertions = {"max_drop_pct": 100} if mode == "snapshot" else {}
        bench.feed(delivery=mode, duplicates=duplicates, where="currency <> 'USD'", assertions=assertions)
        model = Model(mode, duplicates)
        for rows in deliveries:
            bench.file("data.csv", text_of(rows))
            result = bench.one()
            assert result.state == "effective", result.message
            counts = result.counts
            assert counts["rows_read"] == sum(
                counts[f"rows_{name}"] for name in ("filtered", "rejected", "repeated", "unchanged", "stored")
            )
            expected = model.deliver(rows)
            assert {name.removeprefix("rows_"): count for name, count in counts.items() if count} == expected
            stored = bench.rows(columns="invoice_id, customer_id, invoice_date, amount, currency", where="open")
            assert {key: tuple(value) for key, *value in stored} == model.open
            assert len(stored) == len(model.open)
            quarantined = bench.quarantine("delivery_id, source_file, source_line")
            assert len({row for row in quarantined if row[0] == result.delivery.delivery_id}) == expected.get("rejected", 0)
        bench.close()
