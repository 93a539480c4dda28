"""Two policies compared: every change has its place, entries of lists go by their name, who answers for it is no content."""

from __future__ import annotations

from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.difference import Change, differences
from risk_pipeline.policy.lint import check
from risk_pipeline.policy.load import DEFAULT_POLICY
from risk_pipeline.policy.model import Policy

DEFAULT = DEFAULT_POLICY.read_text(encoding="utf-8")


def _policy(text: str) -> Policy:
    policy, _ = check(text, load_catalogue())
    assert policy is not None
    return policy


def _changes(*pairs: tuple[str, str]) -> list[Change]:
    text = DEFAULT
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return differences(_policy(DEFAULT), _policy(text))


def test_who_answers_for_it_is_no_content() -> None:
    assert (
        _changes(("author: credit", "author: our_credit"), ('version: "2026.1"', 'version: "b"'), ("2000-01-01", "2026-01-01"))
        == []
    )


def test_a_value_is_named_with_before_and_after() -> None:
    assert _changes(("dead_band_share: 0.10", "dead_band_share: 0.2")) == [
        Change(("limits", "dead_band_share"), "changed", 0.1, 0.2)
    ]


def test_rules_go_by_their_id() -> None:
    line = next(line for line in DEFAULT.splitlines() if "{id: KO06," in line)
    (added,) = _changes((line, f"{line}\n{line.replace('KO06', 'KO66')}"))
    assert (added.place, added.kind, added.before) == ("knockouts.KO66", "added", None)
    (removed,) = _changes((line + "\n", ""))
    assert (removed.place, removed.kind, removed.after) == ("knockouts.KO06", "removed", None)
    assert [c.place for c in _changes(('"max_dpd_material > 60", ceiling', '"max_dpd_material > 45", ceiling'))] == [
        "knockouts.KO06.when"
    ]


def test_another_order_is_a_change() -> None:
    lines = [line for line in DEFAULT.splitlines() if "{id: not_served," in line or "{id: tier_restricted," in line]
    (change,) = _changes(("\n".join(lines), "\n".join(reversed(lines))))
    assert change.place == "hold.order"
    assert str(change.after).startswith("tier_restricted, not_served")
