"""The lists and series of examples/reference_data, ingested as they are, against a count by hand with csv and zipfile."""

from __future__ import annotations

import csv
import io
import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from risk_pipeline.pipeline.ingest import IngestResult, ingest
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register
from risk_pipeline.store.staging import all_rows_sql

pytestmark = pytest.mark.real

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SDN = ("2021-04", "2022-02-10")


class Shelf:
    """A workspace with feed YAMLs of the example, over a data root of its own."""

    def __init__(self, root: Path, example: Path, data: Path) -> None:
        self.root = root
        shutil.copytree(example, root, ignore=shutil.ignore_patterns("warehouse", "feeds"))
        (root / "feeds").mkdir()
        self._example = example
        settings = (root / "risk.yaml").read_text(encoding="utf-8")
        (root / "risk.yaml").write_text(re.sub(r"data_root: .*", f"data_root: {data}", settings), encoding="utf-8")
        self.workspace = Workspace.load(root)
        self.register = Register.open(self.workspace.register_url) if self.workspace.warehouse.mkdir() is None else None
        self.store = FeedStore(Lake(self.workspace.lake), self.register)

    def take(self, name: str, change: Callable[[str], str] = str) -> None:
        """Put one YAML of the example into the workspace, in place of any before."""
        for old in (self.root / "feeds").glob("*"):
            old.unlink()
        text = (self._example / name).read_text(encoding="utf-8")
        (self.root / "feeds" / Path(name).name).write_text(change(text), encoding="utf-8")

    def ingest(self, now: datetime = NOW) -> IngestResult:
        [result] = ingest(self.workspace, self.register, now=now)
        return result

    def rows(self, feed: str, columns: str, where: str = "open") -> list[tuple[Any, ...]]:
        paths, closures = self.store.history(feed)
        with duckdb.connect() as con:
            return con.execute(f"SELECT {columns} FROM ({all_rows_sql(paths, closures)}) WHERE {where} ORDER BY ALL").fetchall()


@pytest.fixture
def shelf(tmp_path: Path, repo_root: Path, real_data: Callable[[str], Path]) -> Iterator[Callable[[str], Shelf]]:
    """`shelf("ecb_fx")`: the example over that data set."""
    made: list[Shelf] = []

    def make(name: str) -> Shelf:
        made.append(Shelf(tmp_path / "ws", repo_root / "examples" / "reference_data", real_data(name).parent))
        return made[-1]

    yield make
    for each in made:
        each.register.close()


def sdn_rows(folder: Path, name: str, fields: int) -> list[list[str]]:
    with (folder / name).open(encoding="latin-1", newline="") as handle:
        return [[cell.strip() for cell in row] for row in csv.reader(handle) if len(row) == fields]


def test_ofac_as_delivered(shelf: Callable[[str], Shelf], real_data: Callable[[str], Path]) -> None:
    desk, folder = shelf("ofac_sdn"), real_data("ofac_sdn") / "2021-04"
    desk.take("feeds/sanctions_ofac.yaml")
    result = desk.ingest()
    entries, names = sdn_rows(folder, "sdn.csv", 12), sdn_rows(folder, "alt.csv", 5)
    assert result.counts["rows_read"] == result.counts["rows_stored"] == len(entries) == 8890
    stored = {row[0]: row[1:] for row in desk.rows("sanctions_entity", "entity_id, name, aliases, source_line, country_code")}
    assert {number: row[0] for number, row in stored.items()} == {row[0]: row[1] for row in entries}
    aliases = sum(len(row[1].split("; ")) for row in stored.values() if row[1])
    assert aliases == len({(row[0], row[3]) for row in names})
    assert [stored[row[0]][2] for row in entries] == list(range(1, len(entries) + 1))
    places = Counter(row[4] for row in sdn_rows(folder, "add.csv", 6))
    assert places["Cuba"] == 44
    assert stored["36"] == ("AEROCARIBBEAN AIRLINES", "AERO-CARIBBEAN", 1, "CU")
    kinds = dict(desk.rows("sanctions_entity", "entity_kind, count(*)", "open GROUP BY ALL"))
    assert kinds == {"person": 4566, "company": 3644, "vessel": 403, "aircraft": 277}


def test_the_difference_between_two_vintages_is_found(shelf: Callable[[str], Shelf], real_data: Callable[[str], Path]) -> None:
    """By sdn.csv alone, since the later vintage has no more: what was added, removed and changed in the columns mapped."""
    desk, folder = shelf("ofac_sdn"), real_data("ofac_sdn")
    columns = {"name": 1, "programme": 3, "kind": 2}
    for vintage, now in zip(SDN, (NOW, NOW + timedelta(days=1)), strict=True):
        desk.take("feeds/sanctions_ofac.yaml", lambda text, v=vintage: only_sdn(text, v))
        result = desk.ingest(now)
        assert result.state == "effective", result.message
    old, new = ({row[0]: row for row in sdn_rows(folder / vintage, "sdn.csv", 12)} for vintage in SDN)
    added, removed = set(new) - set(old), set(old) - set(new)
    changed = {n for n in set(old) & set(new) if any(old[n][at] != new[n][at] for at in columns.values())}
    assert (len(added), len(removed)) == (619, 454)
    assert result.counts["rows_stored"] == len(added) + len(changed)
    assert result.counts["rows_closed"] == len(removed) + len(changed)
    assert result.counts["rows_unchanged"] == len(new) - len(added) - len(changed)
    first, second = "open = false", f"known_from = TIMESTAMP '{(NOW + timedelta(days=1)):%Y-%m-%d %H:%M:%S}'"
    ended = {row[0] for row in desk.rows("sanctions_entity", "entity_id", first)}
    begun = {row[0] for row in desk.rows("sanctions_entity", "entity_id", second)}
    assert (ended - begun, begun - ended, begun & ended) == (removed, added, changed)


def only_sdn(text: str, vintage: str) -> str:
    """The example's mapping without what alt.csv, add.csv and the remarks give."""
    text = text.replace("2021-04/*.csv", f"{vintage}/sdn.csv")
    dropped = ("aliases", "birth_date", "identifiers", "country_code")
    return "".join(line for line in text.splitlines(True) if not line.strip().startswith(dropped))


def test_a_vintage_without_its_other_names_is_refused(shelf: Callable[[str], Shelf]) -> None:
    """11,742 aliases would leave the list in silence."""
    desk = shelf("ofac_sdn")
    desk.take("feeds/sanctions_ofac.yaml", lambda text: text.replace("2021-04", "2022-02-10"))
    result = desk.ingest()
    assert result.state == "refused"
    assert "column aliases comes from alt.csv, which is not in this delivery" in result.message


SHORTER = {0.0: "sdn.csv", 0.1: "fewer than rows_min", 0.85: "max_drop_pct 10", 0.9997: "line 8888 is not CSV"}


def test_a_shorter_list_is_refused(tmp_path: Path, repo_root: Path, real_data: Callable[[str], Path]) -> None:
    """Nothing of it, a tenth, a sixth less, and one cut off in its last line: the good list stays whole."""
    data = tmp_path / "data"
    shutil.copytree(real_data("ofac_sdn") / "2021-04", data / "ofac_sdn" / "2021-04")
    desk = Shelf(tmp_path / "ws", repo_root / "examples" / "reference_data", data)
    desk.take("feeds/sanctions_ofac.yaml")
    assert desk.ingest().state == "effective"
    path = data / "ofac_sdn" / "2021-04" / "sdn.csv"
    lines = path.read_bytes().splitlines(True)
    for keep, reason in SHORTER.items():
        cut = b"".join(lines[: int(len(lines) * keep)])
        path.write_bytes(cut[:-40] if keep > 0.9 else cut)
        result = desk.ingest(NOW + timedelta(days=1))
        assert (result.state, len(desk.rows("sanctions_entity", "entity_id"))) == ("refused", 8890)
        assert reason in result.message
    desk.register.close()


def test_ecb_rates_from_the_zip(shelf: Callable[[str], Shelf], real_data: Callable[[str], Path]) -> None:
    desk = shelf("ecb_fx")
    desk.take("feeds/fx_rate.yaml")
    result = desk.ingest()
    with zipfile.ZipFile(real_data("ecb_fx") / "eurofxref-hist.zip") as archive:
        wide = list(csv.reader(io.StringIO(archive.read("eurofxref-hist.csv").decode())))
    rates = {(wide[0][at], row[0]): cell for row in wide[1:] for at, cell in enumerate(row) if at and cell not in ("", "N/A")}
    assert result.counts["rows_stored"] == len(rates)
    assert result.counts["rows_rejected"] == 0
    some = desk.rows(
        "fx_rate", "currency, CAST(rate_date AS VARCHAR), rate", "open AND rate_date IN ('1999-01-04', '2026-10-30')"
    )
    assert len(some) == sum(day in ("1999-01-04", "2026-10-30") for _, day in rates)
    assert all(float(rate) == float(rates[currency, day]) for currency, day, rate in some)


def test_fatf_and_cpi_as_country_risk(shelf: Callable[[str], Shelf], real_data: Callable[[str], Path]) -> None:
    desk = shelf("country_risk")
    desk.take("feeds/country_risk.yaml")
    assert desk.ingest().counts["rows_stored"] == 26
    listed = Counter(status for (status,) in desk.rows("country_risk", "list_status"))
    assert listed == {"call_for_action": 3, "increased_monitoring": 22, "none": 1}
    desk.take("more/country_risk_cpi.yaml", lambda text: text.replace("2500", "2500, max_drop_pct: 100"))
    result = desk.ingest(NOW + timedelta(days=1))
    assert result.counts["rows_rejected"] == 0
    with (real_data("country_risk") / "cpi_transparency.csv").open(encoding="cp1252", newline="") as handle:
        years, *rows = [row for row in csv.reader(line for line in handle.read().split("\n")) if len(row) == 24]
    cells = [(row[0], year, cell) for row in rows for year, cell in zip(years[1:], row[1:], strict=True) if cell != "0.0"]
    assert result.counts["rows_stored"] == sum(name != "GLOBAL AVARAGE" for name, _, _ in cells if name not in GONE)
    by_hand = next(100 - 10 * float(cell) for name, year, cell in cells if (name, year) == ("Denmark", "2016"))
    [(score,)] = desk.rows("country_risk", "score", f"open AND country_code = 'DK' AND published_date = '{date(2017, 2, 28)}'")
    assert score == pytest.approx(by_hand)


GONE = ("GLOBAL AVARAGE", "Australias", "Belgium/Luxembourg", "Serbia & Montenegro", "Serbia and Montenegro", "Yugoslavia")


def test_commodity_prices_as_industry_indicator(shelf: Callable[[str], Shelf], real_data: Callable[[str], Path]) -> None:
    desk = shelf("market")
    desk.take("feeds/industry_indicator.yaml")
    result = desk.ingest()
    with (real_data("market") / "commodity-prices.csv").open(encoding="utf-8", newline="") as handle:
        table = list(csv.DictReader(handle))
    wanted = ("Metals Price Index", "Fuel Energy Index", "Food Price Index", "Agricultural Raw Materials Index")
    assert result.counts["rows_stored"] == sum(bool(row[name]) for row in table for name in wanted)
    newest = "open AND period = '2017-06-01' AND industry_code = 'C24'"
    [(value, published)] = desk.rows("industry_indicator", "value, published_date", newest)
    assert value == float(next(row["Metals Price Index"] for row in table if row["Date"] == "2017-06-01"))
    assert published == date(2017, 7, 16)
