"""Feeds read from a real PostgreSQL and SQLite: exact values, the cursor, a source that is only read, no secret told."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from risk_pipeline.errors import UsageError
from risk_pipeline.feeds.sql_connection import Words
from risk_pipeline.pipeline.ingest import refusal
from risk_pipeline.pipeline.revoke import revoke
from tests.ingest_support import Bench

COLUMNS: dict[str, dict[str, Any]] = {
    "invoice_id": {"from": "id"},
    "customer_id": {"from": "customer"},
    "invoice_date": {"from": "day"},
    "amount": {"from": "amount"},
    "currency": {"value": "EUR"},
}
CREATE = "CREATE TABLE invoice_lines (id VARCHAR(20), customer VARCHAR(20), day DATE, amount NUMERIC(18,2), changed TIMESTAMP)"
ROWS = [
    ("1", "A", "2024-01-31", "10.50", "2024-02-01 08:00:00"),
    ("2", "B", "2024-02-29", "9999999999999999.99", "2024-02-01 08:00:00.000001"),
    ("3", "A", "2024-03-31", "-0.10", "2024-02-02 09:30:00"),
]
EXPECTED = [("1", "A", "2024-01-31", "10.50"), ("2", "B", "2024-02-29", "9999999999999999.99"), ("3", "A", "2024-03-31", "-0.10")]
STORED = "invoice_id, customer_id, CAST(invoice_date AS VARCHAR), CAST(amount AS VARCHAR)"


class Database:
    """A database of the test, written to directly; `url` is what the feed is told by an environment variable."""

    def __init__(self, url: str) -> None:
        self.url = url
        # SQLite keeps numbers as doubles: amounts that must be exact are kept as text there.
        self.is_sqlite = url.startswith("sqlite")
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)

    def do(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def insert(self, *rows: tuple[str | None, ...], table: str = "invoice_lines") -> None:
        for row in rows:
            self.do(f"INSERT INTO {table} VALUES ({', '.join('NULL' if v is None else repr(v) for v in row)})")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite")
    found = Database(request.getfixturevalue("postgres_url"))
    found.do(CREATE)
    found.insert(*ROWS)
    return found


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    """For what no database decides."""
    found = Database(f"sqlite:///{tmp_path / 'erp.db'}")
    found.do(CREATE.replace("NUMERIC(18,2)", "TEXT").replace("DATE", "TEXT").replace("TIMESTAMP", "TEXT"))
    found.insert(*ROWS)
    return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "w")
    yield made
    made.close()


@pytest.fixture
def told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    """Write the feed into the workspace, its URL in ERP_URL; by default the invoices of the table."""

    def tell(
        address: str, /, feed: str = "invoice", columns: dict[str, Any] | None = None, delivery: str = "snapshot", **source: Any
    ) -> Bench:
        monkeypatch.setenv("ERP_URL", address)
        keys = {"kind": "sql", "url": "env:ERP_URL", **source}
        if "query" not in keys and "table" not in keys:
            keys["table"] = "invoice_lines"
        bench.feed(feed, columns=columns or COLUMNS, source=keys, delivery=delivery, assertions={"rows_min": 1})
        return bench

    return tell


Told = Callable[..., Bench]


def refused(bench: Bench) -> str:
    """What the refusal says, remedy included."""
    result = bench.one()
    assert result.state == "refused"
    error = refusal([result])
    assert error is not None
    assert error.remedy
    return str(error)


# What is read


@pytest.mark.parametrize("source", [{"table": "invoice_lines"}, {"query": "SELECT * FROM invoice_lines ORDER BY id;"}])
def test_a_table_or_query_is_read_with_exact_values(database: Database, told: Told, source: dict[str, str]) -> None:
    bench = told(database.url, **source)
    result = bench.one()
    assert (result.state, result.message) == ("effective", "")
    assert bench.rows(columns=STORED) == EXPECTED
    assert bench.rows(columns="source_file, source_line") == [("sql:invoice", 1), ("sql:invoice", 2), ("sql:invoice", 3)]


def test_an_unchanged_snapshot_is_a_no_op_and_a_changed_one_closes_what_is_gone(sqlite: Database, told: Told) -> None:
    bench = told(sqlite.url, query="SELECT * FROM invoice_lines ORDER BY id")
    assert bench.one().state == "effective"
    assert bench.one().state == "no_op"
    sqlite.do("DELETE FROM invoice_lines WHERE id = '2'")
    sqlite.do("UPDATE invoice_lines SET amount = '11.00' WHERE id = '1'")
    changed = bench.one()
    assert changed.counts["rows_closed"] == 2
    assert bench.rows(columns="invoice_id, CAST(amount AS VARCHAR)", where="open ORDER BY invoice_id --") == [
        ("1", "11.00"),
        ("3", "-0.10"),
    ]


def test_bad_values_are_quarantined_with_their_row_number_and_only_the_columns_that_are_read(
    database: Database, told: Told
) -> None:
    database.insert(("4", None, "2024-04-30", "1.00", "2024-02-03 00:00:00"))
    bench = told(database.url, query="SELECT * FROM invoice_lines ORDER BY id")
    assert bench.one().counts["rows_rejected"] == 1
    assert bench.quarantine() == [(4, "customer_missing", "customer_id", None)]
    assert bench.quarantine("source_file, row_json") == [
        ("sql:invoice", '{"id":"4","customer":null,"day":"2024-04-30","amount":"1.00"}')
    ]


def test_signs_in_a_query_stand_for_themselves(database: Database, told: Told) -> None:
    query = "-- changes: 100%\nSELECT id || ':x%(since)s' AS id, customer, day, amount FROM invoice_lines WHERE id LIKE '%1'"
    for cursor in ({}, {"cursor": {"column": "id"}}):
        bench = told(database.url, query=query, delivery="append", **cursor)
        assert bench.one().state == "effective"
        assert bench.rows(columns="invoice_id", where="open") == [("1:x%(since)s",)]


def test_every_kind_of_postgresql_value_has_one_text(postgres_url: str, told: Told) -> None:
    columns = {
        "customer_id": {"from": "uid"},
        "name": {"from": "stamp"},
        "natural_person": {"from": "flag"},
        "established_date": {"from": "stamp2", "format": "%d.%m.%Y"},
        "contracted_terms_days": {"from": "n"},
        "address": {"from": "huge"},
        "phone": {"from": "tiny"},
        "email": {"from": "clock"},
    }
    query = (
        "SELECT '6f1a2b3c-0000-4000-8000-000000000001'::uuid AS uid, timestamp '2024-02-29 23:59:59.000001' AS stamp,"
        " true AS flag, timestamp '2024-02-29 23:59:59' AS stamp2, 30::smallint AS n, 1e20::float8 AS huge, 0.1::float8 AS tiny,"
        " time '08:05' AS clock"
    )
    bench = told(postgres_url, "customer", columns, query=query)
    assert bench.one().state == "effective"
    wanted = "customer_id, name, natural_person, CAST(established_date AS VARCHAR), contracted_terms_days, address, phone, email"
    assert bench.rows("customer", wanted) == [
        (
            "6f1a2b3c-0000-4000-8000-000000000001",
            "2024-02-29 23:59:59.000001",
            True,
            "2024-02-29",
            30,
            "100000000000000000000",
            "0.1",
            "08:05:00",
        )
    ]


def test_a_time_with_a_zone_is_refused_until_the_zone_is_said(postgres_url: str, told: Told) -> None:
    query = "SELECT '1' AS id, 'A' AS customer, timestamptz '2024-01-31 23:30:00+00' AS day, 1.00 AS amount"
    bench = told(postgres_url, query=query)
    message = refused(bench)
    assert "row 1: day is a time with a zone" in message
    assert "time_zone" in message
    bench = told(postgres_url, query=query, time_zone="Asia/Shanghai")
    assert bench.one().state == "effective"
    assert bench.rows(columns="CAST(invoice_date AS VARCHAR)") == [("2024-02-01",)]


@pytest.mark.parametrize(
    ("value", "kind"), [("decode('00ff', 'hex')", "bytes"), ("array['A', 'B']", "list"), ("'{\"a\": 1}'::jsonb", "dict")]
)
def test_a_value_without_one_text_is_refused_where_it_is_mapped(postgres_url: str, told: Told, value: str, kind: str) -> None:
    query = f"SELECT '1' AS id, {value} AS customer, date '2024-01-31' AS day, 1.00 AS amount"
    assert f"row 1: customer holds {kind}, which has no one text" in refused(told(postgres_url, query=query))
    harmless = f"SELECT '1' AS id, 'A' AS customer, date '2024-01-31' AS day, 1.00 AS amount, {value} AS picture"
    assert told(postgres_url, query=harmless).one().state == "effective"


# The cursor


def test_each_ingest_goes_on_where_the_last_one_ended_and_loses_no_equal_value(database: Database, told: Told) -> None:
    bench = told(database.url, delivery="upsert", cursor={"column": "changed", "start": "2024-02-01 08:00:00"})
    first = bench.one()
    assert first.delivery.files[0]["cursor"] == {
        "column": "changed",
        "from": "2024-02-01 08:00:00",
        "to": "2024-02-02 09:30:00",
    }
    assert bench.one().counts["rows_read"] == 1  # the last one again, unchanged
    assert bench.one().state == "no_op"
    database.insert(("4", "C", "2024-04-30", "7.00", "2024-02-02 09:30:00"))  # as old as the newest that was read
    database.do("UPDATE invoice_lines SET amount = '12.00', changed = '2024-02-05 00:00:00' WHERE id = '1'")
    third = bench.one()
    assert {name: third.counts[name] for name in ("rows_read", "rows_unchanged", "rows_stored", "rows_closed")} == {
        "rows_read": 3,
        "rows_unchanged": 1,
        "rows_stored": 2,
        "rows_closed": 1,
    }
    assert bench.rows(columns="invoice_id, CAST(amount AS VARCHAR)", where="open ORDER BY invoice_id --") == [
        ("1", "12.00"),
        ("2", "9999999999999999.99"),
        ("3", "-0.10"),
        ("4", "7.00"),
    ]


def test_the_first_load_begins_at_start_and_rows_without_a_cursor_value_are_always_read(database: Database, told: Told) -> None:
    database.insert(("4", "C", "2024-04-30", "7.00", None))
    query = "SELECT id, customer, day, amount, changed FROM invoice_lines"
    bench = told(database.url, query=query, delivery="append", cursor={"column": "changed", "start": "2024-02-02 00:00:00"})
    assert bench.one().counts["rows_stored"] == 2
    assert bench.rows(columns="invoice_id", where="open ORDER BY invoice_id --") == [("3",), ("4",)]
    assert bench.one().state == "no_op"  # both again


def test_a_row_that_becomes_again_what_it_was_is_seen(sqlite: Database, told: Told) -> None:
    bench = told(sqlite.url, delivery="upsert", cursor={"column": "changed"})
    bench.one()
    for day, amount in ((5, "12.00"), (6, "-0.10"), (7, "12.00")):
        sqlite.do(f"UPDATE invoice_lines SET amount = '{amount}', changed = '2024-02-0{day} 00:00:00' WHERE id = '3'")
        assert bench.one().counts["rows_stored"] == 1
        assert bench.rows(columns="CAST(amount AS VARCHAR)", where="open AND invoice_id = '3'") == [(amount,)]


@pytest.mark.parametrize("revoked", [0, 1])
def test_what_a_revoked_delivery_brought_is_read_again(sqlite: Database, told: Told, revoked: int) -> None:
    bench = told(sqlite.url, delivery="upsert", cursor={"column": "changed", "start": "2024-01-01 00:00:00"})
    ids = [bench.one().delivery.delivery_id]
    for number in ("4", "5"):
        sqlite.insert((number, "C", "2024-04-30", "7.00", f"2024-02-0{number} 00:00:00"))
        ids.append(bench.one().delivery.delivery_id)
    revoke(bench.workspace, bench.register, ids[revoked], by="a person", reason="a test", now=bench.now + timedelta(hours=1))
    again = bench.one()
    assert again.delivery.files[0]["cursor"]["from"] == ["2024-01-01 00:00:00", "2024-02-02 09:30:00"][revoked]
    assert bench.rows(columns="invoice_id", where="open ORDER BY invoice_id --") == [(each,) for each in "12345"]
    assert bench.one().counts["rows_read"] == 1  # the gap is closed


def test_another_mapping_reads_everything_again(sqlite: Database, told: Told) -> None:
    cursor = {"column": "changed", "start": "2024-01-01 00:00:00"}
    assert told(sqlite.url, delivery="upsert", cursor=cursor).one().counts["rows_read"] == 3
    columns = {**COLUMNS, "terms_code": {"value": "N30"}}
    assert told(sqlite.url, columns=columns, delivery="upsert", cursor=cursor).one().counts["rows_stored"] == 3


def test_a_source_without_new_rows_is_no_refusal(sqlite: Database, told: Told) -> None:
    bench = told(sqlite.url, delivery="upsert", cursor={"column": "changed"})
    assert bench.one().state == "effective"
    sqlite.do("DELETE FROM invoice_lines")
    result = bench.one()
    assert (result.state, result.message) == ("no_op", "the source has no row beyond the cursor")


def test_a_whole_number_is_a_cursor_in_its_own_order(database: Database, told: Told) -> None:
    database.do("CREATE TABLE numbered (id VARCHAR(20), customer VARCHAR(20), day VARCHAR(10), amount VARCHAR(20), n INTEGER)")
    database.insert(("1", "A", "2024-01-31", "1.00", "9"), ("2", "A", "2024-01-31", "2.00", "10"), table="numbered")
    query = "SELECT id, customer, day, amount, n + 0 AS n FROM numbered"
    bench = told(database.url, query=query, delivery="upsert", cursor={"column": "n", "start": "2"})
    assert bench.one().delivery.files[0]["cursor"]["to"] == "10"
    database.insert(("3", "A", "2024-01-31", "3.00", "11"), table="numbered")
    assert bench.one().counts["rows_read"] == 2
    bench = told(database.url, query=query, delivery="upsert", cursor={"column": "n", "start": "yesterday"})
    assert "yesterday" in refused(bench)


# What is refused

PASSWORD = "hunter2!secret"


def test_a_missing_table_or_column_is_named(database: Database, told: Told) -> None:
    assert "no table or view invoice_line that" in refused(told(database.url, table="invoice_line"))
    assert "nothing_here" in refused(told(database.url, query="SELECT * FROM nothing_here"))
    assert "source.query" in refused(told(database.url, query="SELECT nothing_here FROM invoice_lines"))
    columns = {**COLUMNS, "due_date": {"from": "dey"}}
    for source in ({"table": "invoice_lines"}, {"query": "SELECT * FROM invoice_lines"}):
        message = refused(told(database.url, columns=columns, **source))
        assert "no column 'dey'; the source has id, customer, day, amount, changed" in message
        assert "did you mean 'day'?" in message
    bench = told(database.url, delivery="upsert", cursor={"column": "updated"})
    assert "no column 'updated'" in refused(bench)
    bench = told(database.url, query="SELECT * FROM invoice_lines", delivery="upsert", cursor={"column": "updated"})
    assert "updated" in refused(bench)
    twice = "SELECT id, customer, day, amount, customer || 'x' AS customer FROM invoice_lines"
    assert "more than once" in refused(told(database.url, query=twice))


def test_a_query_that_writes_is_refused_and_writes_nothing(postgres_url: str, told: Told) -> None:
    database = Database(postgres_url)
    database.do(CREATE)
    database.do(
        "CREATE FUNCTION wipe() RETURNS text LANGUAGE sql VOLATILE AS $$ WITH gone AS (DELETE FROM invoice_lines RETURNING id)"
        " SELECT max(id) FROM gone $$"
    )
    database.insert(*ROWS)
    columns = "'A' AS customer, date '2024-01-31' AS day, 1.00 AS amount"
    for query in (
        f"WITH gone AS (DELETE FROM invoice_lines RETURNING id) SELECT id, {columns} FROM gone",
        f"SELECT wipe() AS id, {columns}",
        f"SELECT '1' AS id, {columns}; DELETE FROM invoice_lines",
        f"SELECT '1' AS id, {columns}; COMMIT; DELETE FROM invoice_lines",
    ):
        assert "cannot be read" in refused(told(postgres_url, query=query))
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM invoice_lines").scalar() == 3


def test_sqlite_is_opened_for_reading_and_a_missing_file_is_not_made(tmp_path: Path, told: Told) -> None:
    path = tmp_path / "missing.db"
    assert "the database cannot be reached" in refused(told(f"sqlite:///{path}"))
    assert not path.exists()
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    assert "file is not a database" in refused(told(f"sqlite:///{path}"))


@pytest.mark.parametrize("query", ["DELETE FROM invoice_lines", "-- now\nUPDATE invoice_lines SET id = '1'", "DROP TABLE x"])
def test_a_statement_that_is_no_query_is_a_mistake_of_the_yaml(told: Told, query: str) -> None:
    with pytest.raises(UsageError, match=r"invoice.yaml:\d+: source: query: begins with SELECT or WITH"):
        told("sqlite:////nowhere.db", query=query).ingest()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"url": f"postgresql://u:{PASSWORD}@h/d"}, "as a reference env:NAME or file:PATH"),
        ({"query": "SELECT 1", "table": "t"}, "exactly one of query and table"),
        ({"path": "a.csv"}, "path goes with `kind: file`"),
        ({"cursor": {"column": "c"}}, "by upsert or append"),
        ({"time_zone": "Mars/Olympus"}, "IANA time zone"),
    ],
)
def test_a_wrong_source_is_told_with_its_line_and_without_the_secret(told: Told, source: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        told("sqlite:////nowhere.db", **source).ingest()
    assert "invoice.yaml:" in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_query_that_takes_too_long_is_refused(postgres_url: str, tmp_path: Path, told: Told) -> None:
    slow = "SELECT '1' AS id, 'A' AS customer, '2024-01-31' AS day, CAST(pg_sleep(9) AS text) AS amount"
    assert "statement timeout" in refused(told(postgres_url, query=slow, timeout_seconds=1))
    database = Database(f"sqlite:///{tmp_path / 'erp.db'}")
    database.do("CREATE TABLE one (n)")
    slow = (
        "WITH RECURSIVE endless(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless)"
        " SELECT count(*) AS id, 'A' AS customer, '2024-01-31' AS day, 1 AS amount FROM endless"
    )
    message = refused(told(database.url, query=slow, timeout_seconds=1))
    assert "interrupted" in message
    assert "timeout_seconds" in message


@pytest.mark.parametrize("change", [{"port": 1}, {"username": "nobody"}, {"database": "nothing"}])
def test_no_secret_leaves_the_program(
    postgres_server: str, bench: Bench, told: Told, change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with_password = sa.make_url(postgres_server).set(**{"password": PASSWORD, **change})
    told(with_password.render_as_string(hide_password=False))
    message = refused(bench)
    assert "the database cannot be reached" in message
    [delivery] = bench.register.deliveries()
    assert PASSWORD not in message + caplog.text + repr(delivery)
    for path in bench.workspace.root.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:a@{PASSWORD}@127.0.0.1:1/d",
        f"postgresql://u:{PASSWORD}:x@127.0.0.1:{PASSWORD}/d",
        PASSWORD,
        f"{PASSWORD}://u@h/d",
        "",
        "sqlite://",
    ],
)
def test_a_malformed_url_is_not_repeated(told: Told, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        told(url).ingest()
    assert "env:ERP_URL" in str(caught.value)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.fixture
def locked(postgres_server: str) -> Iterator[sa.URL]:
    """A role that must give its password, and may not see much; the server is one of our own."""
    admin = sa.create_engine(
        sa.make_url(postgres_server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with admin.connect() as connection:
        path = Path(str(connection.exec_driver_sql("SHOW hba_file").scalar()))
        if not path.is_file():
            pytest.skip("the rules of that server are not here to be changed")
        before = path.read_text()
        path.write_text(f"local all locked scram-sha-256\nhost all locked all scram-sha-256\n{before}")
        connection.exec_driver_sql(f"CREATE ROLE locked LOGIN PASSWORD '{PASSWORD}'")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
        time.sleep(0.5)  # the server takes the rules up in its own time
        yield sa.make_url(postgres_server).set(username="locked", password=PASSWORD)
        path.write_text(before)
        connection.exec_driver_sql("SELECT pg_reload_conf()")
        connection.exec_driver_sql("DROP ROLE locked")


def test_a_wrong_password_and_a_missing_right_are_said_as_such(locked: sa.URL, told: Told) -> None:
    wrong = refused(told(locked.set(password="not" + PASSWORD).render_as_string(hide_password=False)))
    assert "password authentication failed" in wrong
    assert "check user and password in the secret" in wrong
    right = refused(told(locked.render_as_string(hide_password=False), query="SELECT rolpassword AS id FROM pg_authid"))
    assert "permission denied" in right
    assert "grant the user" in right
    assert PASSWORD not in wrong + right


def test_words_of_a_driver_lose_every_secret_of_the_url() -> None:
    url = sa.make_url(f"postgresql+psycopg://u:{PASSWORD}@h/d?options=-cgeheim%3D1")
    told = str(Words("sql:invoice", url).refused("x", Exception(f"odd: {PASSWORD} {quote(PASSWORD, safe='')} -cgeheim=1")))
    assert "odd: *** *** ***" in told
    assert "not shown" in str(Words("s", url.set(password="u")).refused("x", Exception("fault")))


def test_a_date_beyond_every_calendar_is_refused_in_words(postgres_url: str, told: Told) -> None:
    query = "SELECT '1' AS id, 'A' AS customer, date 'infinity' AS day, 1.00 AS amount"
    message = refused(told(postgres_url, query=query))
    assert "infinity" in message
    assert "mend such days in source.query" in message
