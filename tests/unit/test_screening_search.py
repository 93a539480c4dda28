"""Searching parties: evidence beside the name, register numbers, and that the index loses nothing that matters."""

from __future__ import annotations

from risk_pipeline.screening.index import TrigramIndex
from risk_pipeline.screening.names import read_names
from risk_pipeline.screening.search import Listed, Party, Searcher

LISTED = [
    Listed("1", ("NORDWIND SHIPPING",), "CY", False, "Registration Number HE 1234567 (Cyprus); DOB 1962"),
    Listed("2", ("IVANOV, Pyotr",), "RU", True),
]


def scores(*parties: Party, threshold: float = 0.5) -> dict[tuple[str, str], float]:
    return {(hit.party_id, hit.entity_id): hit.score for hit in Searcher(LISTED).search(parties, threshold)}


def test_country_and_kind_support_or_weaken_but_do_not_decide() -> None:
    found = scores(
        Party("plain", "Nordwind Shiping Ltd"),
        Party("same", "Nordwind Shiping Ltd", ("DE", "CY")),
        Party("differs", "Nordwind Shiping Ltd", ("DE",)),
        Party("person", "Nordwind Shiping Ltd", (), True),
    )
    plain = found["plain", "1"]
    assert found["same", "1"] > plain > found["differs", "1"] > found["person", "1"] > plain - 0.1


def test_a_register_number_is_a_hit_whatever_the_name() -> None:
    [hit] = Searcher(LISTED).search([Party("x", "Baltic House", (), None, ("HE-1234567",))], 0.8)
    assert (hit.score, hit.method, hit.number, hit.name_score) == (1.0, "number", "same", 0.0)


def test_short_numbers_and_years_are_no_register_numbers() -> None:
    assert scores(Party("x", "Baltic House", (), None, ("1962", "12345"))) == {}


def test_hits_come_in_the_order_of_the_parties_best_first() -> None:
    twice = [*LISTED, Listed("3", ("NORDWIND SHIPPING GROUP",))]
    hits = Searcher(twice).search([Party("b", "Pyotr Ivanov"), Party("a", "Nordwind Shipping")], 0.8)
    assert [(hit.party_id, hit.entity_id) for hit in hits] == [("b", "2"), ("a", "1"), ("a", "3")]


def test_an_empty_list_finds_nothing() -> None:
    assert Searcher([]).search([Party("x", "Nordwind Shipping")], 0.5) == []


def test_the_index_gives_pairs_in_batches() -> None:
    listed = read_names(["NORDWIND SHIPPING", "IVANOV, Pyotr"])
    names = read_names([f"Nordwind {word}" for word in ("Shipping", "Ship", "Logistik")])
    pairs = {
        (names[a].joined, listed[b].joined)
        for left, right in TrigramIndex(listed).candidates(names)
        for a, b in zip(left, right, strict=True)
    }
    assert ("nordwindshipping", "nordwindshipping") in pairs
    assert {its for _, its in pairs} == {"nordwindshipping", "nrdndshpng"}, "the second by consonants, with the like"
