"""Which policy a run takes, and what makes two policies the same."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from risk_pipeline.errors import UsageError
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.lint import check
from risk_pipeline.policy.load import DEFAULT_POLICY, load_policy, read_policy
from risk_pipeline.policy.model import Policy

DEFAULT = DEFAULT_POLICY.read_text(encoding="utf-8")
TODAY = date(2026, 6, 30)


def _file(folder: Path, name: str, **changes: str) -> Path:
    text = DEFAULT
    for key, value in {"version": f'"{name}"', **changes}.items():
        start = text.index(f"\n{key}: ") + 1
        text = text[:start] + f"{key}: {value}" + text[text.index("\n", start) :]
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _load(folder: Path | None, version: str | None = None, as_of: date = TODAY) -> Policy:
    return load_policy(folder, load_catalogue(), version=version, as_of=as_of)


def test_the_packaged_default_without_a_folder(tmp_path: Path) -> None:
    assert _load(None).version == "2026.1"
    assert _load(tmp_path / "none").version == "2026.1"


def test_the_newest_approved_in_force_is_taken(tmp_path: Path) -> None:
    _file(tmp_path, "spring", effective_from="2026-03-01")
    _file(tmp_path, "summer", effective_from="2026-06-30")
    _file(tmp_path, "autumn", effective_from="2026-09-01")
    _file(tmp_path, "late-draft", effective_from="2026-06-15", status="draft")
    _file(tmp_path, "withdrawn", effective_from="2026-06-20", status="retired")
    assert _load(tmp_path).version == "summer"  # from its very day on
    assert _load(tmp_path, as_of=date(2026, 6, 29)).version == "spring"
    assert _load(tmp_path, as_of=date(2020, 1, 1)).version == "2026.1"


def test_a_version_by_name_whatever_its_state(tmp_path: Path) -> None:
    _file(tmp_path, "trial", status="draft", effective_from="2030-01-01")
    assert _load(tmp_path, "trial").status == "draft"
    with pytest.raises(UsageError, match="no policy version trail") as caught:
        _load(tmp_path, "trail")
    assert caught.value.remedy == "versions found: 2026.1, trial"


def test_a_file_of_the_same_version_replaces_the_default(tmp_path: Path) -> None:
    _file(tmp_path, "2026.1", author="somebody_else")
    assert _load(tmp_path).author == "somebody_else"
    assert _load(tmp_path, "2026.1").author == "somebody_else"


def test_a_file_effective_from_the_first_day_comes_before_the_default(tmp_path: Path) -> None:
    _file(tmp_path, "ours")
    assert _load(tmp_path).version == "ours"


def test_two_candidates_are_refused(tmp_path: Path) -> None:
    _file(tmp_path, "a", effective_from="2026-01-01")
    _file(tmp_path, "b", effective_from="2026-01-01")
    with pytest.raises(UsageError, match=r"two approved policies are effective from 2026-01-01: a\.yaml, b\.yaml"):
        _load(tmp_path)
    (tmp_path / "b.yaml").unlink()
    _file(tmp_path, "a").rename(tmp_path / "c.yaml")
    _file(tmp_path, "a", effective_from="2026-01-01")
    with pytest.raises(UsageError, match="are both version a"):
        _load(tmp_path)


def test_nothing_in_force_is_refused() -> None:
    with pytest.raises(UsageError, match="no approved policy is in force at 1999-12-31"):
        _load(None, as_of=date(1999, 12, 31))


def test_one_faulty_file_is_refused_with_every_finding_and_its_line(tmp_path: Path) -> None:
    path = _file(tmp_path, "bad", approver="credit_policy_owner", scaling="{pdo: 20, base_score: 600}")
    with pytest.raises(UsageError) as caught:
        _load(tmp_path)
    assert f"{path}:" in caught.value.message
    assert "scaling.base_odds_good_to_bad: missing" in caught.value.message
    unrated = "{label: {en: Unrated, zh: 未评级}, ranks_as: best, reason: {en: No evidence, zh: 证据不足}}"
    _file(tmp_path, "bad", approver="credit_policy_owner", unrated=unrated)
    with pytest.raises(UsageError) as caught:
        _load(tmp_path)
    assert len(caught.value.message.splitlines()) == 2


def test_the_hash_follows_the_content_and_not_the_layout() -> None:
    default = _load(None)
    relaid, findings = check(DEFAULT.replace("status: approved  ", "status:    approved "), load_catalogue())
    assert findings == []
    assert relaid is not None
    assert relaid.content_hash == default.content_hash
    changed, _ = check(DEFAULT.replace("pdo: 20", "pdo: 21"), load_catalogue())
    assert changed is not None
    assert changed.content_hash != default.content_hash
    assert len(default.content_hash) == 64


def test_a_loaded_policy_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        _load(None).version = "other"


def test_a_draft_with_errors_is_passed_over_unless_it_is_asked_for(tmp_path: Path) -> None:
    _file(tmp_path, "trial", status="draft", approver="null", scaling="{pdo: 20, base_score: 600}")
    assert _load(tmp_path).version == "2026.1"
    with pytest.raises(UsageError, match="base_odds_good_to_bad: missing"):
        _load(tmp_path, "trial")


def test_who_approved_it_is_no_content(tmp_path: Path) -> None:
    draft = read_policy(_file(tmp_path, "a", status="draft", approver="null"), load_catalogue())
    approved = read_policy(_file(tmp_path, "a", approver="somebody"), load_catalogue())
    assert draft.content_hash == approved.content_hash
