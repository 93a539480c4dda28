"""Evidence for the customers of a bulk ledger: every evidence feed, and orders, drawn as whole columns.

Put here: the vectorised generator. Keep out: the ledger (bulk.py) and stories. Each customer has a quality from 0 (in trouble)
to 1 (sound) that all its evidence agrees with, so that tiers and special codes are spread and no rule is without a case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from risk_pipeline.demo.book import month_ends
from risk_pipeline.demo.columns import Columns, constant, dates, days, ids, money, write_feed

BUREAUS = np.array(["Rheinland Auskunft", "Beacon Reports"])
INDUSTRIES = np.array(
    ["C10", "C13", "C22", "C24", "C25", "C28", "C29", "C31", "F41", "F43", "G46", "G47", "H49", "I55", "I56", "J62"]
)
FINANCE = "K64"
SEARCHES = ("sanction", "litigation", "judgment_debtor", "insolvency", "registry_status", "tax_arrears", "adverse_media",
            "shareholder_change", "abnormal_operation", "penalty")  # fmt: skip
FINDINGS = np.array(["litigation", "judgment_debtor", "tax_arrears", "penalty", "abnormal_operation", "adverse_media",
                     "shareholder_change", "legal_representative_change", "insolvency", "equity_freeze"])  # fmt: skip
_OFTEN = (0.40, 0.08, 0.06, 0.10, 0.05, 0.15, 0.08, 0.05, 0.01, 0.02)
_OPINIONS = np.array(["unqualified", "reviewed", "tax_return", "management", "qualified", "going_concern"])
_TOPICS = np.array(["management", "market_position", "industry_outlook", "governance", "documents"])
_CRM = np.array(["call", "visit", "email", "complaint", "contact_change", "address_change", "bank_account_change"])
_CRM_OFTEN = (0.40, 0.20, 0.20, 0.08, 0.06, 0.04, 0.02)
_DOCUMENTS = np.array(["register_extract", "credit_application", "financial_statement", "tax_certificate"])
_SECURITIES = np.array(["bank_guarantee", "parent_guarantee", "deposit", "mortgage", "pledge"])
_COUNTRIES = ("DE", "FR", "NL")


@dataclass(frozen=True)
class World:
    """What all feeds share: the generator, how many customers, their quality 0..1, and the last day."""

    rng: np.random.Generator
    customers: int
    quality: np.ndarray
    horizon: int

    def rows(self, share: float, most: int) -> np.ndarray:
        """Owners of the rows of a feed: this share of the customers, each with 1 to `most` rows."""
        chosen = np.flatnonzero(self.rng.random(self.customers) < share)
        return np.repeat(chosen, self.rng.integers(1, most + 1, len(chosen)))

    def past(self, count: int, longest: int) -> np.ndarray:
        """Days in the past, as days since 1970-01-01."""
        return self.horizon - self.rng.integers(0, longest, count)

    def troubled(self, owner: np.ndarray, share: float) -> np.ndarray:
        """True for about `share` of the rows, mostly those of customers in trouble."""
        chosen: np.ndarray = self.rng.random(len(owner)) < 3 * share * (1 - self.quality[owner]) ** 2
        return chosen


def generate_evidence(
    root: Path | str, seed: int = 11, *, last_month_end: date = date(2026, 10, 31), fmt: Literal["csv", "parquet"] = "parquet"
) -> dict[str, int]:
    """Add evidence feeds to a bulk workspace in Parquet; returns rows by feed. The same arguments give the same rows.

    The customer feed is written again with the columns that evidence is found by: industry, age, home currency.
    """
    folder = Path(root)
    master = pq.read_table(folder / "data" / "customer.parquet")
    rng = np.random.default_rng(seed)
    world = World(rng, len(master), rng.beta(4.0, 1.5, len(master)), days(last_month_end))
    feeds = {
        "customer": _customers(world, master),
        "sales_order": _orders(world),
        "crm_event": _crm_events(world),
        "bureau_report": _bureau_reports(world),
        "trade_reference": _trade_references(world),
        "financial_statement": _statements(world),
        "inquiry": _inquiries(world),
        "due_diligence_finding": _findings(world),
        "questionnaire_answer": _answers(world),
        "document": _documents(world),
        **_contracts(world),
        "collateral": _securities(world),
        "insurance_limit": _insurance(world),
        "industry_indicator": _indicators(world, month_ends(last_month_end, 30)),
        "country_risk": _country_risk(world, month_ends(last_month_end, 6)),
    }
    return {name: write_feed(folder, name, columns, fmt) for name, columns in feeds.items()}


def _customers(world: World, master: pa.Table) -> Columns:
    count, rng = world.customers, world.rng
    industry = np.where(rng.random(count) < 0.01, FINANCE, rng.choice(INDUSTRIES, count))
    return {
        **{name: master[name].combine_chunks() for name in master.column_names},
        "industry_code": pa.array(industry, mask=rng.random(count) < 0.05),
        "industry_scheme": constant("NACE", count),
        "established_date": dates(world.horizon - rng.integers(400, 15_000, count), rng.random(count) < 0.9),
        "is_public_body": pa.array(rng.random(count) < 0.01),
        "is_listed": pa.array(rng.random(count) < 0.02),
        "home_currency": pa.array(rng.choice(np.array(["EUR", "USD", "CNY"]), count, p=(0.8, 0.1, 0.1))),
    }


def _orders(world: World) -> Columns:
    owner = np.repeat(np.arange(world.customers), world.rng.integers(0, 31, world.customers))
    day = world.past(len(owner), 760)
    cancelled = world.rng.random(len(owner)) < 0.03
    fulfilled = ~cancelled & (day + 20 <= world.horizon)
    amount = np.exp(world.rng.normal(np.log(2_000_00), 0.8, len(owner))).astype(np.int64)
    return {
        "order_id": ids("O", np.arange(len(owner))),
        "customer_id": ids("C", owner),
        "order_date": dates(day),
        "planned_delivery_date": dates(day + 20),
        "amount": money(amount),
        "currency": constant("EUR", len(owner)),
        "fulfilled_date": dates(day + 20, fulfilled),
        "cancelled_date": dates(day + 3, cancelled),
    }


def _crm_events(world: World) -> Columns:
    owner = world.rows(0.85, 15)
    kind = world.rng.choice(_CRM, len(owner), p=_CRM_OFTEN)
    return {
        "event_id": ids("E", np.arange(len(owner))),
        "customer_id": ids("C", owner),
        "event_date": dates(world.past(len(owner), 700)),
        "kind": pa.array(kind),
        "direction": pa.array(world.rng.choice(np.array(["in", "out"]), len(owner))),
        "answered": pa.array(world.rng.random(len(owner)) < 0.8),
        "mass_mail": pa.array((kind == "email") & (world.rng.random(len(owner)) < 0.3)),
        "upheld": pa.array((kind == "complaint") & (world.rng.random(len(owner)) < 0.4)),
    }


def _bureau_reports(world: World) -> Columns:
    owner = world.rows(0.6, 4)
    count, rng = len(owner), world.rng
    day = world.past(count, 700)
    state = rng.choice(np.array(["hit", "no_hit", "error"]), count, p=(0.93, 0.05, 0.02))
    hit = state == "hit"
    high = rng.random(count) < 0.5  # which bureau: 0 best to 600 worst, or 300 worst to 850 best
    quality = np.clip(world.quality[owner] + rng.normal(0, 0.1, count), 0, 1)
    score = np.where(high, 300 + 550 * quality, 600 - 500 * quality).round()
    few = np.where(world.troubled(owner, 0.2), rng.integers(1, 6, count), 0)
    return {
        "report_id": ids("R", np.arange(count)),
        "customer_id": ids("C", owner),
        "bureau": pa.array(BUREAUS[high.astype(int)]),
        "report_date": dates(day),
        "retrieved_date": dates(day),
        "hit_state": pa.array(state),
        "score": pa.array(score, mask=~hit),
        "score_min": pa.array(np.where(high, 300.0, 100.0), mask=~hit),
        "score_max": pa.array(np.where(high, 850.0, 600.0), mask=~hit),
        "higher_is_better": pa.array(high),
        "delinquencies_12m": pa.array(few, mask=~hit),
        "defaults_36m": pa.array(np.where(world.troubled(owner, 0.04), 1, 0), mask=~hit),
        "inquiries_6m": pa.array(rng.poisson(2.5, count), mask=~hit),
        "total_borrowing": money(np.exp(rng.normal(np.log(400_000_00), 1.0, count)).astype(np.int64), hit),
        "recommended_limit": money((20_000_00 * quality).astype(np.int64) // 100_00 * 100_00, hit),
        "currency": constant("EUR", count),
    }


def _trade_references(world: World) -> Columns:
    owner = world.rows(0.3, 4)
    count = len(owner)
    high = np.exp(world.rng.normal(np.log(30_000_00), 0.7, count)).astype(np.int64)
    return {
        "reference_id": ids("T", np.arange(count)),
        "customer_id": ids("C", owner),
        "reported_date": dates(world.past(count, 500)),
        "source_kind": pa.array(world.rng.choice(np.array(["supplier", "bank"]), count, p=(0.8, 0.2))),
        "source_name": ids("Supplier ", world.rng.integers(0, 500, count)),
        "self_named": pa.array(world.rng.random(count) < 0.3),
        "high_credit": money(high),
        "past_due": money(np.where(world.troubled(owner, 0.3), high // 5, 0)),
        "payment_rating": pa.array(np.clip((5 * world.quality[owner]).round().astype(np.int64), 1, 5)),
        "currency": constant("EUR", count),
    }


def _statements(world: World) -> Columns:
    """Two or three annual statements of four in ten customers, received 60 to 260 days after the balance sheet date."""
    chosen = np.flatnonzero(world.rng.random(world.customers) < 0.4)
    years = (date(2023, 12, 31), date(2024, 12, 31), date(2025, 12, 31))
    owner, place = _by_year(world, chosen, (0.9, 0.95, 0.9))
    count, rng = len(owner), world.rng
    end = np.array([days(year) for year in years])[place]
    quality = np.clip(world.quality[owner] + rng.normal(0, 0.1, count), 0.01, 1)
    assets = np.exp(rng.normal(np.log(2_000_000_00), 1.0, world.customers))[owner]
    liabilities = assets * (1.15 - 0.9 * quality)
    current, short = assets * 0.6, liabilities * 0.7
    revenue = assets * 1.4 * rng.lognormal(0.02, 0.12, count)
    ebit = revenue * (0.18 * quality - 0.06)
    interest = np.where(rng.random(count) < 0.1, 0, liabilities * 0.02)
    net = (ebit - interest) * 0.75
    whole = {
        "current_assets": current, "inventory": current * 0.4, "receivables": current * 0.4, "cash": current * 0.1,
        "total_assets": assets, "current_liabilities": short, "payables": short * 0.5, "short_term_debt": short * 0.2,
        "total_liabilities": liabilities, "intangible_assets": assets * 0.05, "retained_earnings": (assets - liabilities) * 0.6,
        "revenue": revenue, "ebit": ebit, "depreciation": assets * 0.04, "interest_expense": interest, "net_income": net,
        "operating_cash_flow": net + assets * 0.03,
    }  # fmt: skip
    cents = {name: amounts.astype(np.int64) for name, amounts in whole.items()}
    return {
        "statement_id": ids("F", np.arange(count)),
        "customer_id": ids("C", owner),
        "received_date": dates(end + rng.integers(60, 260, count)),
        "period_end": dates(end),
        "months": pa.array(np.full(count, 12)),
        "statement_kind": constant("annual", count),
        "consolidated": pa.array(rng.random(count) < 0.1),
        "currency": constant("EUR", count),
        "audit_opinion": pa.array(rng.choice(_OPINIONS, count, p=(0.45, 0.15, 0.15, 0.20, 0.03, 0.02))),
        **{name: money(amounts) for name, amounts in cents.items()},
        "equity": money(cents["total_assets"] - cents["total_liabilities"]),
    }


def _by_year(world: World, chosen: np.ndarray, shares: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Of `chosen`, each year a share of them: owners, and the place of the year."""
    each = [chosen[world.rng.random(len(chosen)) < share] for share in shares]
    return np.concatenate(each), np.repeat(np.arange(len(shares)), [len(part) for part in each])


def _inquiries(world: World) -> Columns:
    chosen = np.flatnonzero(world.rng.random(world.customers) < 0.8)
    owner = np.repeat(chosen, len(SEARCHES))
    count = len(owner)
    result = world.rng.choice(np.array(["no_hit", "hit", "error"]), count, p=(0.96, 0.03, 0.01))
    return {
        "inquiry_id": ids("Q", np.arange(count)),
        "customer_id": ids("C", owner),
        "source": constant("registers", count),
        "kind": pa.array(np.tile(np.array(SEARCHES), len(chosen))),
        "performed_date": dates(np.repeat(world.past(len(chosen), 220), len(SEARCHES))),
        "result": pa.array(np.where(np.tile(np.array(SEARCHES), len(chosen)) == "sanction", "no_hit", result)),
    }


def _findings(world: World) -> Columns:
    owner = np.flatnonzero(world.troubled(np.arange(world.customers), 0.5))
    owner = np.repeat(owner, world.rng.integers(1, 4, len(owner)))
    count, rng = len(owner), world.rng
    kind = rng.choice(FINDINGS, count, p=_OFTEN)
    published = world.past(count, 900)
    resolved = published + rng.integers(30, 400, count)
    reviewed = rng.choice(np.array(["confirmed", "cleared", "unreviewed"]), count, p=(0.75, 0.15, 0.10))
    suit = kind == "litigation"
    return {
        "finding_id": ids("G", np.arange(count)),
        "customer_id": ids("C", owner),
        "kind": pa.array(kind),
        "role": pa.array(np.where(suit, rng.choice(np.array(["defendant", "plaintiff"]), count, p=(0.8, 0.2)), "subject")),
        "case_number": ids("CASE", rng.integers(0, 2 * count, count)),
        "case_type": pa.array(rng.choice(np.array(["contract", "loan", "labour"]), count), mask=~suit),
        "severity": pa.array(rng.choice(np.array(["low", "medium", "high"]), count, p=(0.5, 0.35, 0.15))),
        "event_date": dates(published - 10),
        "published_date": dates(published),
        "amount": money(np.exp(rng.normal(np.log(20_000_00), 1.0, count)).astype(np.int64)),
        "currency": constant("EUR", count),
        "source": constant("registers", count),
        "detail": ids("Story ", rng.integers(0, count, count)),
        "review_state": pa.array(reviewed),
        "reviewed_date": dates(np.minimum(published + 5, world.horizon), reviewed != "unreviewed"),
        "resolved_date": dates(resolved, (rng.random(count) < 0.5) & (resolved <= world.horizon)),
    }


def _answers(world: World) -> Columns:
    chosen = np.flatnonzero(world.rng.random(world.customers) < 0.3)
    owner = np.repeat(chosen, len(_TOPICS))
    rating = np.clip((5 * world.quality[owner] + world.rng.normal(0, 0.7, len(owner))).round().astype(np.int64), 1, 5)
    return {
        "answer_id": ids("N", np.arange(len(owner))),
        "customer_id": ids("C", owner),
        "assessed_date": dates(np.repeat(world.past(len(chosen), 600), len(_TOPICS))),
        "topic": pa.array(np.tile(_TOPICS, len(chosen))),
        "rating": pa.array(rating),
        "assessor": constant("analyst", len(owner)),
    }


def _documents(world: World) -> Columns:
    owner = np.repeat(np.arange(world.customers), len(_DOCUMENTS))
    kind = np.tile(_DOCUMENTS, world.customers)
    there = world.rng.random(len(owner)) < 0.75
    owner, kind = owner[there], kind[there]
    received = world.past(len(owner), 900)
    return {
        "document_id": ids("L", np.arange(len(owner))),
        "customer_id": ids("C", owner),
        "kind": pa.array(kind),
        "received_date": dates(received),
        "valid_to": dates(received + 730, world.rng.random(len(owner)) < 0.6),
    }


def _contracts(world: World) -> dict[str, Columns]:
    owner = world.rows(0.8, 2)
    count, rng = len(owner), world.rng
    begun = world.past(count, 1200)
    contracts = {
        "contract_id": ids("V", np.arange(count)),
        "customer_id": ids("C", owner),
        "kind": pa.array(rng.choice(np.array(["individual", "general_terms"]), count, p=(0.7, 0.3))),
        "valid_from": dates(begun),
        "valid_to": dates(begun + 1095, rng.random(count) < 0.6),
        "guarantee_clause": pa.array(rng.random(count) < 0.15),
        "retention_of_title": pa.array(rng.random(count) < 0.4),
    }
    signed, breached = np.flatnonzero(rng.random(count) < 0.9), np.flatnonzero(world.troubled(owner, 0.03))
    contract = np.concatenate([signed, breached])
    latest = np.minimum(begun[breached] + rng.integers(30, 900, len(breached)), world.horizon)
    events = {
        "event_id": ids("W", np.arange(len(contract))),
        "contract_id": ids("V", contract),
        "event_date": dates(np.concatenate([begun[signed], latest])),
        "kind": pa.array(np.where(np.arange(len(contract)) < len(signed), "signed", "breached")),
    }
    return {"contract": contracts, "contract_event": events}


def _securities(world: World) -> Columns:
    owner = world.rows(0.12, 2)
    begun = world.past(len(owner), 900)
    return {
        "collateral_id": ids("S", np.arange(len(owner))),
        "customer_id": ids("C", owner),
        "valid_from": dates(begun),
        "valid_to": dates(begun + 730),
        "kind": pa.array(world.rng.choice(_SECURITIES, len(owner))),
        "collateral_value": money(np.exp(world.rng.normal(np.log(15_000_00), 0.8, len(owner))).astype(np.int64)),
        "currency": constant("EUR", len(owner)),
        "valuation_date": dates(begun),
        "registered_date": dates(begun),
        "first_demand": pa.array(np.ones(len(owner), dtype=bool)),
        "provider_rating": constant("A", len(owner)),
        "claim_deadline": dates(begun + 730),
    }


def _insurance(world: World) -> Columns:
    owner = world.rows(0.2, 1)
    decided = world.past(len(owner), 500)
    filed = world.troubled(owner, 0.01) & (decided + 100 <= world.horizon)
    return {
        "cover_id": ids("B", np.arange(len(owner))),
        "customer_id": ids("C", owner),
        "insurer": constant("Insurer", len(owner)),
        "decided_date": dates(decided),
        "decision": pa.array(world.rng.choice(np.array(["approved", "partly", "refused"]), len(owner), p=(0.7, 0.2, 0.1))),
        "amount": money(world.rng.integers(5, 200, len(owner)) * 1_000_00),
        "currency": constant("EUR", len(owner)),
        "cover_pct": pa.array(np.full(len(owner), 90.0)),
        "valid_to": dates(decided + 365),
        "claim_filed_date": dates(decided + 100, filed),
    }


def _indicators(world: World, ends: Sequence[date]) -> Columns:
    """Three monthly series per industry, published 30 days after the month and revised 60 days later."""
    names = [(code, name, end, delay) for code in INDUSTRIES for name in ("demand", "price", "insolvencies") for end in ends
             for delay in (30, 90)]  # fmt: skip
    published = np.array([days(end) + delay for _, _, end, delay in names])
    level = np.array([40.0 if name == "insolvencies" else 100.0 for _, name, _, _ in names])
    value = level * np.exp(world.rng.normal(0, 0.04, len(names)))
    return {
        "industry_code": pa.array([code for code, *_ in names]),
        "indicator": pa.array([name for _, name, *_ in names]),
        "period": pa.array([end for *_, end, _ in names], pa.date32()),
        "published_date": dates(published),
        "value": pa.array(value.round(2)),
        "seasonally_adjusted": pa.array([True] * len(names)),
    }


def _country_risk(world: World, ends: Sequence[date]) -> Columns:
    rows = [(country, end) for country in (*_COUNTRIES, "US", "CN") for end in ends]
    return {
        "country_code": pa.array([country for country, _ in rows]),
        "published_date": pa.array([end for _, end in rows], pa.date32()),
        "score": pa.array(world.rng.integers(5, 60, len(rows)).astype(float)),
        "list_status": constant("none", len(rows)),
    }
