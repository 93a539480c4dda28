"""Column lineage of one SELECT: values, what only chooses, and when a join is no influence."""

from __future__ import annotations

import pytest

from risk_pipeline.lineage.influence import Influence, Influences, after, plain
from risk_pipeline.lineage.sql import LineageError, Relation, base_table, settled, trace

TABLES = {
    "feed.invoice": base_table("feed.invoice", ["invoice_id", "customer_id", "amount", "currency", "due_date"], ["invoice_id"]),
    "feed.payment": base_table("feed.payment", ["payment_id", "customer_id", "invoice_id", "amount"], ["payment_id"]),
    "feed.rate": base_table("feed.rate", ["currency", "rate_date", "rate"], ["currency", "rate_date"]),
    "factor.customer": base_table("factor.customer", ["customer_id", "name", "country"], ["customer_id"]),
}
KEYS = {
    "feed.invoice": ("invoice_id",),
    "feed.payment": ("payment_id",),
    "feed.rate": ("currency", "rate_date"),
    "factor.customer": ("customer_id",),
}


def parameter(name: str) -> Influences:
    return {"as_of": frozenset({Influence("audit.run", "as_of", "identity")})}[name]


def read(name: str) -> Relation:
    return TABLES[name]


def columns(sql: str) -> dict[str, dict[str, list[str]]]:
    """What each column comes from, by how it acts; names without the layer."""
    found = settled(trace(sql, "the query", read, parameter), KEYS)
    return {
        name: {how: [each.partition(".")[2] for each in names] for how, names in plain(own).items()}
        for name, own in found.items()
    }


def test_a_value_as_it_stands_computed_and_of_several_rows() -> None:
    found = columns("SELECT customer_id, amount * 2 AS twice, 'x' AS word FROM feed.invoice WHERE due_date > $as_of")
    assert found["customer_id"] == {"identity": ["invoice.customer_id"], "filter": ["run.as_of", "invoice.due_date"]}
    assert found["twice"] == {"transformation": ["invoice.amount"], "filter": ["run.as_of", "invoice.due_date"]}
    assert found["word"] == {"filter": ["run.as_of", "invoice.due_date"]}
    summed = columns("SELECT customer_id, SUM(amount + 1) AS total FROM feed.invoice GROUP BY customer_id")
    assert summed["total"] == {"aggregation": ["invoice.amount"], "group_by": ["invoice.customer_id"]}


def test_conditions_choose_and_branches_carry() -> None:
    found = columns("SELECT CASE WHEN currency = 'EUR' THEN amount ELSE 0 END AS euros FROM feed.invoice")
    assert found["euros"] == {"transformation": ["invoice.amount"], "conditional": ["invoice.currency"]}
    switch = columns("SELECT CASE currency WHEN 'EUR' THEN amount END AS euros FROM feed.invoice")
    assert switch == found


def test_a_window_is_chosen_by_what_it_orders_by() -> None:
    found = columns(
        "SELECT amount FROM (SELECT amount, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY due_date) AS place"
        " FROM feed.invoice) WHERE place = 1"
    )
    assert found["amount"] == {"identity": ["invoice.amount"], "filter": ["invoice.customer_id", "invoice.due_date"]}
    running = columns("SELECT SUM(amount) OVER (PARTITION BY customer_id ORDER BY due_date) AS so_far FROM feed.invoice")
    assert running["so_far"] == {"aggregation": ["invoice.amount"], "window": ["invoice.customer_id", "invoice.due_date"]}


def test_qualify_filters() -> None:
    found = columns("SELECT amount FROM feed.invoice QUALIFY ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY due_date) = 1")
    assert found["amount"] == {"identity": ["invoice.amount"], "filter": ["invoice.customer_id", "invoice.due_date"]}


def test_a_left_join_by_a_whole_key_influences_only_what_is_taken_from_it() -> None:
    found = columns(
        "SELECT i.amount, c.name FROM feed.invoice AS i LEFT JOIN factor.customer AS c ON i.customer_id = c.customer_id"
    )
    assert found["amount"] == {"identity": ["invoice.amount"]}
    assert found["name"] == {"identity": ["customer.name"], "join": ["customer.customer_id", "invoice.customer_id"]}


def test_a_left_join_that_may_repeat_rows_influences_every_column() -> None:
    found = columns("SELECT i.amount FROM feed.invoice AS i LEFT JOIN feed.rate AS r ON i.currency = r.currency")
    assert found["amount"] == {"identity": ["invoice.amount"], "join": ["invoice.currency", "rate.currency"]}


@pytest.mark.parametrize(
    "unique",
    [
        "(SELECT customer_id, SUM(amount) AS paid FROM feed.payment GROUP BY customer_id)",
        "(SELECT DISTINCT customer_id FROM feed.payment)",
        "(SELECT customer_id FROM (SELECT customer_id, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY payment_id) AS place"
        " FROM feed.payment) WHERE place = 1)",
        "(SELECT c.customer_id FROM factor.customer AS c LEFT JOIN factor.customer AS d ON c.country = d.customer_id)",
    ],
)
def test_keys_are_read_from_groups_distinct_row_numbers_and_joins(unique: str) -> None:
    found = columns(f"SELECT i.amount FROM feed.invoice AS i LEFT JOIN {unique} AS p ON i.customer_id = p.customer_id")
    assert found["amount"] == {"identity": ["invoice.amount"]}


def test_an_inner_join_chooses_rows_and_removing_it_takes_its_influence_away() -> None:
    joined = "SELECT i.amount FROM feed.invoice AS i JOIN factor.customer AS c ON i.customer_id = c.customer_id"
    assert columns(joined)["amount"] == {
        "identity": ["invoice.amount"],
        "join": ["customer.customer_id", "invoice.customer_id"],
    }
    assert columns("SELECT i.amount FROM feed.invoice AS i")["amount"] == {"identity": ["invoice.amount"]}


def test_one_row_of_everything_is_no_influence_unless_it_is_used() -> None:
    found = columns(
        "SELECT i.amount, r.newest FROM feed.invoice AS i CROSS JOIN (SELECT MAX(rate_date) AS newest FROM feed.rate) AS r"
    )
    assert found["amount"] == {"identity": ["invoice.amount"]}
    assert found["newest"] == {"aggregation": ["rate.rate_date"], "filter": ["invoice.invoice_id"]}  # one for each invoice


def test_a_table_of_which_only_rows_count_is_named_by_its_key() -> None:
    assert columns("SELECT COUNT(*) AS n FROM feed.invoice")["n"] == {"filter": ["invoice.invoice_id"]}
    crossed = columns("SELECT c.name FROM factor.customer AS c CROSS JOIN feed.rate AS r")
    assert crossed["name"] == {"identity": ["customer.name"], "filter": ["rate.currency", "rate.rate_date"]}


def test_exists_is_a_filter_over_what_it_asks() -> None:
    found = columns(
        "SELECT i.amount FROM feed.invoice AS i"
        " WHERE NOT EXISTS (SELECT 1 AS found FROM feed.payment AS p WHERE p.invoice_id = i.invoice_id)"
    )
    assert found["amount"] == {"identity": ["invoice.amount"], "filter": ["invoice.invoice_id", "payment.invoice_id"]}


def test_a_case_over_words_takes_nothing_from_branches_that_never_say_them() -> None:
    found = columns(
        "WITH part AS (SELECT customer_id, 'sold' AS kind, amount FROM feed.invoice"
        " UNION ALL SELECT customer_id, CASE WHEN amount > 5 THEN 'paid' ELSE 'small' END AS kind, amount FROM feed.payment)"
        " SELECT customer_id, SUM(CASE WHEN kind = 'sold' THEN amount ELSE 0 END) AS sold,"
        " SUM(CASE WHEN kind IN ('paid', 'small') THEN amount END) AS paid, SUM(amount) AS both FROM part GROUP BY customer_id"
    )
    assert found["sold"]["aggregation"] == ["invoice.amount"]
    assert found["paid"]["aggregation"] == ["payment.amount"]
    assert found["both"]["aggregation"] == ["invoice.amount", "payment.amount"]


def test_words_that_may_be_null_or_negated_are_not_taken_for_certain() -> None:
    found = columns(
        "SELECT CASE WHEN NOT kind = 'sold' THEN amount END AS other FROM ("
        "SELECT 'sold' AS kind, amount FROM feed.invoice UNION ALL SELECT currency AS kind, rate AS amount FROM feed.rate)"
    )
    assert found["other"] == {"transformation": ["rate.rate"], "conditional": ["rate.currency"], "filter": ["invoice.invoice_id"]}


def test_a_full_join_lets_each_side_choose_the_other() -> None:
    found = columns("SELECT p.amount FROM feed.payment AS p FULL JOIN feed.invoice AS i ON p.invoice_id = i.invoice_id")
    assert found["amount"] == {"identity": ["payment.amount"], "join": ["invoice.invoice_id", "payment.invoice_id"]}


def test_stars_unions_by_name_and_group_by_all_are_written_out() -> None:
    found = columns(
        "SELECT * FROM (SELECT customer_id AS who, amount FROM feed.invoice"
        " UNION ALL BY NAME SELECT amount, customer_id AS who, payment_id FROM feed.payment) AS part"
    )
    assert list(found) == ["who", "amount", "payment_id"]
    assert found["amount"]["identity"] == ["invoice.amount", "payment.amount"]
    assert found["payment_id"] == {"identity": ["payment.payment_id"], "filter": ["invoice.invoice_id"]}
    grouped = columns("SELECT currency, SUM(amount) AS total FROM feed.invoice GROUP BY ALL")
    assert grouped["total"] == {"aggregation": ["invoice.amount"], "group_by": ["invoice.currency"]}


def test_a_window_over_a_union_looks_at_the_rows_of_all_its_parts() -> None:
    found = columns(
        "WITH part AS (SELECT customer_id, 'sold' AS kind, amount FROM feed.invoice"
        " UNION ALL SELECT customer_id, 'paid' AS kind, amount FROM feed.payment),"
        " ranked AS (SELECT kind, amount, ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY amount) AS place FROM part)"
        " SELECT CASE WHEN kind = 'sold' THEN place END AS place_of_sale FROM ranked"
    )
    assert {"invoice.amount", "payment.amount"} <= set(found["place_of_sale"]["window"])


def test_one_row_at_most_is_not_one_row_always() -> None:
    asked = "(SELECT name AS chosen FROM factor.customer WHERE customer_id = 'C1')"
    crossed = columns(f"SELECT i.amount FROM feed.invoice AS i CROSS JOIN {asked} AS one")
    assert crossed["amount"] == {"identity": ["invoice.amount"], "filter": ["customer.customer_id"]}
    having = "(SELECT MAX(rate) AS most FROM feed.rate HAVING MAX(rate) > 1)"
    assert "filter" in columns(f"SELECT i.amount FROM feed.invoice AS i CROSS JOIN {having} AS one")["amount"]


def test_a_group_by_a_column_is_no_key_of_what_bears_its_name() -> None:
    """COALESCE makes one of two groups: a join by it may find two rows."""
    grouped = "(SELECT COALESCE(customer_id, '') AS customer_id, SUM(amount) AS paid FROM feed.payment GROUP BY customer_id)"
    found = columns(f"SELECT i.amount FROM feed.invoice AS i LEFT JOIN {grouped} AS p ON i.customer_id = p.customer_id")
    assert "join" in found["amount"]


def test_the_order_counts_where_rows_are_cut_off() -> None:
    assert columns("SELECT amount FROM feed.invoice ORDER BY due_date")["amount"] == {"identity": ["invoice.amount"]}
    cut = columns("SELECT amount FROM feed.invoice ORDER BY due_date LIMIT 1")
    assert cut["amount"] == {"identity": ["invoice.amount"], "sort": ["invoice.due_date"]}


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT amount FROM", "not read as SQL"),
        ("SELECT 1 AS a; SELECT 2 AS b", "not exactly one SELECT"),
        ("SELECT amuont FROM feed.invoice", "no column amuont"),
        ("SELECT p.amount FROM feed.invoice AS i", "no column p.amount"),
        ("SELECT amount FROM feed.invoces", "no table feed.invoces"),
        ("SELECT $asof AS day FROM feed.invoice", "nobody says what $asof comes from"),
        ("SELECT amount + 1 FROM feed.invoice", "a column without a name"),
        ("SELECT r.amount FROM feed.invoice AS r JOIN feed.payment AS r ON TRUE", "two tables are called r"),
        ("SELECT amount FROM feed.invoice UNION ALL SELECT amount, invoice_id FROM feed.payment", "1 and 2 columns"),
    ],
)
def test_what_cannot_be_traced_is_an_error(sql: str, said: str) -> None:
    with pytest.raises(LineageError, match=r"the query: .*") as caught:
        columns(sql)
    assert said in caught.value.message


def test_how_influences_pass_on() -> None:
    assert after("identity", "identity") == "identity"
    assert after("transformation", "aggregation") == "aggregation"
    assert after("identity", "filter") == "filter"  # what chose the value chooses its copy
    assert after("conditional", "aggregation") == "conditional"  # a sum that only chooses
