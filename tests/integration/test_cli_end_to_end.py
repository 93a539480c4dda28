"""The command line over a real workspace, from an empty folder to a credit memo: what it prints and every exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from risk_pipeline.cli.app import run
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.small_ledger import DECEMBER, NOVEMBER, OCTOBER, make_small_workspace

DONE, FAILED, USAGE, REFUSED, LOCKED = 0, 1, 2, 3, 4


class Answer:
    """Exit code and texts of one command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def json(self) -> Any:
        assert self.code == DONE, self.err
        return json.loads(self.out)

    def complains(self, code: int, *words: str) -> None:
        """The exit code, one message with these words, a remedy, and no traceback."""
        assert self.code == code, self.out + self.err
        for word in words:
            assert word in self.err
        assert sum(line.startswith("Error: ") for line in self.err.splitlines()) == 1
        assert "Traceback" not in self.err + self.out


class Shell:
    """Types commands for one workspace, in this process (so that heavy imports are paid once)."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys

    def __call__(self, *command: str) -> Answer:
        self._capsys.readouterr()
        code = run(["-w", str(self.root), *command])
        captured = self._capsys.readouterr()
        return Answer(code, captured.out, captured.err)


@pytest.fixture(autouse=True)
def _own_dagster_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


@pytest.fixture
def fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A workspace with files, nothing ingested."""
    return Shell(make_small_workspace(tmp_path / "ws"), capsys)


@pytest.fixture(scope="module")
def assessed_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with October and November 2024 published, by `backfill`."""
    root = make_small_workspace(tmp_path_factory.mktemp("cli") / "ws")
    home = os.environ.pop("DAGSTER_HOME", None)
    try:
        assert run(["-w", str(root), "backfill", "--from", "2024-10-01", "--to", "2024-11-30"]) == DONE
    finally:
        if home is not None:
            os.environ["DAGSTER_HOME"] = home
    return root


@pytest.fixture
def assessed(assessed_root: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """The published workspace, for commands that only read."""
    return Shell(assessed_root, capsys)


@pytest.fixture
def own_copy(assessed_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A copy of the published workspace, for commands that change it."""
    root = tmp_path / "copy"
    shutil.copytree(assessed_root, root)
    shell = Shell(root, capsys)
    assert shell("catalogue", "rebuild").code == DONE
    return shell


def published_dates(root: Path) -> list[date]:
    with duckdb.connect(root / "warehouse" / "risk.duckdb", read_only=True) as con:
        return [row[0] for row in con.execute("SELECT DISTINCT as_of FROM decision.risk_tier ORDER BY 1").fetchall()]


@contextmanager
def held_by_another_process(root: Path) -> Iterator[int]:
    """The workspace lock, held by a real second process; yields its process id."""
    code = (
        "import sys; from pathlib import Path; from risk_pipeline.store.lock import workspace_lock\n"
        f"with workspace_lock(Path({str(root / 'warehouse' / 'lock')!r}), 'a long assessment'):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder.pid
        assert holder.stdin is not None
        holder.stdin.close()


class TestInit:
    def test_makes_a_workspace_that_loads(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        root = tmp_path / "new"
        assert run(["init", str(root)]) == DONE
        assert "risk-pipeline ingest" in capsys.readouterr().out
        assert Workspace.load(root).settings.reporting_currency == "EUR"
        assert (root / "warehouse" / "dagster" / "dagster.yaml").is_file()
        assert (root / "warehouse").stat().st_mode & 0o077 == 0  # personal data: nobody else reads it

    def test_the_example_feed_is_a_valid_one(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        root = tmp_path / "new"
        run(["init", str(root)])
        shutil.copy(root / "feeds" / "invoice.yaml.example", root / "feeds" / "invoice.yaml")
        (root / "data" / "invoices.csv").write_text(
            'InvoiceNo,Customer,InvoiceDate,DueDate,Amount\n1,C1,2024-01-02,2024-02-01,"1,234.50"\n', encoding="utf-8"
        )
        assert Shell(root, capsys)("ingest").code == DONE

    def test_writes_over_nothing(self, fresh: Shell) -> None:
        Answer(run(["init", str(fresh.root)]), *fresh._capsys.readouterr()).complains(USAGE, "not an empty folder")
        assert "Europe/Berlin" in (fresh.root / "risk.yaml").read_text(encoding="utf-8")


class TestIngest:
    def test_counts_and_then_a_no_op(self, fresh: Shell) -> None:
        first, second = fresh("ingest"), fresh("ingest")
        assert first.code == second.code == DONE
        assert "effective" in first.out
        assert "quarantine list" in first.out
        assert "no-op" in second.out

    def test_one_feed(self, fresh: Shell) -> None:
        answer = fresh("ingest", "payment")
        assert "payment" in answer.out
        assert "invoice" not in answer.out

    def test_unknown_feed(self, fresh: Shell) -> None:
        fresh("ingest", "invoyce").complains(USAGE, "invoyce")

    def test_a_refused_delivery_exits_3_and_stores_nothing(self, fresh: Shell) -> None:
        assert fresh("ingest").code == DONE
        (fresh.root / "data" / "invoices.csv").write_text("No,Customer,Date,Due,Amount\n", encoding="utf-8")
        fresh("ingest").complains(REFUSED, "invoice")
        assert "refused" in fresh("status").out

    def test_a_missing_column_exits_3_and_is_named(self, fresh: Shell) -> None:
        text = (fresh.root / "data" / "invoices.csv").read_text(encoding="utf-8")
        (fresh.root / "data" / "invoices.csv").write_text(text.replace("Amount", "Sum", 1), encoding="utf-8")
        fresh("ingest").complains(REFUSED, "Amount")


class TestRunAndBackfill:
    def test_publishes_and_tells_a_credit_manager(self, own_copy: Shell) -> None:
        answer = own_copy("run", "--as-of", "2024-12-31", "--known-at", "as-of")
        assert answer.code == DONE, answer.err
        for expected in ("Customers by tier", "Exposure", "Overdue", "Restricted", "risk-pipeline explain", "2024-12-31"):
            assert expected in answer.out
        assert published_dates(own_copy.root) == [OCTOBER, NOVEMBER, DECEMBER]

    def test_a_backfill_publishes_every_month_end(self, assessed: Shell) -> None:
        assert published_dates(assessed.root) == [OCTOBER, NOVEMBER]

    def test_a_backfill_stops_at_the_first_refused_date_and_says_what_stands(self, fresh: Shell) -> None:
        # Nothing was invoiced before 2023: the first date of the range is refused, the later ones are not tried.
        answer = fresh("backfill", "--from", "2022-12-01", "--to", "2023-02-28", "--every", "month")
        answer.complains(REFUSED, "2022-12-31", "published: none", "2023-01-31", "2023-02-28")
        (line,) = (line for line in answer.out.splitlines() if "rejected" in line)  # all feeds were taken in, and told once
        assert line.startswith("1 row rejected in 1 feed: risk-pipeline quarantine list")
        assert not (fresh.root / "warehouse" / "risk.duckdb").exists()

    def test_a_refused_delivery_stops_a_run_unless_told_otherwise(self, own_copy: Shell) -> None:
        (own_copy.root / "data" / "payments.csv").write_text("Invoice,Customer,Date,Amount\n", encoding="utf-8")
        before = published_dates(own_copy.root)
        own_copy("run", "--as-of", "2024-12-31").complains(REFUSED, "payment", "--use-last-good")
        assert published_dates(own_copy.root) == before
        assert own_copy("run", "--as-of", "2024-12-31", "--use-last-good").code == DONE

    def test_nothing_known_yet_is_refused(self, own_copy: Shell) -> None:
        own_copy("run", "--as-of", "2024-12-31", "--known-at", "2020-01-01").complains(REFUSED, "2019-12-31 23:00 UTC")

    @pytest.mark.parametrize(
        ("command", "word"),
        [
            (["run", "--as-of", (date.today() + timedelta(days=3)).isoformat()], "future"),  # noqa: DTZ011
            (["run", "--as-of", "2024-13-01"], "YYYY-MM-DD"),
            (["run", "--as-of", "2024-11-30", "--known-at", "later"], "--known-at"),
            (["run", "--as-of", "2024-11-30", "--policy", "no-such-version"], "no-such-version"),
            (["backfill", "--from", "2024-01-01", "--to", "2024-03-31", "--every", "week"], "week"),
            (["backfill", "--from", "2024-01-02", "--to", "2024-01-20"], "no month end"),
            (["backfill", "--from", "2024-03-01", "--to", "2024-01-31"], "no month end"),
            (["backfill", "--from", "2024-01-01", "--to", "2999-01-31"], "future"),
        ],
    )
    def test_wrong_usage_exits_2(self, assessed: Shell, command: list[str], word: str) -> None:
        assessed(*command).complains(USAGE, word)

    def test_a_locked_workspace_exits_4_and_names_the_holder(self, own_copy: Shell) -> None:
        with held_by_another_process(own_copy.root) as pid:
            own_copy("run", "--as-of", "2024-12-31").complains(LOCKED, str(pid), "a long assessment")
            own_copy("ingest").complains(LOCKED, str(pid))
            assert own_copy("show", "mart.current_risk").code == DONE  # readers need no lock
        assert own_copy("ingest").code == DONE

    @pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
    def test_a_run_that_is_stopped_says_so_and_leaves_the_workspace_free(self, own_copy: Shell, sent: signal.Signals) -> None:
        command = [sys.executable, "-m", "risk_pipeline.cli", "-w", str(own_copy.root), "run", "--as-of", "2024-12-31"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while not list((own_copy.root / "warehouse" / "lake" / "factor").glob("*/2024-12-31/*.parquet")):
                assert process.poll() is None, process.communicate()
                time.sleep(0.02)
            while process.poll() is None:  # again, like a person: Python swallows a signal that arrives inside a finaliser
                process.send_signal(sent)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(20)
            out, err = process.communicate()
        Answer(process.returncode, out, err).complains(FAILED, "stopped")
        assert published_dates(own_copy.root) == [OCTOBER, NOVEMBER]
        assert own_copy("status", "--json").json()["last_run"]["state"] == "failed"
        assert own_copy("ingest").code == DONE

    def test_a_broken_policy_exits_2_with_file_and_line(self, own_copy: Shell) -> None:
        (own_copy.root / "policy" / "mine.yaml").write_text("schema: 1\nversion: mine\nnonsense: true\n", encoding="utf-8")
        own_copy("run", "--as-of", "2024-12-31").complains(USAGE, "mine.yaml:")
        assert published_dates(own_copy.root) == [OCTOBER, NOVEMBER]


class TestWorkspaces:
    @pytest.mark.parametrize(
        "command",
        [
            ["status"],
            ["ingest"],
            ["run", "--as-of", "2024-11-30"],
            ["backfill", "--from", "2024-01-01", "--to", "2024-02-29"],
            ["show", "mart.current_risk"],
            ["explain", "C1"],
            ["quarantine", "list"],
            ["policy", "lint"],
            ["catalogue", "rebuild"],
        ],
    )
    def test_a_folder_that_is_none_exits_2(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
        Shell(tmp_path, capsys)(*command).complains(USAGE, "not a workspace", "risk-pipeline init")

    @pytest.mark.parametrize(
        "line", ["time_zone: Mars/Olympus", "reporting_currency: euro", "unknown_key: 1", "schedule: sometimes", "]["]
    )
    def test_bad_settings_exit_2_and_name_the_file(self, fresh: Shell, line: str) -> None:
        (fresh.root / "risk.yaml").write_text(line + "\n", encoding="utf-8")
        fresh("status").complains(USAGE, "risk.yaml")

    def test_the_workspace_may_come_from_the_environment(
        self, assessed: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("RISK_WORKSPACE", str(assessed.root))
        assert run(["status"]) == DONE
        assert str(assessed.root) in capsys.readouterr().out.replace("\n", "")

    @pytest.mark.parametrize("command", [["show", "mart.current_risk"], ["explain", "C1"]])
    def test_nothing_published_yet_says_what_to_type(self, fresh: Shell, command: list[str]) -> None:
        fresh(*command).complains(FAILED, "nothing is published yet", "risk-pipeline run --as-of")

    def test_a_new_workspace_has_a_status(self, fresh: Shell) -> None:
        answer = fresh("status")
        assert answer.code == DONE
        assert "nothing is published yet" in answer.out
        assert not (fresh.root / "warehouse" / "register.db").exists()  # looking makes nothing
        assert fresh("status", "--json").json()["published"] is None


class TestReading:
    def test_status(self, assessed: Shell) -> None:
        answer = assessed("status")
        assert "2 dates, newest 2024-11-30" in answer.out
        found = assessed("status", "--json").json()
        assert found["published"]["dates"] == ["2024-10-31", "2024-11-30"]
        assert found["last_run"]["state"] == "published"
        assert sum(tier["customers"] for tier in found["tiers"]) == 5
        assert {feed["feed"]: feed["rows_rejected"] for feed in found["feeds"]} == {"invoice": 1, "payment": 0}

    def test_show_fits_eighty_columns(self, assessed: Shell) -> None:
        for table in (
            "mart.current_risk",
            "factor.exposure",
            "factor.open_item",
            "feed.invoice",
            "audit.run",
            "audit.check_result",
        ):
            answer = assessed("show", table)
            assert answer.code == DONE, answer.err
            assert max(map(len, answer.out.splitlines())) <= 80, answer.out

    def test_show_as_json_is_the_table(self, assessed: Shell) -> None:
        found = assessed("show", "factor.exposure", "--as-of", "2024-10-31", "--json").json()
        assert found["table"] == "factor.exposure"
        assert found["as_of"] == "2024-10-31"
        assert [row["customer_id"] for row in found["rows"]] == ["C1", "C2", "C3", "C4", "C5"]
        by_customer = {row["customer_id"]: Decimal(row["open_exposure"]) for row in found["rows"]}
        assert by_customer["C3"] == Decimal("1307.08") + Decimal("1344.09") + Decimal("1381.10")

    def test_show_as_csv(self, assessed: Shell) -> None:
        answer = assessed("show", "mart.current_risk", "--csv", "--columns", "customer_id,tier,hold")
        rows = list(csv.DictReader(io.StringIO(answer.out)))
        assert [row["customer_id"] for row in rows] == ["C1", "C2", "C3", "C4", "C5"]
        assert list(rows[0]) == ["customer_id", "tier", "hold"]

    def test_show_limits_and_says_so(self, assessed: Shell) -> None:
        answer = assessed("show", "mart.current_risk", "--limit", "2", "--columns", "customer_id")
        assert "the first 2 rows" in answer.out
        assert assessed("show", "mart.current_risk", "--limit", "2", "--json").json()["truncated"] is True
        assert assessed("show", "mart.current_risk", "--limit", "5", "--json").json()["truncated"] is False

    def test_show_one_customer_stands_upright(self, assessed: Shell) -> None:
        answer = assessed("show", "decision.credit_limit", "--customer", "C3")
        assert "binding_method" in answer.out

    @pytest.mark.parametrize(
        ("command", "words"),
        [
            (["show", "mart.curent_risk"], ["did you mean mart.current_risk"]),
            (["show", "current_risk"], ["mart.current_risk"]),
            (["show", "mart.current_risk", "--columns", "tier,colour"], ["colour"]),
            (["show", "mart.current_risk", "--columns", "tier; DROP TABLE x"], ["DROP TABLE"]),
            (["show", "factor.exposure", "--as-of", "2024-09-30"], ["not published", "2024-11-30"]),
            (["show", "feed.invoice", "--as-of", "2024-11-30"], ["no assessment date"]),
            (["show", "feed.fx_rate", "--customer", "C1"], ["no customers"]),
            (["show", "mart.current_risk", "--csv", "--json"], ["--csv and --json"]),
            (["explain", "NOBODY"], ["NOBODY"]),
            (["explain", "C1", "--as-of", "2024-09-30"], ["not published"]),
            (["quarantine", "list", "dispute"], ["dispute"]),
        ],
    )
    def test_a_wrong_question_exits_2(self, assessed: Shell, command: list[str], words: list[str]) -> None:
        assessed(*command).complains(USAGE, *words)

    def test_explain_reads_like_a_memo(self, assessed: Shell) -> None:
        answer = assessed("explain", "C3")
        assert answer.code == DONE
        for expected in (
            "Credit assessment 信用评估报告",
            "Restricted 限制类",
            "What cost most points",
            "How the limit came about",
            "C3-202408",
            "<- decides",
        ):
            assert expected in answer.out
        assert max(len(line) for line in answer.out.splitlines()) <= 80

    def test_explain_in_one_language(self, own_copy: Shell) -> None:
        settings = own_copy.root / "risk.yaml"
        settings.write_text(settings.read_text(encoding="utf-8").replace("language: both", "language: en"), encoding="utf-8")
        english = own_copy("explain", "C3").out
        settings.write_text(settings.read_text(encoding="utf-8").replace("language: en", "language: zh"), encoding="utf-8")
        chinese = own_copy("explain", "C3").out
        assert "Restricted" in english
        assert not any("\u4e00" <= letter <= "\u9fff" for letter in english)
        assert "限制类" in chinese
        assert "Restricted" not in chinese

    def test_explain_as_json_has_everything(self, assessed: Shell) -> None:
        found = assessed("explain", "C3", "--as-of", "2024-10-31", "--json").json()
        assert found["as_of"] == "2024-10-31"
        assert found["tier"]["tier"] in ("high", "restricted")
        assert sum(Decimal(item["open_amount"]) for item in found["open_items"]) == Decimal(found["exposure"]["open_exposure"])
        assert [row["is_binding"] for row in found["candidates"]].count(True) == 1
        assert isinstance(found["candidates"][0]["inputs"], dict)
        ranks = [row["reason_rank"] for row in found["contributions"] if row["reason_rank"] is not None]
        assert ranks == sorted(ranks)

    def test_quarantine_names_rule_value_and_line(self, assessed: Shell) -> None:
        found = assessed("quarantine", "list", "--json").json()
        assert found["rejections"] == 1
        (row,) = found["rows"]
        assert (row["feed"], row["column_name"], row["value_text"]) == ("invoice", "invoice_date", "2024-13-01")
        lines = (assessed.root / "data" / "invoices.csv").read_text(encoding="utf-8").splitlines()
        assert "C9-broken" in lines[row["source_line"] - 1]
        assert "2024-13-01" in assessed("quarantine", "list", "invoice").out

    def test_policy_lint(self, own_copy: Shell) -> None:
        assert own_copy("policy", "lint").code == DONE
        mine = own_copy.root / "policy" / "mine.yaml"
        mine.write_text("schema: 1\nversion: mine\nnonsense: true\n", encoding="utf-8")
        answer = own_copy("policy", "lint")
        answer.complains(USAGE, "errors")
        assert f"{mine}:3: error" in answer.out.replace("\n", "")
        assert own_copy("policy", "lint", str(mine)).code == USAGE
        assert own_copy("policy", "lint", "--json").code == USAGE

    def test_dictionary(self, assessed: Shell, tmp_path: Path) -> None:
        target = tmp_path / "dictionary.md"
        assert assessed("dictionary", "--write", str(target)).code == DONE
        assert target.read_text(encoding="utf-8") == assessed("dictionary").out
        tables = {table["table"] for table in assessed("dictionary", "--json").json()["tables"]}
        assert "mart.current_risk" in tables
        assessed("dictionary", "--write", str(tmp_path / "no" / "folder.md")).complains(FAILED, "folder.md")

    def test_a_moved_workspace_is_found_again(
        self, assessed_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        first, moved = tmp_path / "first", tmp_path / "moved"
        shutil.copytree(assessed_root, first)
        shell = Shell(first, capsys)
        assert shell("catalogue", "rebuild").code == DONE
        first.rename(moved)
        shell = Shell(moved, capsys)
        shell("show", "mart.current_risk").complains(FAILED, "catalogue rebuild")
        shell("explain", "C3").complains(FAILED, "catalogue rebuild")
        assert shell("catalogue", "rebuild").code == DONE
        assert shell("show", "mart.current_risk").code == DONE

    def test_a_reader_may_leave_early(self, assessed: Shell) -> None:
        command = f"{sys.executable} -m risk_pipeline.cli -w {assessed.root} dictionary | head -1"
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
        assert done.returncode == DONE
        assert done.stderr == ""


def test_every_run_is_in_the_register_with_its_end(assessed: Shell) -> None:
    with Register.open(Workspace.load(assessed.root).register_url) as register:
        assert {run.state for run in register.runs()} == {"published"}
