"""What `explain`, `run`, `status` and `quarantine list` tell a credit manager: who decided what, and what is missing."""

from __future__ import annotations

import io
import re
import shutil
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb
import pytest
from rich.cells import cell_len
from rich.console import Console

from risk_pipeline.cli import output
from risk_pipeline.cli.app import run
from risk_pipeline.cli.memo import Memo
from risk_pipeline.cli.rejections import shortened
from risk_pipeline.cli.status import status_of
from risk_pipeline.cli.texts import Language
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.explain import Explanation, explain
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.small_ledger import DECEMBER, OCTOBER, make_small_workspace

CUSTOMER_YAML = """\
feed: customer
source: {kind: file, path: data/customers.csv, format: csv}
delivery: snapshot
columns:
  customer_id:     {from: Id}
  name:            {from: Name}
  is_intercompany: {from: Own, lookup: {Y: "true", N: "false"}}
  is_one_time:     {from: OneTime, lookup: {Y: "true", N: "false"}}
assertions: {rows_min: 1}
"""
COLLATERAL_YAML = """\
feed: collateral
source: {kind: file, path: data/collateral.csv, format: csv}
delivery: snapshot
known_at: event_date
columns:
  collateral_id:    {from: Id}
  customer_id:      {from: Customer}
  kind:             {from: Kind}
  valid_from:       {from: From}
  valid_to:         {from: To}
  collateral_value: {from: Worth}
  currency:         {value: EUR}
assertions: {rows_min: 1}
"""
SECURITIES = (
    "Id,Customer,Kind,From,To,Worth\nS1,I1,retention_of_title,2024-01-01,,50.00\nS2,I1,deposit,2024-01-01,2025-06-30,500.00\n"
)
BAD_ROWS = 7


@dataclass(frozen=True)
class World:
    """A workspace with October and December 2024 published, and which dates were stale when."""

    root: Path
    stale_after_october: list[date]
    stale_in_the_end: list[date]

    def explain(self, customer: str, as_of: date = DECEMBER) -> Explanation:
        return _explained(self.root, customer, as_of)

    def memo(self, customer: str, as_of: date = DECEMBER, language: Language = "en") -> str:
        return printed(self.explain(customer, as_of), language)


@cache
def _explained(root: Path, customer: str, as_of: date) -> Explanation:
    return explain(Workspace.load(root), customer, as_of)


def printed(found: Explanation, language: Language = "en") -> str:
    """The memo in 80 columns."""
    out = Console(width=80, file=io.StringIO(), markup=False, highlight=False)
    Memo(out, found, language).print()
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def flat(text: str) -> str:
    """The text without the line breaks of the screen."""
    return " ".join(text.split())


def command(root: Path, *words: str) -> str:
    with redirect_stdout(io.StringIO()) as out:
        assert run(["-w", str(root), *words]) == 0
    return out.getvalue()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """December assessed, then October, then December again. I1 is of our group, O1 a one-time account; C1 has rejected rows."""
    root = make_small_workspace(tmp_path_factory.mktemp("memo") / "ws")
    settings = root / "risk.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("both", "en"), encoding="utf-8")
    (root / "feeds" / "customer.yaml").write_text(CUSTOMER_YAML, encoding="utf-8")
    (root / "data" / "customers.csv").write_text("Id,Name,Own,OneTime\nI1,Sister Ltd,Y,N\nO1,Walk-in,N,Y\n", encoding="utf-8")
    (root / "feeds" / "collateral.yaml").write_text(COLLATERAL_YAML, encoding="utf-8")
    (root / "data" / "collateral.csv").write_text(SECURITIES, encoding="utf-8")
    with (root / "data" / "invoices.csv").open("a", encoding="utf-8") as file:
        file.write("I1-1,I1,2024-09-10,2024-10-10,900.00\nO1-1,O1,2024-09-10,2024-10-10,90.00\n")
        for number in range(BAD_ROWS):
            file.write(f"BAD-{number}, C1 ,a date that is far too long to stand in one line {number},2024-12-31,10.00\n")
        file.write("C10-1,C10,2024-09-10,2024-10-10,not C1 at all\n")
    workspace = Workspace.load(root)
    workspace.warehouse.mkdir()
    stale = []
    with Register.open(workspace.register_url) as register:
        ingest(workspace, register, now=datetime.now(UTC))
        for day in (DECEMBER, OCTOBER, DECEMBER):
            assess(workspace, register, as_of=day, now=datetime.now(UTC))
            stale.append(status_of(workspace)["published"]["stale_dates"])
    return World(root, *stale[1:])


def test_securities_are_told_with_their_value_and_end_or_why_they_do_not_count(world: World) -> None:
    told = flat(world.memo("I1")).partition("Counts until, or why not")[2]
    assert re.search(
        r"Deposit 500\.00 500\.00 2025-06-30 Retention of title 50\.00 0\.00 The policy gives this kind no value", told
    )
    assert "所有权保留 50.00 0.00 政策规定此类担保在额度中不计价值" in flat(world.memo("I1", language="zh"))
    assert "Counts until" not in world.memo("C1")


class TestWhatDecided:
    def test_the_score_decided_although_a_knock_out_holds_too(self, world: World) -> None:
        text = flat(world.memo("C3"))
        assert re.search(r"decided by the score: \d+\.\d\d, Restricted below 35", text)
        assert "also holds, not decisive: KO05: In default with us" in text
        assert "decided by KO05" not in text

    def test_a_tier_in_the_middle_shows_both_bounds(self, world: World) -> None:
        assert re.search(r"decided by the score: \d+\.\d\d, High risk from 35 to below 55", flat(world.memo("C4")))

    def test_a_knock_out_that_decided(self, world: World) -> None:
        found = world.explain("C4")
        decided = {"rule": "KO05", "kind": "knockout", "en": "In default with us", "zh": "已发生违约"}
        changed = replace(found, tier={**found.tier, "decided": decided, "binding_rule": "KO05", "model_tier": "medium"})
        assert "decided by KO05: In default with us" in flat(printed(changed))

    def test_the_ceiling_of_the_segment(self, world: World) -> None:
        text = flat(world.memo("C1"))
        assert "decided by the ceiling of the segment: Medium risk at best" in text
        assert "by the score alone: Low risk" in text

    def test_too_little_evidence_says_how_little(self, world: World) -> None:
        assert world.explain("C5", OCTOBER).tier["binding_rule"] == "unrated_coverage"
        assert re.search(r"Too little evidence for a rating: coverage [\d.]+ % below 60 %", flat(world.memo("C5", OCTOBER)))

    def test_a_one_time_account_is_told_the_rule(self, world: World) -> None:
        text = flat(world.memo("O1"))
        assert "decided by one_time_account: One-time account, never scored" in text
        assert "evidence for a rating" not in text

    def test_intercompany_has_a_limit_set_by_others(self, world: World) -> None:
        text = world.memo("I1")
        assert "set by group_treasury" in text
        assert "Company of our own group" in text
        assert "valid to" not in text


class TestWhatIsSaid:
    def test_a_factor_with_the_points_of_the_best_tier_accuses_nobody(self, world: World) -> None:
        trend = next(row for row in world.explain("C1").contributions if row["factor"] == "days_late_trend_3v9")
        assert (trend["value"], trend["points"]) == (0, 80)
        assert trend["reason_rank"] is not None
        assert "reason" not in trend
        assert "Payment behaviour is getting worse" not in world.memo("C1")
        worse = next(row for row in world.explain("C4", OCTOBER).contributions if row["factor"] == "days_late_trend_3v9")
        assert worse["points"] < 75
        assert worse["reason"]["en"] == "Payment behaviour is getting worse"

    def test_a_customer_in_default_has_no_pd(self, world: World) -> None:
        text = flat(world.memo("C3"))
        assert "in default, first seen 2024-12-31 (more than 90 days past due)" in text
        assert "PD " not in text
        assert "in default · coverage" in text
        assert "PD " in world.memo("C4")

    def test_exposure_without_a_limit_is_not_over_it(self, world: World) -> None:
        text = flat(world.memo("C3"))
        assert "Exposure without a limit" in text
        assert "110 %" not in text

    def test_open_items_name_their_source_and_what_is_disputed_or_offset(self, world: World) -> None:
        found = world.explain("C4")
        first = {
            **found.open_items[0],
            "source_file": "data/invoices.csv",
            "source_line": 95,
            "disputed_amount": Decimal("12.50"),
            "offset_amount": Decimal("3.00"),
        }
        text = printed(replace(found, open_items=[first]))
        assert [line in text for line in ("invoices.csv:95", "disputed 12.50", "offset 3.00")] == [True] * 3
        assert "disputed" not in printed(replace(found, open_items=[{**first, "disputed_amount": Decimal(0)}]))
        bare = {name: value for name, value in first.items() if not name.startswith("source_")}
        assert "invoices.csv" not in printed(replace(found, open_items=[bare], rejected_rows=[]))

    @pytest.mark.parametrize("customer", ["C1", "C3", "C4", "I1", "O1"])
    def test_one_language_is_one_language(self, world: World, customer: str) -> None:
        assert not re.search("[\u4e00-\u9fff]", world.memo(customer, language="en"))
        chinese = printed(replace(world.explain(customer), rejected_rows=[]), "zh")
        words = set(re.findall(r"[A-Za-z]{3,}", re.sub(r"\S*[\d_/.]\S*", "", chinese)))
        assert words <= {
            "EUR",
            "UTC",
            "Ltd",
            "Sister",
            "Walk",
            "intercompany",
            "risk",
            "pipeline",
            "show",
            "customer",
            "alerts",
            "list",
        }

    @pytest.mark.parametrize("language", ["en", "zh", "both"])
    @pytest.mark.parametrize("customer", ["C1", "C3", "I1"])
    def test_it_fits_eighty_columns(self, world: World, customer: str, language: Language) -> None:
        assert max(map(cell_len, world.memo(customer, language=language).splitlines())) <= 80


class TestEvidence:
    """How a table of evidence is told, on a group made for it."""

    GROUP = {
        "table": "credit_record",
        "heading": {"en": "Credit record", "zh": "信用记录"},
        "evidence_date": date(2024, 6, 30),
        "evidence_age_days": 184,
        "previous_as_of": date(2024, 5, 31),
        "previous_points_lost": 2.0,
        "facts": [
            {"fact": "a", "label": {"en": "Read by a rule", "zh": "甲"}, "unit": "count", "value": 3, "rules": ["KO08"]},
            {"fact": "b", "label": {"en": "Read by none", "zh": "乙"}, "unit": "count", "value": 3, "rules": []},
            {"fact": "c", "label": {"en": "Nothing there", "zh": "丙"}, "unit": "count", "value": 0, "rules": ["KO08"]},
        ],
    }

    @staticmethod
    def factor(label: str, **given: object) -> dict[str, object]:
        empty = dict.fromkeys(("value", "value_text", "points", "contribution", "points_lost", "missing_action"))
        dated = {"evidence_date": date(2024, 6, 30), "evidence_age_days": 184}
        return {**empty, **dated, "label": {"en": label, "zh": label}, "unit": "ratio", **given}

    def told(self, world: World, *factors: dict[str, object]) -> str:
        found = replace(world.explain("C1"), evidence=[{**self.GROUP, "factors": list(factors)}], contributions=[])
        return printed(found).partition("Evidence by subject")[2].partition("How the limit")[0]

    def test_date_and_age_stand_once_in_the_line_of_the_table(self, world: World) -> None:
        text = self.told(world, self.factor("Score", value=0.5, points=40.0, contribution=4.0, points_lost=6.0))
        assert re.search(r"Credit record +↓ -4\.0 +4\.0 +6\.0 2024-06-30 +184", text)
        assert "↓ ↑ points less or more than on 2024-05-31" in text
        assert re.search(r"Score +50\.0% +40 +6\.00 *\n", text)

    def test_a_factor_with_other_evidence_says_of_when(self, world: World) -> None:
        other = self.factor("Borrowing", value=0.5, points=40.0, evidence_date=date(2023, 12, 31), evidence_age_days=366)
        assert re.search(r"Borrowing +50\.0% +40 +2023-12-31 +366\n", self.told(world, other))

    def test_old_evidence_is_marked_and_the_mark_explained(self, world: World) -> None:
        fresh, flagged = self.factor("A", value=1.0, points=50.0), self.factor("B", value=1.0, points=50.0)
        assert "older than the policy wants" not in self.told(world, fresh)
        text = self.told(world, {**flagged, "missing_action": "stale_flag"})
        assert "184!" in text
        assert "! older than the policy wants" in text
        assert "move towards those of no value" in flat(self.told(world, {**flagged, "missing_action": "stale_decay"}))

    def test_what_has_no_value_says_why_and_what_it_counts(self, world: World) -> None:
        special = {"en": "No bureau report ordered", "zh": "未查询征信"}
        counted = self.factor("Score", points=45.0, points_lost=5.5, special=special, missing_action="special_points")
        left = self.factor("Defaults", special=special, missing_action="special_reweight")
        text = self.told(world, counted, left, self.factor("Borrowing", missing_action="reweight"))
        assert re.search(r"No bureau report ordered: *\n +Score +- +45 +5\.50", text)
        assert "left out of the score (No bureau report ordered): Defaults" in text
        assert "left out of the score (not known): Borrowing" in text

    def test_a_value_that_is_too_old_counts_as_not_known(self, world: World) -> None:
        text = self.told(world, self.factor("Orders", value=0.5, missing_action="stale_drop_reweight"))
        assert "left out of the score (too old, counts as not known): Orders" in flat(text)
        assert "50.0%" not in text

    def test_facts_are_told_when_a_rule_reads_them_and_there_is_something(self, world: World) -> None:
        text = self.told(world, self.factor("Score", value=0.5, points=40.0))
        assert "rules of the policy also read: Read by a rule 3" in text
        assert "Read by none" not in text
        assert "Nothing there" not in text

    def test_the_risk_types_add_up_to_the_score(self, world: World) -> None:
        found = world.explain("C4")
        assert sum(row["subtotal"] for row in found.risk_types) == pytest.approx(found.score["score"], abs=0.005)
        assert sum(row["weight"] for row in found.risk_types) == pytest.approx(100)
        assert f"Risk types Credit risk {found.score['score']:.1f} of 100.0" in flat(world.memo("C4"))

    def test_the_evidence_holds_every_contribution_once(self, world: World) -> None:
        found = world.explain("C4")
        told = [row["factor"] for group in found.evidence for row in group["factors"]]
        assert sorted(told) == sorted(row["factor"] for row in found.contributions)


class TestRejectedRows:
    def test_the_memo_shows_those_of_the_customer(self, world: World) -> None:
        rows = world.explain("C1").rejected_rows
        assert len(rows) == BAD_ROWS + 1
        assert {(row["feed"], row["column_name"]) for row in rows} == {("invoice", "invoice_date")}
        text = world.memo("C1")
        assert f"missing from the figures: {BAD_ROWS + 1}" in text
        assert "2024-13-01" in text
        assert text.count("not_a_date") == 5
        assert "and 3 more" in text

    def test_a_row_that_only_mentions_the_id_inside_a_text_is_not_theirs(self, world: World) -> None:
        lines = (world.root / "data" / "invoices.csv").read_text(encoding="utf-8").splitlines()
        named = [lines[row["source_line"] - 1] for row in world.explain("C1").rejected_rows]
        assert not [line for line in named if line.startswith("C10")]
        assert world.explain("C4").rejected_rows == []
        assert "rejected" not in world.memo("C4")

    def test_the_list_fits_eighty_columns_one_line_a_row(self, world: World) -> None:
        lines = command(world.root, "quarantine", "list").splitlines()
        assert max(map(cell_len, lines)) <= 80
        assert len(lines) == 2 + BAD_ROWS + 2
        assert sum("invoices.csv:" in line and "…" in line for line in lines) == BAD_ROWS

    @pytest.mark.parametrize(
        ("text", "room", "shown"),
        [
            ("short", 5, "short"),
            ("a_long_name_of_a_file.csv:123", 15, "a_long_nam…:123"),
            ("客户名称很长很长", 9, "客户名称…"),
            ("some words and more", 8, "some wo…"),
        ],
    )
    def test_shortened(self, text: str, room: int, shown: str) -> None:
        assert shortened(text, room) == shown
        assert cell_len(shown) <= room


def test_a_date_is_stale_only_until_it_is_assessed_again(world: World) -> None:
    assert world.stale_after_october == [DECEMBER]
    assert world.stale_in_the_end == []


@pytest.mark.parametrize(("language", "word"), [("en", "Published: 2 dates"), ("zh", "已发布：2 个日期"), ("both", "已发布")])
def test_the_status_page_follows_the_language(world: World, language: str, word: str) -> None:
    settings = world.root / "risk.yaml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before.replace("language: en", f"language: {language}"), encoding="utf-8")
    try:
        text = command(world.root, "status")
    finally:
        settings.write_text(before, encoding="utf-8")
    assert word in text
    if language == "en":
        assert not re.search("[\u4e00-\u9fff]", text)
    if language == "zh":
        assert not re.search("rejected|stored|snapshot|newest", text)


def test_a_move_by_score_shows_the_scores(world: World) -> None:
    from risk_pipeline.cli.summary import print_summary

    with redirect_stdout(io.StringIO()) as out:
        print_summary(Workspace.load(world.root), [DECEMBER])
    before, now = (world.explain("C3", day).score["score"] for day in (OCTOBER, DECEMBER))
    assert f"Score {before:.2f} → {now:.2f}" in out.getvalue()
    assert max(cell_len(line) for line in out.getvalue().splitlines() if "→" in line) <= output.WIDTH


def test_chosen_columns_are_all_shown_however_narrow_the_screen(world: World) -> None:
    columns = "customer_id,tier,binding_rule,reasons_en,reasons_zh,hold_reasons,score,grade,pd,coverage_pct"
    shown = command(world.root, "show", "mart.current_risk", "--columns", columns, "--limit", "2")
    assert all(shown.count(f"{name} ") >= 2 for name in columns.split(","))
    assert max(map(cell_len, shown.splitlines())) <= 80


class TestShowFactors:
    def test_a_special_code_stands_in_place_of_the_value(self, world: World) -> None:
        shown = command(world.root, "show", "factor.transaction_history", "--customer", "C1")
        assert re.search(r"^overdue_ratio +(no_open_items|[\d.]+) +Overdue share of open receivables *$", shown, re.MULTILINE)
        assert "_code" not in shown
        assert max(map(cell_len, shown.splitlines())) <= 80

    def test_columns_that_were_chosen_are_shown_as_they_are(self, world: World) -> None:
        columns = "customer_id,overdue_ratio,overdue_ratio_code"
        shown = command(world.root, "show", "factor.transaction_history", "--columns", columns)
        assert "overdue_ratio_code" in shown


def test_a_copied_workspace_does_not_show_the_files_of_the_original(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(world.root, copy)
    assert run(["-w", str(copy), "status"]) == 1
    assert "shows the files of another workspace" in capsys.readouterr().err
    command(copy, "catalogue", "rebuild")
    assert "2024-12-31" in command(copy, "status")


def test_a_catalogue_of_an_older_version_says_what_to_do(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(world.root, copy)
    path = copy / "warehouse" / "risk.duckdb"
    path.unlink()
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE SCHEMA decision; CREATE SCHEMA mart")
        con.execute("CREATE TABLE decision.risk_tier AS SELECT DATE '2024-12-31' AS as_of")
        con.execute("CREATE TABLE mart.current_risk AS SELECT 'C1' AS customer_id")
    assert run(["-w", str(copy), "show", "mart.current_risk"]) == 1
    assert "was built by another version" in capsys.readouterr().err
