"""The generated ledgers: the same bytes each time, quick, and true to their own ground truth."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from risk_pipeline.contracts import table
from risk_pipeline.demo.book import Book, Customer, Invoice, Settlement, month_ends, workday
from risk_pipeline.demo.export import FILES, german_money, money
from risk_pipeline.demo.generator import generate
from risk_pipeline.demo.stories import CAST, CREDIT_REASONS, CUSTOMERS_MIN, MONTHS_MIN, cast
from risk_pipeline.demo.truth import Truth
from risk_pipeline.errors import UsageError

LAST = date(2026, 10, 31)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    generate(root)
    return root


@pytest.fixture(scope="module")
def truth(demo: Path) -> Truth:
    return Truth.load(demo)


def rows(root: Path, name: str) -> list[dict[str, str]]:
    with (root / "data" / name).open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle, delimiter=";" if name == "bank_receipts.csv" else ","))


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_same_arguments_give_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    generate(tmp_path)
    assert contents(tmp_path) == contents(demo)


def test_another_seed_tells_the_stories_with_other_figures(demo: Path, tmp_path: Path) -> None:
    other = generate(tmp_path, seed=8)
    assert contents(tmp_path)["data/ar_items.csv"] != contents(demo)["data/ar_items.csv"]
    assert Counter(r.story for r in other.customers.values()) == Counter(r.story for r in Truth.load(demo).customers.values())


def test_is_quick(tmp_path: Path) -> None:
    start = time.process_time()
    generate(tmp_path)
    assert time.process_time() - start < 3


def test_returned_truth_is_the_one_stored(tmp_path: Path) -> None:
    assert generate(tmp_path, customers=CUSTOMERS_MIN, months=MONTHS_MIN) == Truth.load(tmp_path)


@pytest.mark.parametrize(("customers", "months"), [(CUSTOMERS_MIN - 1, 24), (200, MONTHS_MIN - 1)])
def test_too_small_for_the_stories_is_refused(tmp_path: Path, customers: int, months: int) -> None:
    with pytest.raises(UsageError, match="cannot hold every story"):
        generate(tmp_path, customers=customers, months=months)


@pytest.mark.parametrize("customers", [CUSTOMERS_MIN, 100, 137, 200, 333, 1000])
def test_every_story_is_cast(customers: int) -> None:
    stories = Counter(cast(customers))
    assert stories.total() == customers
    assert all(stories[story] >= role.least for story, role in CAST.items())


def test_truth_names_the_last_three_month_ends_and_every_customer(truth: Truth) -> None:
    assert truth.month_ends == (date(2026, 8, 31), date(2026, 9, 30), LAST)
    assert len(truth.customers) == 200
    assert set(CAST) == {role.story for role in truth.customers.values()}


def test_each_feed_yaml_maps_columns_its_file_has_to_columns_the_contract_has(demo: Path) -> None:
    read: set[str] = set()
    for path in sorted((demo / "feeds").glob("*.yaml")):
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))
        target = table(f"feed.{spec['feed']}")
        file = Path(spec["source"]["path"]).name
        header = set(rows(demo, file)[0])
        read.add(file)
        assert set(spec["columns"]) <= set(target.column_names), path.name
        needed = {c.name for c in target.columns if (c.required or c.name in target.key) and c.absent is None}
        assert needed <= set(spec["columns"]), path.name
        assert {each["from"] for each in spec["columns"].values() if "from" in each} <= header, path.name
    assert read == set(FILES)


def test_nothing_happens_after_the_last_day(demo: Path) -> None:
    dated = {
        "ar_items.csv": ("%Y%m%d", ("DocDate", "Entered", "Cleared")),
        "bank_receipts.csv": ("%d.%m.%Y", ("Valuta", "Erfasst", "StatusDatum")),
        "allocations.csv": ("%Y-%m-%d", ("Posted", "ValueDate", "ReversedOn")),
        "claims.csv": ("%Y-%m-%d", ("Opened", "Closed")),
        "orders.csv": ("%Y-%m-%d", ("Ordered", "Done", "Cancelled")),
        "bills.csv": ("%Y-%m-%d", ("Received", "OutcomeDate")),
        "write_offs.csv": ("%Y-%m-%d", ("Posted",)),
        "fx_rates.csv": ("%Y-%m-%d", ("Date",)),
        "bureau_reports.csv": ("%Y-%m-%d", ("ReportDate", "Fetched")),
        "trade_references.csv": ("%Y-%m-%d", ("Given",)),
        "statements.csv": ("%Y-%m-%d", ("Received", "Published", "PeriodEnd")),
        "searches.csv": ("%Y-%m-%d", ("Made",)),
        "findings.csv": ("%Y-%m-%d", ("Published", "Reviewed", "Resolved")),
        "assessments.csv": ("%Y-%m-%d", ("Judged",)),
        "crm_events.csv": ("%Y-%m-%d", ("Day",)),
        "credit_file.csv": ("%Y-%m-%d", ("Received",)),
        "contracts.csv": ("%Y-%m-%d", ("ValidFrom",)),
        "contract_events.csv": ("%Y-%m-%d", ("Day",)),
        "securities.csv": ("%Y-%m-%d", ("ValidFrom", "Released")),
        "insurer_decisions.csv": ("%Y-%m-%d", ("Decided", "Cancelled", "Claim")),
        "industry_indicators.csv": ("%Y-%m-%d", ("Published",)),
        "country_risk.csv": ("%Y-%m-%d", ("Published",)),
        "sanctions_list.csv": ("%Y-%m-%d", ("Listed",)),
    }
    seldom = {"contracts.csv", "contract_events.csv", "securities.csv"}
    for name, (form, columns) in dated.items():
        days = [day for row in rows(demo, name) for column in columns if (day := parsed(row[column], form))]
        assert max(days) <= LAST, name
        assert max(days) > LAST - timedelta(days=300 if name in seldom else 120), f"{name} stops early"


def parsed(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day, no time zone
    except ValueError:
        return None


def test_dirty_rows_are_where_the_truth_says(demo: Path, truth: Truth) -> None:
    feeds = {row.feed for row in truth.dirty_rows}
    ledger = {"invoice", "credit_note", "payment", "payment_application", "dispute", "write_off", "customer"}
    assert ledger | {"bureau_report", "financial_statement", "due_diligence_finding", "crm_event"} == feeds
    for dirty in truth.dirty_rows:
        mapping = yaml.safe_load((demo / "feeds" / f"{dirty.feed}.yaml").read_text(encoding="utf-8"))["columns"]
        row = rows(demo, Path(dirty.file).name)[dirty.line - 2]
        if dirty.rule == "duplicate_key":
            assert f"{row['CoCode']}-{row['Year']}-{row['DocNo']}" == dirty.value
        else:
            assert row[mapping[dirty.column]["from"]] == dirty.value


def test_rows_planted_twice_are_the_only_repetitions(demo: Path, truth: Truth) -> None:
    for name, feed in (("ar_items.csv", "invoice"), ("bank_receipts.csv", "payment")):
        repeated = Counter(tuple(row.values()) for row in rows(demo, name))
        assert sum(count - 1 for count in repeated.values()) == truth.repeated_rows[feed]


def clean(demo: Path, truth: Truth, name: str) -> Iterator[dict[str, str]]:
    """The rows of a file that a reader keeps: no dirty ones, no repetitions."""
    dirty = {row.line for row in truth.dirty_rows if row.file == f"data/{name}"}
    seen: set[tuple[str, ...]] = set()
    for line, row in enumerate(rows(demo, name), 2):
        if line not in dirty and tuple(row.values()) not in seen:
            seen.add(tuple(row.values()))
            yield row


def open_by_files(demo: Path, truth: Truth, day: date) -> dict[str, Decimal]:
    """Open balance by currency, counted from the files alone: billed less everything that reduced it by `day`."""
    stop = day.isoformat()
    invoices = {
        f"{row['CoCode']}-{row['Year']}-{row['DocNo']}": row
        for row in clean(demo, truth, "ar_items.csv")
        if row["DocType"] in ("RV", "IN", "RT") and row["DocDate"] <= stop.replace("-", "")
    }
    left = {ref: Decimal(row["Gross"]) for ref, row in invoices.items()}
    returned: dict[str, date | None] = {}
    for row in clean(demo, truth, "bank_receipts.csv"):
        returned[row["Beleg"]] = parsed(row["StatusDatum"], "%d.%m.%Y")
        received = parsed(row["Valuta"], "%d.%m.%Y")
        back = returned[row["Beleg"]]
        if received and received <= day and (back is None or back > day) and row["Rechnung"] in left:
            left[row["Rechnung"]] -= Decimal(row["Betrag"].replace(".", "").replace(",", "."))
    for row in clean(demo, truth, "allocations.csv"):
        undone = row["ReversedOn"] or (back.isoformat() if (back := returned.get(row["Receipt"])) else "")
        if row["Posted"] <= stop and not ("" < undone <= stop):
            left[row["Invoice"]] -= Decimal(row["Amount"]) + Decimal(row["Discount"] or 0)
    for row in clean(demo, truth, "ar_items.csv"):
        if row["DocType"] == "CN" and row["RefDoc"] and row["DocDate"] <= stop.replace("-", ""):
            left[row["RefDoc"]] += Decimal(row["Gross"])
    for row in clean(demo, truth, "write_offs.csv"):
        if row["Posted"] <= stop:
            left[row["Invoice"]] -= Decimal(row["Amount"])
    totals: Counter[str] = Counter()
    for ref, row in invoices.items():
        cleared = "" < row["Cleared"] <= stop.replace("-", "")
        totals[row["Curr"]] += 0 if cleared else left[ref]  # type: ignore[assignment]
    return dict(totals)


def test_open_balance_of_the_truth_is_what_the_files_say(demo: Path, truth: Truth) -> None:
    for day in truth.month_ends:
        stated = {currency: Decimal(cents) / 100 for currency, cents in truth.open_balance[day.isoformat()].items()}
        assert open_by_files(demo, truth, day) == stated


def test_every_kind_of_event_is_there(demo: Path, truth: Truth) -> None:
    items = rows(demo, "ar_items.csv")
    assert {"RV", "CN", "AR", "RT", "IN"} <= {row["DocType"] for row in items}
    assert len({row["Reason"] for row in items if row["DocType"] == "CN"}) == len(CREDIT_REASONS)
    assert {"EUR", "USD", "CNY", "GBP"} <= {row["Curr"] for row in items}
    assert {"with_recourse", "without_recourse"} <= {row["Factoring"] for row in items}
    assert any(row["DueDate"] == "" and row["TermsKey"] for row in items)
    assert any(row["DueDate"] == "" and not row["TermsKey"] for row in items if row["DocType"] == "RV")
    applications = rows(demo, "allocations.csv")
    assert {"cash", "bill", "matured_bill", "set_off", "credit_note", "fx_difference"} <= {row["Kind"] for row in applications}
    assert max(Counter(row["Receipt"] for row in applications if row["Receipt"]).values()) >= 4
    assert {"small_difference", "uncollectible"} <= {row["Reason"] for row in rows(demo, "write_offs.csv")}
    assert {"honoured", "dishonoured", ""} == {row["Outcome"] for row in rows(demo, "bills.csv")}
    assert {"distressed", "convenience"} == {row["Why"] for row in rows(demo, "instalments.csv")}
    master = rows(demo, "debtors.csv")
    assert any(ord(char) > 0x4E00 for row in master for char in row["CompanyName"])
    assert not set(truth.playing("missing_master")) & {row["Debtor"] for row in master}
    for flag in ("Person", "Affiliate", "OneTimeAcct", "PublicBody", "Projects"):
        assert {row[flag] for row in master} == {"Y", "N"}
    received = sum(Decimal(row["Betrag"].replace(".", "").replace(",", ".")) for row in clean(demo, truth, "bank_receipts.csv"))
    named = sum((Decimal(row["Amount"]) for row in applications if row["Kind"] == "cash" and row["Amount"]), Decimal(0))
    assert received > named, "no unapplied cash"


def test_the_decline_is_a_decline(demo: Path, truth: Truth) -> None:
    """Days late by quarter of the due date rise for every declining customer whose story is over, and end in a default."""
    ended = [number for number in truth.playing("slow_decline") if truth.customers[number].dates["default_on"]]
    assert len(ended) >= 3
    invoices = {f"{r['CoCode']}-{r['Year']}-{r['DocNo']}": r for r in clean(demo, truth, "ar_items.csv")}
    for number in ended:
        start = truth.customers[number].dates["decline_start"]
        assert start is not None
        late: dict[int, list[int]] = {}
        for row in clean(demo, truth, "allocations.csv"):
            if row["Debtor"] == number:
                due = parsed(invoices[row["Invoice"]]["DueDate"], "%Y%m%d")
                paid = parsed(row["ValueDate"], "%Y-%m-%d")
                assert due is not None
                assert paid is not None
                late.setdefault((due - start).days // 91, []).append((paid - due).days)
        means = [sum(days) / len(days) for quarter, days in sorted(late.items()) if 0 <= quarter <= 2]
        assert means == sorted(means)
        assert means[-1] - means[0] > 15


def test_statements_balance_and_no_part_is_above_its_whole(demo: Path, truth: Truth) -> None:
    whole = {"CurrentAssets": "TotalAssets", "Inventory": "CurrentAssets", "CurrentLiabilities": "TotalLiabilities",
             "Payables": "CurrentLiabilities", "ShortTermDebt": "CurrentLiabilities"}  # fmt: skip
    for row in clean(demo, truth, "statements.csv"):
        assert int(row["TotalAssets"]) == int(row["TotalLiabilities"]) + int(row["Equity"])
        assert all(0 <= int(row[part]) <= int(row[total]) for part, total in whole.items()), row


def test_the_declining_firm_shows_it_in_the_right_order(truth: Truth) -> None:
    for number in truth.playing("declining_firm"):
        dates = truth.customers[number].dates
        order = [dates[name] for name in ("behaviour_from", "bureau_on", "statement_on", "late_from")]
        assert all(earlier and later and earlier < later for earlier, later in pairwise(order)), order


def test_evidence_is_there_clean_failed_or_never_looked_for(demo: Path, truth: Truth) -> None:
    results: dict[str, set[str]] = {}
    for row in rows(demo, "searches.csv"):
        results.setdefault(row["Debtor"], set()).add(row["Result"])
    assert not set(truth.playing("never_searched")) & results.keys()
    assert all(results[number] == {"error"} for number in truth.playing("search_failed"))
    assert all({"no_hit"} <= results[number] <= {"hit", "no_hit"} for number in truth.playing("good_payer"))
    assert all("hit" in results[number] for story in ("sued", "insolvent") for number in truth.playing(story))
    assert {"hit", "no_hit", "error"} == {row["Status"] for row in rows(demo, "bureau_reports.csv")}
    assert {row["Agency"] for row in rows(demo, "bureau_reports.csv")} == {"Rheinland Auskunft", "Beacon Reports", "Chengjing"}
    assert (
        {"confirmed", "cleared", "unreviewed"}
        >= {row["Review"] for row in rows(demo, "findings.csv")}
        >= {"confirmed", "cleared"}
    )


def test_chinese_registration_numbers_have_a_valid_check_character(demo: Path) -> None:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    numbers = [row["RegNo"] for row in rows(demo, "debtors.csv") if row["Register"] == "USCC"]
    assert numbers
    for number in numbers:
        total = sum(alphabet.index(char) * pow(3, place, 31) for place, char in enumerate(number[:17]))
        assert (total + alphabet.index(number[17])) % 31 == 0


def customer() -> Customer:
    day = date(2020, 1, 1)
    return Customer("1", "s", 0, "n", "DE", "", "", "", "", day, "", "", day, "EUR", "DE01", 30, 100_00, 1.0, "")


def test_a_returned_payment_opens_the_invoice_again() -> None:
    invoice = Invoice(customer(), date(2026, 1, 1), date(2026, 1, 31), 100_00, "EUR", "DE01")
    invoice.settlements.append(Settlement(date(2026, 2, 1), 100_00, undone_on=date(2026, 2, 5)))
    opened = [invoice.open_cents(date(2026, month, day)) for month, day in ((1, 31), (2, 1), (2, 4), (2, 5))]
    assert opened == [100_00, 0, 0, 100_00]
    assert invoice.open_cents(date(2025, 12, 31)) == 0


def test_default_is_the_first_day_with_material_debt_over_ninety_days() -> None:
    book = Book(month_ends(LAST, 12))
    debtor = customer()
    for cents, due in ((300_00, date(2026, 1, 10)), (300_00, date(2026, 2, 10))):
        book.invoices.append(Invoice(debtor, date(2025, 12, 1), due, cents, "EUR", "DE01"))
    assert book.default_date(debtor) == date(2026, 2, 10) + timedelta(days=91)
    book.invoices.pop()
    assert book.default_date(debtor) is None


def test_forms_of_money_and_days() -> None:
    assert (money(123456789), money(-5), money(None)) == ("1234567.89", "-0.05", "")
    assert german_money(123456789) == "1.234.567,89"
    assert [workday(date(2026, 10, day)) for day in (30, 31)] == [date(2026, 10, 30), date(2026, 11, 2)]
    assert month_ends(date(2026, 2, 28), 3) == [date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28)]


def test_the_corrected_receipts_move_one_payment_to_whom_it_belongs(demo: Path, truth: Truth) -> None:
    """Both owe what was paid, so that no total tells the mistake; all other bytes are the same."""
    (payer,) = (number for number, role in truth.customers.items() if "booked_to_another_on" in role.dates)
    (forgetful,) = (number for number, role in truth.customers.items() if "forgot_on" in role.dates)
    delivered = (demo / "data" / "bank_receipts.csv").read_text(encoding="utf-8").splitlines()
    corrected = (demo / "correction" / "bank_receipts.csv").read_text(encoding="utf-8").splitlines()
    names = delivered[0].split(";")
    ((wrong, right),) = (
        (dict(zip(names, then.split(";"), strict=True)), dict(zip(names, now.split(";"), strict=True)))
        for then, now in zip(delivered, corrected, strict=True)
        if then != now
    )
    assert {name for name in names if wrong[name] != right[name]} == {"Debitor", "Rechnung"}
    assert (wrong["Debitor"].lstrip("0"), right["Debitor"].lstrip("0")) == (forgetful, payer)
    invoices = {f"{row['CoCode']}-{row['Year']}-{row['DocNo']}": row for row in rows(demo, "ar_items.csv")}
    owed = [invoices[row["Rechnung"]] for row in (wrong, right)]
    assert [row["Debtor"] for row in owed] == [forgetful, payer]
    assert {german_money(round(float(row["Gross"]) * 100)) for row in owed} == {wrong["Betrag"]}
    assert not {row["Invoice"] for row in rows(demo, "allocations.csv")} & {wrong["Rechnung"], right["Rechnung"]}
