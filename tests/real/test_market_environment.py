"""factor.market_environment on the IMF commodity prices and ECB rates: the winter of 2014/15, against sums by hand.

Oil halved and the rouble fell; metals and food moved little. The expected figures are worked here from the files alone.
"""

from __future__ import annotations

import csv
import io
import math
import statistics
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from risk_pipeline.engine.factors import FactorEngine, window_params
from tests.ledger_case import PARAMS, LedgerCase

pytestmark = pytest.mark.real

AS_OF = date(2015, 1, 31)  # a Saturday: the newest rates are Friday's
SERIES = {"C19": "Fuel Energy Index", "C24": "Metals Price Index", "C10": "Food Price Index"}
CURRENCIES = ("RUB", "USD", "CHF", "CNY")


def prices(folder: Path) -> dict[str, list[tuple[date, float]]]:
    with (folder / "commodity-prices.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    return {
        code: [(date.fromisoformat(row["Date"]), float(row[name])) for row in rows if row[name]] for code, name in SERIES.items()
    }


def rates(folder: Path) -> dict[str, dict[date, str]]:
    text = zipfile.ZipFile(folder / "eurofxref-hist.zip").read("eurofxref-hist.csv").decode("ascii")
    rows = list(csv.DictReader(io.StringIO(text)))
    return {c: {date.fromisoformat(row["Date"]): row[c] for row in rows if row[c] not in ("", "N/A")} for c in CURRENCIES}


def test_oil_and_the_rouble_in_january_2015(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    indices, quotes = prices(real_data("market")), rates(real_data("ecb_fx"))
    case = LedgerCase(tmp_path)
    for code, figures in indices.items():
        for period, value in figures:
            if 2010 <= period.year <= 2015:  # published 45 days after the month began, as examples/reference_data assumes
                published = period + timedelta(45)
                row = {"industry_code": code, "indicator": "price", "period": period, "published_date": published}
                case.add("industry_indicator", value=value, seasonally_adjusted=False, **row)
    for currency, history in quotes.items():
        for day, rate in history.items():
            if 2014 <= day.year <= 2015:
                case.add("fx_rate", currency=currency, rate_date=day, rate=rate)
    for code, home in (("C1920", "RUB"), ("C2410", "CHF"), ("C1071", "CNY")):
        given = {"industry_code": code, "industry_scheme": "NACE", "home_currency": home, "credit_currency": "USD"}
        case.add("customer", customer_id=code, effective_from=date(2010, 1, 1), **given)
    with case.connect(AS_OF) as con:
        engine = FactorEngine(con, {**PARAMS, **window_params(AS_OF)})
        for name in ("customer_state", "exposure_by_currency"):
            con.execute(f"CREATE TABLE result_{name} AS {engine.query(name)}")
            engine.register(name, f"result_{name}")
        con.execute(f"CREATE TABLE found AS {engine.query('market_environment')}")
        columns = (
            "price_series, price_change_3m, price_change_12m, industry_volatility_12m, fx_move_against_90d, price_published_date"
        )
        found = {row[0]: row[1:] for row in con.execute(f"SELECT customer_id, {columns} FROM found").fetchall()}

    for customer, home in (("C1920", "RUB"), ("C2410", "CHF"), ("C1071", "CNY")):
        series, change_3m, change_12m, volatility, fx_move, published = found[customer]
        assert series == customer[:3]
        seen = [value for period, value in indices[series] if period <= date(2014, 12, 1)]  # December came out on 15 January
        assert published == date(2015, 1, 15)
        assert change_3m == pytest.approx(sum(seen[-3:]) / sum(seen[-6:-3]) - 1, abs=1e-9)
        assert change_12m == pytest.approx(sum(seen[-3:]) / sum(seen[-15:-12]) - 1, abs=1e-9)
        logs = [math.log(b / a) for a, b in zip(seen[-13:-1], seen[-12:], strict=True)]
        assert volatility == pytest.approx(statistics.stdev(logs), abs=1e-9)
        now, before = date(2015, 1, 30), date(2014, 10, 31)  # 90 days before 31 January is Sunday, 2 November
        home_per_dollar = [float(quotes[home][day]) / float(quotes["USD"][day]) for day in (now, before)]
        assert fx_move == pytest.approx(home_per_dollar[0] / home_per_dollar[1] - 1, abs=1e-9)

    oil, metals, food = found["C1920"], found["C2410"], found["C1071"]
    assert oil[1] < -0.2 < metals[1] < 0  # oil fell by more than a fifth in three months
    assert oil[3] > metals[3] > 0
    assert oil[3] > food[3]
    assert oil[4] > 0.5  # the rouble lost more than half of what it stood at; the franc was set free on 15 January, upwards
    assert metals[4] < 0.0 < food[4] < 0.05
