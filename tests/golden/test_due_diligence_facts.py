"""factor.due_diligence by hand, sanctions aside (test_sanctions_facts.py): suits, enforcement, register, arrears, media, owners,
ratings, documents, and what was searched at all.

Source of the formulas: D01 to D09 of the factor catalogue. Each expected value is worked out in the comment beside it. Every
situation is a customer of its own, so that the table is computed once; the same rows computed again in another order, and with
facts planted in the future, must give the same table.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.engine.factors import FactorEngine, window_params
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.load import load_policy
from tests.ledger_case import AS_OF, PARAMS, LedgerCase, days_before

TOMORROW = date(2026, 7, 1)
KNOWN_AT = datetime(2026, 7, 10, tzinfo=UTC)
EDGE = date(2024, 6, 30)  # W(24) = (2024-06-30, 2026-06-30]
Row = tuple[str, dict[str, Any]]


def finding(kind: str, days: int = 10, **values: Any) -> Row:
    """A confirmed finding about the customer, published so many days ago."""
    given = {"kind": kind, "role": "defendant" if kind == "litigation" else "subject", "published_date": days_before(days)}
    return "due_diligence_finding", {**given, "currency": "EUR", "review_state": "confirmed", **values}


def suit(amount: Any = None, days: int = 10, **values: Any) -> Row:
    return finding("litigation", days, **{"case_type": "contract", "amount": amount, **values})


def search(kind: str, result: str = "no_hit", days: int = 5, source: str = "court") -> Row:
    return "inquiry", {"kind": kind, "source": source, "performed_date": days_before(days), "result": result}


def statement(equity: int, intangible: int = 0, period_end: date = date(2025, 12, 31), **values: Any) -> Row:
    """A full-year statement of a company with 10,000,000 EUR assets that balances."""
    flows = {"received_date": date(2026, 3, 31), "months": 12, "currency": "EUR", "revenue": 5_000_000}
    parts = {"total_assets": 10_000_000, "total_liabilities": 10_000_000 - equity, "equity": equity}
    return "financial_statement", {"period_end": period_end, **flows, **parts, "intangible_assets": intangible, **values}


def answer(topic: str, rating: int, days: int = 10, assessor: str | None = "analyst") -> Row:
    return "questionnaire_answer", {"topic": topic, "rating": rating, "assessed_date": days_before(days), "assessor": assessor}


def document(kind: str, valid_to: date | None = None, days: int = 100) -> Row:
    return "document", {"kind": kind, "received_date": days_before(days), "valid_to": valid_to}


def code(factor: str, text: str) -> dict[str, Any]:
    return {factor: None, f"{factor}_code": text}


NET_WORTH = statement(1_100_000, 100_000)  # 1,100,000 - 100,000 intangible = 1,000,000
RESOLVED = {"resolved_date": days_before(1)}
CLAIMS = "litigation_amount_to_tnw"
SUITS = "litigation_defendant_24m"

# What is known about a customer beside its name -> what the table says.
SITUATIONS: dict[str, tuple[dict[str, Any], list[Row], dict[str, Any]]] = {
    # ------------------------------------------------------------------------------------------ nothing, clean, failed
    "nobody asked": (
        {},
        [],
        {
            **code(CLAIMS, "not_searched"),
            **code(SUITS, "not_searched"),
            **code("enforcement_24m", "not_searched"),
            **code("registry_irregularity_24m", "not_searched"),
            **code("tax_arrears_open", "not_searched"),
            **code("adverse_media_index", "not_searched"),
            **code("ownership_changes_12m", "not_searched"),
            **code("management_rating", "not_assessed"),
            "litigation_search_result": "never",
            "evidence_date": None,
            "registry_struck_off": False,
            "insolvency_open": 0,
            "enforcement_open_amount": Decimal(0),
            "enforcement_to_net_worth": 0.0,
        },
    ),
    "searched and clean": (
        {},
        [search("litigation", days=3), search("judgment_debtor", days=4)],
        {
            CLAIMS: 0.0,
            SUITS: 0,
            "enforcement_24m": 0,
            "litigation_search_result": "clean",
            "litigation_evidence_date": days_before(3),
            "enforcement_evidence_date": days_before(4),
            "evidence_date": days_before(3),
            f"{SUITS}_code": None,
            **code("tax_arrears_open", "not_searched"),
        },
    ),
    "the search failed": (
        {},
        [search("due_diligence", "error")],
        {**code(SUITS, "search_failed"), **code(CLAIMS, "search_failed"), "litigation_search_result": "error"},
    ),
    "clean a year ago, then a failure": (  # still the old answer, as old as it is
        {},
        [search("litigation", days=300), search("litigation", "error", 2)],
        {SUITS: 0, "litigation_search_result": "error", "litigation_evidence_date": days_before(300)},
    ),
    "one register answers, another fails": (
        {},
        [search("tax_arrears", "error", source="tax"), search("tax_arrears", source="social")],
        {"tax_arrears_open": 0, "tax_search_result": "error"},
    ),
    "a search that does not apply is none": ({}, [search("litigation", "not_applicable")], code(SUITS, "not_searched")),
    "a search of tomorrow is none": ({}, [search("litigation", days=-1)], code(SUITS, "not_searched")),
    "a whole report answers for every area": (
        {},
        [search("due_diligence", "hit")],
        {
            SUITS: 0,
            "enforcement_24m": 0,
            "registry_irregularity_24m": 0,
            "tax_arrears_open": 0,
            "adverse_media_index": 0.0,
            "ownership_changes_12m": 0,
            "media_search_result": "hit",
            "sanctions_search_result": "never",
        },
    ),
    "the register tells of its owners too": (
        {},
        [search("registry")],
        {"registry_irregularity_24m": 0, "ownership_changes_12m": 0, **code("tax_arrears_open", "not_searched")},
    ),
    "searched and clean, and yet sued": (
        {},
        [search("litigation", days=3), suit(9_000, 20)],
        {SUITS: 1, "litigation_search_result": "hit", "litigation_evidence_date": days_before(3)},
    ),
    "sued without a search": ({}, [suit(9_000, 20)], {SUITS: 1, "litigation_evidence_date": days_before(20)}),
    "an old finding is no search": ({}, [suit(9_000, 900, **RESOLVED)], code(SUITS, "not_searched")),
    "only unreviewed": (
        {},
        [search("litigation", "hit"), suit(90_000, review_state="unreviewed"), suit(80_000, review_state=None), NET_WORTH],
        {SUITS: 0, CLAIMS: 0.0, "findings_unreviewed": 2, "litigation_search_result": "hit"},
    ),
    "cleared": ({}, [suit(90_000, review_state="cleared"), NET_WORTH], {"findings_unreviewed": 0, **code(SUITS, "not_searched")}),
    # ------------------------------------------------------------------------------------------ D01 claims to net worth
    "claims": (
        {},
        [
            NET_WORTH,
            suit(40_000, 400, case_number="A"),
            suit(38_000, 390, case_number="A", source="portal"),  # one case, the larger amount: 40,000
            suit(25_000, 30, case_number="B", currency="USD", case_type="other"),  # 25,000 / 1.25 = 20,000
            suit(None, 20, case_number="C"),  # not known: at least what is not minor, 5,000
            suit(5_000, 900, case_number="D"),  # 5,000: open, however old
            suit(4_999.99, case_number="E"),  # minor
            suit(90_000, case_number="F", case_type="labour"),
            suit(70_000, case_number="G", **RESOLVED),
            suit(60_000, case_number="H", role="plaintiff"),
            suit(50_000, case_number="I", role=None),  # whose side is not told
        ],
        {
            CLAIMS: 0.07,  # (40,000 + 20,000 + 5,000 + 5,000) / 1,000,000
            "litigation_open_amount": Decimal(70_000),
            "litigation_open_count": 4,
            "litigation_unknown_amount_count": 1,
            "litigation_plaintiff_24m": 1,
            "litigation_evidence_date": days_before(10),  # the minor suit and the one that ended count in D02
            SUITS: 4,  # A, C, E, G; B is of another type, D too old, F of an employee
        },
    ),
    "claims, resolved tomorrow": ({}, [NET_WORTH, suit(50_000, resolved_date=TOMORROW)], {CLAIMS: 0.05}),
    "claims, no statement": ({}, [suit(50_000)], {**code(CLAIMS, "tnw_unknown"), SUITS: 1}),
    "claims, old statement": (
        {},
        [suit(50_000), statement(1_000_000, period_end=date(2024, 6, 30))],
        code(CLAIMS, "tnw_unknown"),
    ),
    "claims, over-indebted": ({}, [suit(50_000), statement(-1)], code(CLAIMS, "tnw_not_positive")),
    "claims, nothing but goodwill": ({}, [suit(50_000), statement(500, 500)], code(CLAIMS, "tnw_not_positive")),
    "no claims, over-indebted": ({}, [search("litigation"), statement(-1)], {CLAIMS: 0.0, f"{CLAIMS}_code": None}),
    "claims beyond belief": (  # 0, below 0, 10^14 and a currency without a rate are not known: 4 * 5,000 / 1,000,000
        {},
        [NET_WORTH, *(suit(amount) for amount in (0, -8_000, 10**14)), suit(9_000, currency="XXX")],
        {CLAIMS: 0.02, "litigation_unknown_amount_count": 4},
    ),
    # ------------------------------------------------------------------------------------------ D02 suits
    "suits": (
        {},
        [
            suit(published_date=EDGE, case_number="A"),  # the day before the window
            suit(published_date=date(2024, 7, 1), case_number="B"),  # 1
            suit(case_number="B", source="portal"),
            suit(case_number="C", case_type="bill", **RESOLVED),  # 2: a suit that ended was one
            suit(case_number="D", case_type=None),  # 3: nobody tells that it is an employee's
            suit(case_number="E", case_type="other"),
            suit(case_number="F", case_type="labour"),
            suit(case_number="F", case_type=None, source="portal"),  # one source tells
            suit(case_number="G", outcome="withdrawn", **RESOLVED),
            suit(case_number="H", outcome="withdrawn", resolved_date=TOMORROW),  # 4: not yet withdrawn
            suit(case_number="I", published_date=TOMORROW),
            suit(case_number="J", role="plaintiff"),
            finding("court_hearing", case_number="K", role="defendant"),
        ],
        {SUITS: 4},
    ),
    "suits without a number": ({}, [suit(1_000), suit(1_000)], {SUITS: 2}),
    # ------------------------------------------------------------------------------------------ D03 enforcement
    "enforcement": (
        {},
        [
            NET_WORTH,
            finding("judgment_debtor", case_number="A", amount=60_000),
            finding("consumption_restriction", case_number="A"),  # the same case
            finding("equity_freeze", case_number="B", amount=900_000),
            finding("judgment_debtor", 1_000, case_number="C", amount=40_000),  # open, published before the window
            finding("judgment_debtor", case_number="D"),
            finding("judgment_debtor", case_number="E", amount=5, **RESOLVED),
            finding("judgment_debtor", case_number="F", amount=5, role="plaintiff"),  # he enforces
            finding("dishonest_judgment_debtor", case_number="A"),
        ],
        {
            "enforcement_24m": 3,  # A, B, D
            "enforcement_open_count": 3,  # A, C, D
            "enforcement_unknown_amount_count": 1,  # D
            "enforcement_open_amount": Decimal(100_000),  # 60,000 + 40,000
            "enforcement_to_net_worth": 0.1,
            "consumption_restriction_open": 1,
            "equity_freeze_open": 1,
            "dishonest_debtor_open": 1,
            "litigation_plaintiff_24m": 1,
        },
    ),
    "enforcement, over-indebted": (
        {},
        [finding("judgment_debtor"), statement(-1)],
        code("enforcement_to_net_worth", "tnw_not_positive"),
    ),
    "enforcement, no statement": ({}, [finding("judgment_debtor")], code("enforcement_to_net_worth", "tnw_unknown")),
    # ------------------------------------------------------------------------------------------ D04 register
    "irregularities": (
        {},
        [
            finding("abnormal_operation", case_number="A", severity="critical"),  # open: 2, whatever its severity
            finding("abnormal_operation", 1_000, case_number="B"),  # open since long: 2
            finding("abnormal_operation", case_number="C", **RESOLVED),  # removed: 1
            finding("abnormal_operation", 1_000, case_number="D", **RESOLVED),
            finding("penalty", case_number="E", severity="low"),  # 4 with its copy below
            finding("penalty", case_number="E", severity="high", **RESOLVED),
            finding("penalty", case_number="F"),  # 2
            finding("regulatory", case_number="G", severity="critical"),  # 8
            finding("penalty", 1_000, case_number="H", severity="high"),
        ],
        {"registry_irregularity_24m": 2 + 2 + 1 + 4 + 2 + 8, "abnormal_operation_open": 2},
    ),
    # ------------------------------------------------------------------------------------------ D05 arrears
    "arrears": (
        {},
        [
            finding("tax_arrears", 2_000, case_number="A"),
            finding("tax_arrears", 12, case_number="A", source="portal"),
            finding("tax_arrears", 30),
            finding("tax_arrears", **RESOLVED),
        ],
        {"tax_arrears_open": 2, "tax_evidence_date": days_before(12)},
    ),
    # ------------------------------------------------------------------------------------------ D06 media
    "news": (
        {},
        [
            finding("adverse_media", 180, severity="high", event_date=days_before(200)),  # 8 * 0.5 = 4
            finding("adverse_media", 0, severity="low", event_date=days_before(200)),  # a copy, 1 * 1: the larger counts
            finding("adverse_media", 360, detail="Fire in the plant"),  # 3 * 0.25 = 0.75, severity not told
            finding("adverse_media", 360, detail="Fire in the plant", severity="medium"),  # a copy
            finding("adverse_media", 540, case_number="S", severity="critical"),  # 15 * 0.125 = 1.875
            finding("adverse_media", 0, severity="low"),  # 1
            finding("adverse_media", published_date=EDGE, severity="critical"),  # before the window
            finding("adverse_media", severity="critical", review_state="unreviewed"),
        ],
        {"adverse_media_index": 4 + 0.75 + 1.875 + 1, "media_evidence_date": AS_OF},
    ),
    "news in millionths": ({}, [finding("adverse_media", 1, severity="low")], {"adverse_media_index": 0.996157}),  # 0.5^(1/180)
    # ------------------------------------------------------------------------------------------ D07 ratings
    "judged": (
        {"account_manager": "seller"},
        [
            answer("management", 1, 300),
            answer("management", 4, 20),
            answer("management", 5, 10, "seller"),  # the account manager praises
            answer("governance", 3, 30),
            answer("governance", 5, 30, "another"),  # the same day: the lower
            answer("market_position", 2),
            answer("industry_outlook", 5, -1),
        ],
        {
            "management_rating": 3.5,  # (4 + 3) / 2
            "rating_management": 4,
            "rating_governance": 3,
            "rating_market_position": 2,
            "rating_industry_outlook": None,
            "management_assessed_date": days_before(20),
            "evidence_date": days_before(10),
            "management_rating_code": None,
        },
    ),
    "judged by one, on one topic": ({}, [answer("governance", 2, assessor=None)], {"management_rating": 2.0}),
    "praised by the seller": (
        {"account_manager": "seller"},
        [answer("management", 5, 1, "seller")],
        code("management_rating", "not_assessed"),
    ),
    # ------------------------------------------------------------------------------------------ D08 owners
    "owners": (
        {},
        [
            finding("legal_representative_change", 30, event_date=days_before(40)),  # one day with the next two
            finding("shareholder_change", 35, event_date=days_before(40)),
            finding("shareholder_change", 33, event_date=days_before(40), source="portal"),
            finding("capital_reduction", 20, event_date=TOMORROW),  # announced: the day it was published
            finding("shareholder_change", 100),
            finding("shareholder_change", 10, event_date=days_before(366)),  # happened before W(12)
        ],
        {"ownership_changes_12m": 3, "ownership_evidence_date": days_before(20)},
    ),
    "owners of a listed company": (
        {"is_listed": True},
        [search("ownership"), finding("shareholder_change")],
        code("ownership_changes_12m", "listed_company"),
    ),
    # ------------------------------------------------------------------------------------------ D09 documents
    "documents": (
        {"size_class": "large"},  # corporate: extract, accounts, tax
        [
            document("extract", AS_OF),  # valid on its last day
            document("accounts", days_before(1)),  # expired, but sent again
            document("accounts", date(2026, 12, 31), 9),
            document("accounts", date(2027, 12, 31), -1),  # not here yet
            document("tax", days_before(1)),
            document("photo"),
        ],
        {
            "file_completeness": 2 / 3,
            "documents_required": 3,
            "documents_valid": 2,
            "documents_next_expiry": AS_OF,
            "documents_received_date": days_before(9),
        },
    ),
    "no documents": (
        {},
        [],
        {"file_completeness": 0.0, "documents_required": 1, "file_completeness_code": None},
    ),  # small: extract
    "documents without an end": ({}, [document("extract")], {"file_completeness": 1.0, "documents_next_expiry": None}),
    "corporate by its statement": ({}, [NET_WORTH, document("extract")], {"file_completeness": 1 / 3}),
    "sole trader": ({"legal_form": "sole_trader"}, [], code("file_completeness", "no_document_required")),
    # ------------------------------------------------------------------------------------------ what stands open
    "open": (
        {},
        [
            finding("insolvency", 900),
            finding("insolvency", role="plaintiff"),  # somebody else's
            finding("serious_illegal_list"),
            finding("bill_overdue", case_number="A"),
            finding("bill_overdue", case_number="A", source="exchange"),
            finding("fraud"),
            finding("pep"),
            finding("equity_pledge"),
            finding("chattel_mortgage"),
            finding("chattel_mortgage", **RESOLVED),
            suit(1_000, case_number="O", filed_by_us=True),
            finding("judgment_debtor", case_number="O", filed_by_us=True),
            suit(1_000, case_number="P", filed_by_us=True, **RESOLVED),
        ],
        {
            "insolvency_open": 1,
            "serious_illegal_open": 1,
            "bill_overdue_open": 1,
            "fraud_confirmed": 1,
            "pep_confirmed": 1,
            "equity_pledge_open": 1,
            "chattel_mortgage_open": 1,
            "own_suit_open": 1,
            SUITS: 2,  # we are creditors too
        },
    ),
    "struck off": ({}, [finding("registry_status", 3_000, value_text=" Revoked")], {"registry_struck_off": True}),
    "struck off in Chinese": ({}, [finding("registry_status", value_text="吊销，未注销")], {"registry_struck_off": True}),
    "back in the register": (
        {},
        [finding("registry_status", 100, value_text="revoked"), finding("registry_status", 50, value_text="active")],
        {"registry_struck_off": False, "registry_status": "active"},
    ),
    "perhaps struck off": (
        {},
        [finding("registry_status", value_text="revoked", review_state="unreviewed")],
        {"registry_struck_off": False, "registry_status": None, "findings_unreviewed": 1},
    ),
    # ------------------------------------------------------------------------------------------ natural persons
    "a person's old debts": (
        {"natural_person": True},
        [
            finding("insolvency", published_date=date(2021, 6, 29)),  # lapsed
            finding("tax_arrears", published_date=date(2021, 6, 30)),  # the last day that counts
            finding("fraud", published_date=date(2019, 1, 1), review_state="unreviewed"),
            finding("sanction", published_date=date(2015, 1, 1)),  # a ban does not lapse
            finding("pep", published_date=date(2015, 1, 1)),
            finding("registry_status", published_date=date(2015, 1, 1), value_text="closed"),
        ],
        {
            "insolvency_open": 0,
            "tax_arrears_open": 1,
            "findings_unreviewed": 0,
            "sanctions_confirmed": 1,
            "pep_confirmed": 1,
            "registry_struck_off": True,
        },
    ),
    "a sole trader's old debts": (
        {"legal_form": "individual_business"},
        [finding("insolvency", published_date=date(2021, 6, 29))],
        {"insolvency_open": 0},
    ),
    "a company's old debts": ({}, [finding("insolvency", published_date=date(2001, 1, 1))], {"insolvency_open": 1}),
}
REQUIRED = {"corporate": ("extract", "accounts", "tax"), "small": ("extract",), "sole": ()}
KEYS = {"due_diligence_finding": "finding_id", "inquiry": "inquiry_id", "financial_statement": "statement_id"}
KEYS |= {"questionnaire_answer": "answer_id", "document": "document_id"}


def rows_of_all() -> list[Row]:
    """The rows of every situation with their keys, in the order they are written above."""
    rows: list[Row] = [("fx_rate", {"currency": "USD", "rate_date": AS_OF, "rate": "1.25"})]
    for name, (about, told, _) in SITUATIONS.items():
        rows.append(("customer", {"customer_id": name, **about}))
        rows += [(feed, {KEYS[feed]: f"{name} {n}", "customer_id": name, **values}) for n, (feed, values) in enumerate(told)]
    return rows


def compute(folder: Path, rows: Iterable[Row], unknown: Iterable[Row] = (), **params: Any) -> dict[str, dict[str, Any]]:
    """The table by customer; `unknown` are rows that we got to know after KNOWN_AT."""
    catalogue = load_catalogue()
    policy = load_policy(None, catalogue, as_of=AS_OF)
    policy = policy.model_copy(update={"evidence": policy.evidence.model_copy(update={"required_documents": REQUIRED})})
    folder.mkdir()
    case = LedgerCase(folder, policy)
    for feed, values in rows:
        case.add(feed, **values)
    for feed, values in unknown:
        case.add(feed, known=datetime(2026, 7, 11, tzinfo=UTC), **values)
    with case.connect(AS_OF, known_at=KNOWN_AT) as con:
        engine = FactorEngine(con, {**PARAMS, **window_params(AS_OF), "has_document": True, **params})
        for name in ("customer_state", "financial_condition"):
            con.execute(f"CREATE TABLE result_{name} AS {engine.query(name)}")
            engine.register(name, f"result_{name}")
        found = con.execute(engine.query("due_diligence"))
        names = [column[0] for column in found.description]
        table = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    assert sorted(row["customer_id"] for row in table) == sorted(SITUATIONS)
    return {row["customer_id"]: row for row in table}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return compute(tmp_path_factory.mktemp("facts") / "all", rows_of_all())


@pytest.mark.parametrize("name", SITUATIONS)
def test_by_hand(found: dict[str, dict[str, Any]], name: str) -> None:
    expected = SITUATIONS[name][2]
    assert {column: found[name][column] for column in expected} == expected


def test_every_factor_has_a_value_or_says_why(found: dict[str, dict[str, Any]]) -> None:
    for factor in load_catalogue().factors:
        if factor.table == "due_diligence" and factor.codes:
            for name, row in found.items():
                assert (row[factor.id] is None) == (row[f"{factor.id}_code"] is not None), (factor.id, name)
                assert row[f"{factor.id}_code"] in (None, *factor.codes), (factor.id, name)
            codes = {row[f"{factor.id}_code"] for row in found.values()} - {None}
            assert codes == {*factor.codes} - {"no_document_feed"}, factor.id


def test_without_a_feed_of_documents(tmp_path: Path) -> None:
    rows = [row for row in rows_of_all() if row[0] != "document"]
    row = compute(tmp_path / "none", rows, has_document=False)["documents"]
    assert (row["file_completeness"], row["file_completeness_code"]) == (None, "no_document_feed")


def test_rows_in_another_order_give_the_same_table(found: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    rows = rows_of_all()
    random.Random(5).shuffle(rows)
    assert compute(tmp_path / "shuffled", rows) == found


def test_what_happens_or_is_known_later_changes_nothing(found: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    dates = {"due_diligence_finding": "published_date", "inquiry": "performed_date", "financial_statement": "received_date"}
    dates |= {"questionnaire_answer": "assessed_date", "document": "received_date"}
    rows = rows_of_all()
    again = [(feed, {**values, KEYS[feed]: f"again {values[KEYS[feed]]}"}) for feed, values in rows if feed in KEYS]
    later = [(feed, {**values, dates[feed]: TOMORROW}) for feed, values in again]
    assert compute(tmp_path / "later", rows + later, unknown=again) == found
