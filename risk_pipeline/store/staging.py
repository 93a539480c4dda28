"""One delivery on its way into the feed store: rows set aside, duplicates and versions settled as sets, then one part.

Put here: the spool, the SQL that compares a delivery with itself and with what is stored, the sorted write. Keep out: which
deliveries count (feed_store, register) and what a cell means (feeds). Nothing here touches the lake before `write`.

Memory stays flat: the spool keeps one file per chunk with one record batch per bucket, keys are compared in slices of
KEYS_AT_ONCE by hash, and parts are written in bucket ranges of about ROWS_AT_ONCE rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from risk_pipeline.contracts import STORE_COLUMNS, Column, Table
from risk_pipeline.contracts.derive import arrow_type
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.store.claims import AFFIRMED, HELD, Claims, write_ids
from risk_pipeline.store.lake import Lake

BUCKETS = 32
ROW_GROUP = 32_768
ROWS_AT_ONCE = 200_000
KEYS_AT_ONCE = 1_000_000
ROW_ID_SHIFT = 40

SEQ, LINE, FILE, FOLLOWS = "#seq\x1f", "#line\x1f", "#file", "#follows"
CLOSURES = pa.schema([("row_id", pa.int64()), ("known_to", pa.timestamp("us")), ("delivery_id", pa.int64())])

# What becomes of a good row of a delivery; the new and the superseding ones are stored.
NEW, REPEATED, DUPLICATE, UNCHANGED, SUPERSEDES, SUPERSEDED = 0, 1, 2, 3, 4, 5
FATES = 6

Mode = Literal["snapshot", "upsert", "append"]
Duplicates = Literal["reject", "first", "last", "most_frequent"]

# Which of several versions of a key in one delivery is kept. `most_frequent` breaks ties by content, not by position.
_FIRST_IS_KEPT = {"reject": "first_seq", "first": "first_seq", "last": "last_seq DESC", "most_frequent": "n DESC, rh"}


@dataclass(frozen=True)
class Settlement:
    """What a delivery amounts to. `repeated`: further copies of a row, and losers under a `duplicates` rule; `duplicate`:
    rejected for their key; `open_before`: open rows of the feed until now; `valid`: distinct valid rows delivered;
    `superseded` (replays only): rejected because a later delivery says something else about their key; `affirmed`, `held`:
    how many rows or keys write_affirmed and write_held would write.
    """

    repeated: int
    duplicate: int
    unchanged: int
    stored: int
    closed: int
    open_before: int
    superseded: int = 0
    affirmed: int = 0
    held: int = 0

    @property
    def valid(self) -> int:
        return self.unchanged + self.stored


@dataclass(frozen=True)
class Knowledge:
    """When the rows of a delivery were known: `now` (aware, UTC), or the end of the day in `column` plus `plus_days`, in
    `zone`, where that is earlier. A row that follows an earlier version was known `now`.
    """

    now: datetime
    column: str | None = None
    plus_days: int = 0
    zone: str = "UTC"


def part_schema(target: Table) -> pa.Schema:
    """Arrow schema of a part: the columns of the contract, then those of the store."""
    held = (*target.columns, *STORE_COLUMNS)
    return pa.schema([pa.field(c.name, arrow_type(c.kind), nullable=not c.required) for c in held])


def identity_sql(target: Table, mapped: Sequence[Column]) -> dict[str, str]:
    """`row_hash`, `key_hash` and `bucket` of a row, as DuckDB SQL over the canonical column names.

    row_hash: 63 bits of md5 over `name=value` of the mapped columns that hold one, so that mapping a further, empty column
    changes no row. bucket: md5(customer_id), first 8 hex digits, modulo 32. md5_number has the bytes of the digest in reverse
    order, and is four times as fast as md5_number_upper.
    """
    has_customer = any(column.name == "customer_id" for column in mapped)
    return {
        "row_hash": _md5_63(mapped),
        "key_hash": key_hash_sql(target),
        "bucket": f'CAST((md5_number("customer_id") >> 24) & {BUCKETS - 1} AS BIGINT)' if has_customer else "CAST(0 AS BIGINT)",
    }


def key_hash_sql(target: Table) -> str:
    """The hash of the key; 63 bits, so two of 20M keys meet with a chance of 1 in 50,000."""
    return _md5_63([target.column(name) for name in target.key])


def all_rows_sql(paths: Sequence[Path], closures: Sequence[Path]) -> str:
    """Every stored row of a feed with `open`: no delivery has closed it. known_to is filled from the closures."""
    parts = f"read_parquet({_files(paths)}, union_by_name = true)"
    if not closures:
        return f"SELECT *, known_to IS NULL AS open FROM {parts}"
    return (
        "SELECT p.* REPLACE (coalesce(p.known_to, c.known_to) AS known_to), p.known_to IS NULL AND c.row_id IS NULL AS open"
        f" FROM {parts} p LEFT JOIN (SELECT row_id, known_to FROM read_parquet({_files(closures)})) c ON c.row_id = p.row_id"
    )


def write_part(lake: Lake, path: Path, target: Table, tables: Iterator[pa.Table]) -> int:
    """Write rows in the order they come, atomically; returns how many."""
    schema = part_schema(target)
    # A dictionary of values that hardly repeat only costs time and space.
    distinct = {"row_id", "row_hash", "source_line", *(target.key if len(target.key) == 1 else ())}
    rows = 0
    few_values = [name for name in schema.names if name not in distinct]
    with (
        lake.write_atomic(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=few_values) as writer,
    ):
        for each in _ahead(tables):
            writer.write_table(each.select(schema.names).cast(schema), row_group_size=ROW_GROUP)
            rows += len(each)
    return rows


def write_closures(lake: Lake, path: Path, row_ids: pa.Array, delivery_id: int, now: datetime) -> None:
    """Write that a delivery closed these rows at `now`."""
    known_to = pa.array(np.full(len(row_ids), np.datetime64(naive(now), "us")))
    delivery = pa.array(np.full(len(row_ids), delivery_id, dtype=np.int64))
    with lake.write_atomic(path) as temporary:
        pq.write_table(pa.table([row_ids, known_to, delivery], schema=CLOSURES), temporary, compression="zstd")


def _ahead(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same tables, the next one being made in a thread while the caller works on one."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        following = pool.submit(next, tables, None)
        while (each := following.result()) is not None:
            following = pool.submit(next, tables, None)
            yield each


def bucket_ranges(rows_by_bucket: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges [first, last] of buckets with about ROWS_AT_ONCE rows each, in order; one bucket is never cut."""
    first, rows = 0, 0
    for bucket, count in enumerate(rows_by_bucket):
        if rows and rows + count > ROWS_AT_ONCE:
            yield first, bucket - 1
            first, rows = bucket, 0
        rows += count
    yield first, len(rows_by_bucket) - 1


class Staging:
    """The rows of one delivery until it is written. `add` in file order, `settle` once, then `write`.

    `con`: a DuckDB for this delivery alone. `history`: parts and closures of the feed so far. `work`: a folder thrown away
    afterwards.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        target: Table,
        mapped: Sequence[Column],
        history: tuple[Sequence[Path], Sequence[Path]],
        work: Path,
    ) -> None:
        self._con = con
        self._target = target
        self._mapped = tuple(mapped)
        self._paths, self._closures = history
        self._work = work
        self._chunks: list[tuple[Path, list[int]]] = []
        self._keys: list[Path] = []
        self._rows_by_bucket = np.zeros(BUCKETS, dtype=np.int64)
        self._seen = 0
        # By running number, so one byte a row; the hashes stay in files.
        self._fate = np.zeros(0, dtype=np.uint8)
        con.execute("CREATE TABLE held (kh BIGINT)")
        con.execute("CREATE TABLE away (seq BIGINT)")
        con.execute("CREATE TABLE closing (row_id BIGINT)")
        con.execute("CREATE TABLE affirmed (row_id BIGINT)")

    def add(self, rows: pa.Table, held: pa.Array, file_number: int) -> None:
        """Set good rows aside: mapped columns, SEQ, LINE and the identity columns. `held`: key hashes of rejected rows, whose
        stored versions a snapshot must not close.
        """
        if len(held):
            self._insert("held", pa.table({"kh": held}))
        if not len(rows):
            return
        number = len(self._chunks)
        self._keys.append(self._work / f"{number:06d}.keys.parquet")
        keys = pa.table({"seq": rows[SEQ], "kh": rows["key_hash"], "rh": rows["row_hash"]})
        pq.write_table(keys, self._keys[-1], compression="none", use_dictionary=False)
        self._seen = max(self._seen, pc.max(rows[SEQ]).as_py() + 1)
        rows = rows.append_column(FILE, pa.array(np.full(len(rows), file_number, dtype=np.int32))).drop_columns("key_hash")
        buckets = rows.column("bucket").to_numpy()
        counts = np.bincount(buckets, minlength=BUCKETS)
        self._rows_by_bucket += counts
        path = self._work / f"{number:06d}.arrow"
        _write_buckets(path, rows.take(pa.array(np.argsort(buckets, kind="stable"))).combine_chunks(), counts.tolist())
        self._chunks.append((path, counts.tolist()))

    def settle(
        self, mode: Mode, duplicates: Duplicates, replay: tuple[Claims, int] | None = None, spare: str | None = None
    ) -> Settlement:
        """Decide the fate of every row: against the delivery itself, then against what is stored.

        `spare`: the stored rows a snapshot does not speak for, as SQL over the columns of the feed and the store; they stay.
        `replay`: the rows belong to that earlier delivery of the feed; what it, or one after it, says about a key stands.
        """
        self._fate = np.zeros(self._seen, dtype=np.uint8)
        open_before = 0
        if self._keys:
            self._con.execute(f"CREATE VIEW keys AS SELECT * FROM read_parquet({_files(self._keys)})")
            self._settle_duplicates(duplicates)
        else:
            self._con.execute("CREATE TABLE keys (seq BIGINT, kh BIGINT, rh BIGINT)")
        self._con.execute("CREATE VIEW live AS SELECT * FROM keys ANTI JOIN away USING (seq)")
        if self._paths:
            self._note_old(spare)
            if replay is not None and mode != "append":  # nothing that is appended can take the place of anything
                self._settle_claims(*replay)
            open_before = self._settle_versions(mode)
        fates = np.bincount(self._fate, minlength=FATES).tolist()
        return Settlement(
            repeated=fates[REPEATED],
            duplicate=fates[DUPLICATE],
            unchanged=fates[UNCHANGED],
            stored=int(self._rows_by_bucket.sum()) - sum(fates[each] for each in (REPEATED, DUPLICATE, UNCHANGED, SUPERSEDED)),
            closed=self._number("SELECT count(*) FROM closing"),
            open_before=open_before,
            superseded=fates[SUPERSEDED],
            affirmed=self._number("SELECT count(*) FROM affirmed"),
            held=self._number("SELECT count(DISTINCT kh) FROM held"),
        )

    def _settle_duplicates(self, duplicates: Duplicates) -> None:
        slices = self._slices("keys")
        loser = DUPLICATE if duplicates == "reject" else REPEATED
        stays = "versions = 1" if duplicates == "reject" else "place = 1"
        for number in range(slices):
            mine = f"kh % {slices} = {number}"
            self._con.execute(
                f"CREATE OR REPLACE TEMP TABLE twice AS SELECT kh FROM keys WHERE {mine} GROUP BY kh HAVING count(*) > 1"
            )
            if not self._number("SELECT count(*) FROM twice"):
                continue
            self._con.execute(
                f"""
                CREATE OR REPLACE TEMP TABLE losers AS
                WITH versions AS (
                    SELECT kh, rh, count(*) AS n, min(seq) AS first_seq, max(seq) AS last_seq
                    FROM keys SEMI JOIN twice USING (kh) WHERE {mine} GROUP BY kh, rh
                ), ranked AS (
                    SELECT *, count(*) OVER (PARTITION BY kh) AS versions,
                        row_number() OVER (PARTITION BY kh ORDER BY {_FIRST_IS_KEPT[duplicates]}) AS place
                    FROM versions
                )
                SELECT k.seq, k.kh, CASE WHEN k.seq <> r.first_seq THEN {REPEATED} ELSE {loser} END AS fate
                FROM keys k JOIN ranked r ON k.kh = r.kh AND k.rh = r.rh
                WHERE k.kh % {slices} = {number} AND (k.seq <> r.first_seq OR NOT {stays})
                """
            )
            self._note_fates("SELECT seq, fate FROM losers")
            self._con.execute("INSERT INTO away SELECT seq FROM losers")
            self._con.execute(f"INSERT INTO held SELECT kh FROM losers WHERE fate = {DUPLICATE}")

    def _note_old(self, spare: str | None) -> None:
        old = self._work / "old.parquet"
        self._con.execute(
            f"COPY (SELECT {key_hash_sql(self._target)} AS kh, row_hash AS rh, row_id, delivery_id, open,"
            f" coalesce({spare or 'false'}, false) AS spared"
            f" FROM ({all_rows_sql(self._paths, self._closures)})) TO {_s(str(old))} (FORMAT parquet, COMPRESSION uncompressed)"
        )
        self._con.execute(f"CREATE VIEW old AS SELECT * FROM read_parquet({_s(str(old))})")
        self._con.execute("INSERT INTO held SELECT kh FROM old WHERE open AND spared")

    def _settle_claims(self, claims: Claims, origin: int) -> None:
        """Turn away the rows whose key the delivery they belong to, or one after it, says something else about."""
        self._con.execute("CREATE TEMP TABLE versions AS SELECT row_id, kh, delivery_id FROM old SEMI JOIN live USING (kh)")
        claims.load(self._con, "versions")
        self._con.execute(
            f"""
            CREATE TEMP TABLE outvoted AS
            SELECT l.seq, CASE WHEN c.main > {origin} THEN {SUPERSEDED} ELSE {DUPLICATE} END AS fate
            FROM live l JOIN (SELECT kh, max(main) AS main FROM claims GROUP BY kh) c USING (kh)
            ANTI JOIN (SELECT kh, rh FROM old WHERE open) o ON o.kh = l.kh AND o.rh = l.rh
            WHERE c.main >= {origin}
            """
        )
        self._note_fates("SELECT seq, fate FROM outvoted")
        self._con.execute("INSERT INTO away SELECT seq FROM outvoted")

    def _settle_versions(self, mode: Mode) -> int:
        """Compare with the stored rows; returns how many of those were open."""
        slices = max(self._slices("keys"), self._slices("old"))
        clash = DUPLICATE if mode == "append" else SUPERSEDES
        for number in range(slices):
            found = self._note_fates(
                f"""
                SELECT l.seq, CASE WHEN bool_or(o.open AND o.rh = l.rh) THEN {UNCHANGED}
                    WHEN bool_or(o.open) THEN {clash} ELSE {SUPERSEDES} END AS fate,
                    max(o.row_id) FILTER (WHERE o.open AND o.rh = l.rh) AS row_id
                FROM live l JOIN old o ON l.kh = o.kh
                WHERE l.kh % {slices} = {number} AND o.kh % {slices} = {number} GROUP BY l.seq
                """
            )
            affirmed = found.select(["row_id"]).filter(pc.is_valid(found.column("row_id")))
            if len(affirmed):
                self._insert("affirmed", affirmed)
            if mode != "append":
                missing = " OR (l.kh IS NULL AND h.kh IS NULL)" if mode == "snapshot" else ""
                self._con.execute(
                    f"""
                    INSERT INTO closing
                    SELECT o.row_id FROM old o
                    LEFT JOIN (SELECT kh, rh FROM live WHERE kh % {slices} = {number}) l ON l.kh = o.kh
                    LEFT JOIN (SELECT DISTINCT kh FROM held) h ON h.kh = o.kh
                    WHERE o.open AND o.kh % {slices} = {number} AND (l.rh <> o.rh{missing})
                    """
                )
        return self._number("SELECT count(*) FROM old WHERE open AND NOT spared")

    def _note_fates(self, query: str) -> pa.Table:
        found = self._con.sql(query).to_arrow_table()
        self._fate[found.column("seq").to_numpy()] = found.column("fate").to_numpy()
        return found

    def duplicates(self, fate: int = DUPLICATE) -> Iterator[pa.Table]:
        """The rows rejected for their key (DUPLICATE or SUPERSEDED): SEQ, FILE, LINE and `key`, their key as text."""
        if not (self._fate == fate).any():
            return
        key = ", ".join(f"CAST({_q(name)} AS VARCHAR)" for name in self._target.key)
        for rows in self._ranges(fate):
            self._con.register("staged", rows)
            yield self._con.sql(
                f"SELECT {_q(SEQ)}, {_q(FILE)}, {_q(LINE)}, concat_ws(' ', {key}) AS key FROM staged ORDER BY 1"
            ).to_arrow_table()
            self._con.unregister("staged")

    def write(self, lake: Lake, path: Path, delivery_id: int, files: Sequence[str], knowledge: Knowledge) -> int:
        """Write the part of the delivery, sorted by (bucket, customer_id); returns its rows. Nothing to store: no file."""
        return write_part(lake, path, self._target, self._stored(delivery_id, files, knowledge))

    def write_closures(self, lake: Lake, path: Path, delivery_id: int, now: datetime) -> None:
        """Write the rows this delivery closes."""
        write_closures(lake, path, self._column("SELECT row_id FROM closing ORDER BY row_id"), delivery_id, now)

    def write_affirmed(self, lake: Lake, path: Path) -> None:
        """Write which stored rows were delivered again, unchanged."""
        write_ids(lake, path, self._column("SELECT row_id FROM affirmed"), AFFIRMED)

    def write_held(self, lake: Lake, path: Path) -> None:
        """Write the keys whose new version was rejected, and which a snapshot does not end therefore."""
        write_ids(lake, path, self._column("SELECT DISTINCT kh FROM held"), HELD)

    def _stored(self, delivery_id: int, files: Sequence[str], knowledge: Knowledge) -> Iterator[pa.Table]:
        query = self._stored_sql(delivery_id, files, knowledge)
        for rows in self._ranges(NEW, SUPERSEDES):
            follows = self._fate[rows.column(SEQ).to_numpy()] == SUPERSEDES
            self._con.register("staged", rows.append_column(FOLLOWS, pa.array(follows)))
            yield self._con.sql(query).to_arrow_table()
            self._con.unregister("staged")

    def _stored_sql(self, delivery_id: int, files: Sequence[str], knowledge: Knowledge) -> str:
        """The rows to store, sorted. What is the same in every row is added after the sort, which carries less so."""
        mapped = {column.name for column in self._mapped}
        canonical = [_q(c.name) if c.name in mapped else _null(c) for c in self._target.columns]
        now = f"TIMESTAMP '{naive(knowledge.now)}'"
        assumed = f"CASE WHEN NOT {_q(FOLLOWS)} AND d.known < {now} THEN d.known END" if knowledge.column else "NULL"
        names = ", ".join(_s(each) for each in files)
        store = [
            f"{delivery_id << ROW_ID_SHIFT} + {_q(SEQ)} AS row_id",
            "row_hash",
            "bucket",
            f"[{names}][{_q(FILE)} + 1] AS source_file",
            f"{_q(LINE)} AS source_line",
            f"CAST({delivery_id} AS BIGINT) AS delivery_id",
            f"coalesce(assumed, {now}) AS known_from",
            "assumed IS NOT NULL AS known_assumed",
            "CAST(NULL AS TIMESTAMP) AS known_to",
            "CAST(NULL AS BIGINT) AS origin_row_id",
        ]
        return (
            f"SELECT {', '.join([*canonical, *store])} FROM ("
            f"SELECT s.*, {assumed} AS assumed FROM staged s {_days_sql(knowledge)}"
            f" ORDER BY {order_sql(self._target)}, {_q(SEQ)})"
        )

    def _ranges(self, *fates: int) -> Iterator[pa.Table]:
        """The staged rows of these fates, bucket range by bucket range."""
        wanted = np.isin(np.arange(FATES), fates)
        for first, last in bucket_ranges(self._rows_by_bucket.tolist()):
            batches = [batch for path, counts in self._chunks for batch in _read_buckets(path, counts, first, last)]
            if not batches:
                continue
            rows = pa.Table.from_batches(batches)
            kept = wanted[self._fate[rows.column(SEQ).to_numpy()]]
            if kept.any():
                yield rows if kept.all() else rows.filter(pa.array(kept))

    def _insert(self, name: str, rows: pa.Table) -> None:
        self._con.register("incoming", rows)
        self._con.execute(f"INSERT INTO {name} SELECT * FROM incoming")
        self._con.unregister("incoming")

    def _column(self, query: str) -> pa.Array:
        return self._con.sql(query).to_arrow_table().column(0).combine_chunks()

    def _slices(self, name: str) -> int:
        return self._number(f"SELECT count(*) FROM {name}") // KEYS_AT_ONCE + 1

    def _number(self, query: str) -> int:
        # fetchone would leave the result open, and the connection in use.
        return int(self._con.execute(query).fetchall()[0][0])


def order_sql(target: Table) -> str:
    """The order of rows in a part."""
    return ", ".join(["bucket", *([_q("customer_id")] if "customer_id" in target else [])])


def naive(moment: datetime) -> datetime:
    """An aware moment as UTC without a zone, as Parquet keeps it."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone; use datetime.now(UTC)")
    return (moment - moment.utcoffset()).replace(tzinfo=None)  # type: ignore[operator]


def _days_sql(knowledge: Knowledge) -> str:
    """Join `d`: for each day in the column, the moment it counts as known. That is its last microsecond, in UTC: what
    happened on a day was known when the day ended, not when it began. (Time zones cost too much to ask for every row.)
    """
    if knowledge.column is None:
        return ""
    column = _q(knowledge.column)
    midnight = f"CAST(day + {knowledge.plus_days + 1} AS TIMESTAMP)"
    known = f"timezone('UTC', timezone({_s(knowledge.zone)}, {midnight})) - INTERVAL 1 MICROSECOND"
    days = f"SELECT DISTINCT {column} AS day FROM staged WHERE {column} IS NOT NULL"
    return f"LEFT JOIN (SELECT day, {known} AS known FROM ({days})) d ON d.day = s.{column}"


def _null(column: Column) -> str:
    return f"CAST(NULL AS {DUCKDB_TYPE[column.kind]}) AS {_q(column.name)}"


def _write_buckets(path: Path, rows: pa.Table, counts: Sequence[int]) -> None:
    """Write rows that are sorted by bucket as one record batch for each bucket that has any."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
        start = 0
        for count in counts:
            if count:
                writer.write_table(rows.slice(start, count))
            start += count


def _read_buckets(path: Path, counts: Sequence[int], first: int, last: int) -> list[pa.RecordBatch]:
    held = [bucket for bucket, count in enumerate(counts) if count]
    wanted = [index for index, bucket in enumerate(held) if first <= bucket <= last]
    if not wanted:
        return []
    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as reader:
        return [reader.get_batch(index) for index in wanted]


def _md5_63(hashed: Sequence[Column]) -> str:
    """SQL `concat` leaves NULL out, so a required column needs no test of its own: rows without it are not stored."""
    pieces = ", ".join(
        f"{_s(c.name + '=')}, {_q(c.name)}, chr(31)" if c.required else f"{_s(c.name + '=')} || {_q(c.name)} || chr(31)"
        for c in hashed
    )
    return f"CAST(md5_number(concat({pieces})) & {2**63 - 1} AS BIGINT)"


def _files(paths: Sequence[Path]) -> str:
    return "[" + ", ".join(_s(str(path)) for path in paths) + "]"


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _s(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
