"""The SQL lint: each rule has a text it refuses and a neighbour it accepts; lines and types are right."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk_pipeline.engine.sql_lint import MESSAGES, feed_schema, lint_folder, lint_sql, output_types

SCHEMA = {
    "feed.invoice": {
        "invoice_id": "VARCHAR", "customer_id": "VARCHAR", "invoice_date": "DATE", "due_date": "DATE",
        "amount": "DECIMAL(18,2)", "n": "BIGINT", "ratio": "DOUBLE",
    }
}  # fmt: skip

# rule -> (refused, accepted): both a select list (of feed.invoice) or, when they begin with a keyword, a whole query.
CASES: list[tuple[str, str, str]] = [
    ("parse", "SELECT amount FROM", "amount"),
    ("select-only", "DELETE FROM feed.invoice", "amount"),
    ("select-only", "SELECT n FROM feed.invoice; SELECT n FROM feed.invoice", "n"),
    ("star", "*", "invoice_id, amount"),
    ("star", "SELECT i.* FROM feed.invoice AS i", "SELECT i.n FROM feed.invoice AS i"),
    ("star", "FROM feed.invoice", "n"),
    ("count-star", "COUNT(*)", "COUNT(invoice_id)"),
    ("count-star", "COUNT()", "COUNT(DISTINCT customer_id)"),
    ("limit", "SELECT n FROM feed.invoice ORDER BY n LIMIT 3", "SELECT n FROM feed.invoice ORDER BY n"),
    ("limit", "SELECT n FROM feed.invoice OFFSET 3", "n"),
    (
        "limit",
        "SELECT DISTINCT ON (customer_id) customer_id, n FROM feed.invoice",
        "SELECT DISTINCT customer_id FROM feed.invoice",
    ),
    ("limit", "SELECT n FROM feed.invoice USING SAMPLE 3", "n"),
    (
        "dialect-clause",
        "SELECT n FROM feed.invoice QUALIFY ROW_NUMBER() OVER (ORDER BY n) = 1",
        "SELECT n FROM (SELECT n, ROW_NUMBER() OVER (ORDER BY n) AS place FROM feed.invoice) AS r WHERE place = 1",
    ),
    (
        "dialect-clause",
        "SELECT customer_id, SUM(n) AS n FROM feed.invoice GROUP BY ALL",
        "SELECT customer_id, SUM(n) AS n FROM feed.invoice GROUP BY customer_id",
    ),
    ("dialect-clause", "SELECT n FROM feed.invoice ORDER BY ALL", "SELECT n FROM feed.invoice ORDER BY n"),
    (
        "dialect-clause",
        "SELECT n FROM feed.invoice UNION ALL BY NAME SELECT n FROM feed.invoice",
        "SELECT n FROM feed.invoice UNION ALL SELECT n FROM feed.invoice",
    ),
    ("dialect-clause", "SELECT v FROM feed.invoice UNPIVOT (v FOR m IN (amount, n))", "n"),
    (
        "join-kind",
        "SELECT i.n FROM feed.invoice AS i ASOF JOIN feed.invoice AS j ON i.n >= j.n",
        "SELECT i.n FROM feed.invoice AS i LEFT JOIN feed.invoice AS j ON i.n = j.n",
    ),
    (
        "join-kind",
        "SELECT i.n FROM feed.invoice AS i ANTI JOIN feed.invoice AS j USING (n)",
        "SELECT i.n FROM feed.invoice AS i WHERE NOT EXISTS (SELECT 1 AS found FROM feed.invoice AS j WHERE j.n = i.n)",
    ),
    ("row-source", "SELECT x FROM range(3) AS t(x)", "n"),
    ("row-source", "UNNEST(n)", "n"),
    ("row-source", "SELECT i.n FROM feed.invoice AS i, LATERAL (SELECT i.n + 1 AS m) AS l", "n + 1 AS m"),
    ("row-source", "SELECT n FROM read_parquet('f.parquet')", "n"),
    ("list", "LIST(amount)", "MAX(amount)"),
    ("list", "STRING_AGG(invoice_id, ',' ORDER BY invoice_id)", "MAX(invoice_id)"),
    ("list", "{'a': n}", "n"),
    ("picked-value", "FIRST(amount)", "MIN(amount)"),
    ("picked-value", "ANY_VALUE(amount)", "MAX(amount)"),
    ("picked-value", "ARG_MAX(amount, invoice_date)", "MAX(invoice_date)"),
    ("order-statistic", "MEDIAN(amount)", "MAX(amount)"),
    ("order-statistic", "QUANTILE_CONT(amount, 0.9)", "MAX(amount)"),
    ("order-statistic", "MODE(n)", "MAX(n)"),
    ("moment", "AVG(amount)", "SUM(amount)"),
    ("moment", "STDDEV(amount)", "SUM(amount * amount)"),
    ("moment", "VAR_POP(amount)", "SUM(n * n)"),
    ("double-sum", "SUM(ratio)", "SUM(amount)"),
    ("double-sum", "SUM(CAST(amount AS DOUBLE))", "CAST(SUM(amount) AS DOUBLE)"),
    ("double-sum", "SUM(CAST(n AS DOUBLE) / CAST(NULLIF(n, 0) AS DOUBLE))", "SUM(n)"),
    (
        "double-sum",
        "SELECT SUM(r) AS s FROM (SELECT ratio AS r FROM feed.invoice) AS t",
        "SELECT SUM(r) AS s FROM (SELECT n AS r FROM feed.invoice) AS t",
    ),
    ("round", "ROUND(amount, 0)", "FLOOR(amount + 0.5)"),
    ("double-to-decimal", "CAST(ratio AS DECIMAL(18, 2))", "CAST(amount * n AS DECIMAL(18, 2))"),
    ("fraction-to-integer", "CAST(2.5 AS INT)", "CAST(2 AS INT)"),
    ("fraction-to-integer", "CAST(ratio AS BIGINT)", "CAST(FLOOR(ratio) AS BIGINT)"),
    ("fraction-to-integer", "amount::BIGINT", "CAST(n AS BIGINT)"),
    ("decimal-division", "amount / NULLIF(n, 0)", "CAST(amount AS DOUBLE) / CAST(NULLIF(n, 0) AS DOUBLE)"),
    ("decimal-division", "CAST(amount AS DOUBLE) / 100", "CAST(amount AS DOUBLE) / CAST(100 AS DOUBLE)"),
    ("integer-division", "n // 2", "FLOOR(CAST(n AS DOUBLE) / CAST(2 AS DOUBLE))"),
    ("zero-division", "CAST(amount AS DOUBLE) / CAST(n AS DOUBLE)", "CAST(amount AS DOUBLE) / NULLIF(CAST(n AS DOUBLE), 0)"),
    ("zero-division", "n % n", "n % 12"),
    (
        "zero-division",
        "CASE WHEN amount > 0 THEN CAST(amount AS DOUBLE) / CAST(n AS DOUBLE) END",
        "CASE WHEN n > 0 THEN CAST(amount AS DOUBLE) / CAST(n AS DOUBLE) END",
    ),
    (
        "zero-division",
        "CASE WHEN amount > 0 THEN CAST(amount AS DOUBLE) / CAST(n AS DOUBLE) WHEN n > 0 THEN 1 END",
        "CASE WHEN n = 0 THEN 0 ELSE CAST(amount AS DOUBLE) / CAST(n AS DOUBLE) END",
    ),
    ("date-minus", "$as_of - due_date", "DATE_DIFF('day', due_date, $as_of)"),
    ("date-minus", "due_date - 30", "n - 30"),
    ("date-minus", "CAST(due_date - INTERVAL 3 MONTH AS DATE)", "CAST(due_date + INTERVAL 3 MONTH AS DATE)"),
    ("date-plus", "due_date + INTERVAL 30 DAY", "CAST(due_date + INTERVAL (n) DAY AS DATE)"),
    ("date-diff-unit", "DATE_DIFF('month', due_date, $as_of)", "DATE_DIFF('day', due_date, $as_of)"),
    ("date-trunc", "DATE_TRUNC('month', due_date)", "CAST(DATE_TRUNC('month', due_date) AS DATE)"),
    ("try-cast", "TRY_CAST(invoice_id AS BIGINT)", "CAST(n AS BIGINT)"),
    (
        "window-order",
        "ROW_NUMBER() OVER (PARTITION BY customer_id)",
        "ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY due_date, invoice_id)",
    ),
    ("window-order", "LAG(n) OVER ()", "SUM(n) OVER (PARTITION BY customer_id)"),
    ("clock-or-chance", "NOW()", "$known_at"),
    ("clock-or-chance", "CURRENT_DATE", "$as_of"),
    ("clock-or-chance", "RANDOM()", "n"),
    ("clock-or-chance", "UUID()", "invoice_id"),
    ("engine-hash", "HASH(invoice_id)", "MD5(invoice_id)"),
    ("pattern", "REGEXP_MATCHES(invoice_id, 'a+')", "invoice_id LIKE 'a%'"),
    ("pattern", "invoice_id ILIKE 'a%'", "LOWER(invoice_id) LIKE 'a%'"),
    ("unknown-function", "DATE_PART('day', due_date)", "EXTRACT(DAY FROM due_date)"),
]


def query(text: str) -> str:
    whole = text.split()[0].upper() in {"SELECT", "FROM", "DELETE", "WITH"}
    return text if whole else f"SELECT {text} FROM feed.invoice"


def rules(text: str) -> set[str]:
    return {finding.rule for finding in lint_sql(query(text), "t.sql", SCHEMA)}


@pytest.mark.parametrize(("rule", "refused"), [(rule, refused) for rule, refused, _ in CASES])
def test_refused(rule: str, refused: str) -> None:
    assert rule in rules(refused)


@pytest.mark.parametrize("accepted", sorted({accepted for _, _, accepted in CASES}))
def test_accepted(accepted: str) -> None:
    assert rules(accepted) == set()


def test_every_rule_has_a_case() -> None:
    assert {rule for rule, _, _ in CASES} == set(MESSAGES)


def test_line_of_the_finding_counts_after_placeholders() -> None:
    age = "    DATE_DIFF('day', due_date, $as_of) AS age,\n"
    text = f"SELECT\n    n,\n{age}{age}    ROUND(amount, 2) AS c\nFROM feed.invoice\n"
    (finding,) = lint_sql(text, "exposure.sql", SCHEMA)
    assert (finding.line, finding.rule) == (5, "round")
    assert str(finding).startswith("exposure.sql:5: round: ")


def test_a_type_that_is_not_known_is_not_guessed() -> None:
    assert lint_sql("SELECT SUM(x) AS s FROM feed.unknown", "t.sql", SCHEMA) == []


def test_a_file_sees_the_types_of_the_files_it_reads(tmp_path: Path) -> None:
    """b.sql reads step.a, whose column is a double only because of its own text, through another step."""
    steps = tmp_path / "steps"
    steps.mkdir()
    (steps / "z.sql").write_text("SELECT customer_id, CAST(amount AS DOUBLE) AS share FROM feed.invoice")
    (steps / "a.sql").write_text("SELECT customer_id, share FROM step.z")
    (tmp_path / "b.sql").write_text("SELECT customer_id, SUM(share) AS share FROM step.a GROUP BY customer_id")
    assert [(finding.name, finding.rule) for finding in lint_folder(tmp_path)] == [("b.sql", "double-sum")]


def test_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("SELECT (")
    (tmp_path / "b.sql").write_text("SELECT ROUND(amount, 2) AS amount FROM feed.invoice")
    assert [(finding.name, finding.rule) for finding in lint_folder(tmp_path)] == [("a.sql", "parse"), ("b.sql", "round")]


def test_output_types_come_from_the_contracts() -> None:
    types = output_types(
        "SELECT customer_id, SUM(amount) AS amount, MAX(invoice_date) AS day FROM feed.invoice GROUP BY customer_id",
        feed_schema(),
    )
    assert types["day"] == "DATE"
    assert types["amount"].startswith("DECIMAL")
