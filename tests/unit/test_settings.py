"""risk.yaml: what is wrong is said with file, line, key and value."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk_pipeline.errors import UsageError
from risk_pipeline.settings import Workspace

DEPUTY = """\
people: {{mia: [credit_manager], ben: [legal]}}
deputies: [{{who: {who}, for: {acts}, role: {role}, from: 2026-07-01, until: {last}}}]
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("language: en\nreporting_curency: EUR\n", "risk.yaml:2: reporting_curency is no setting"),
        (
            "time_zone: Mars\n",
            "risk.yaml:1: time_zone: an IANA time zone such as Europe/Berlin or Asia/Shanghai is expected, found 'Mars'",
        ),
        ("reporting_currency: euro\n", "found 'euro'"),
        ("schedule: sometimes\n", "risk.yaml:1: schedule: month_end, quarter_end or a cron expression"),
        ("people: {anna: []}\n", "risk.yaml:1: people: anna has no role"),
        ("people: {anna: [cfo], Anna: [legal]}\n", "every person has a name of their own"),
        (
            DEPUTY.format(who="ben", acts="mia", role="cfo", last="2026-07-14"),
            "risk.yaml:2: deputies: mia is not cfo, so ben cannot",
        ),
        (DEPUTY.format(who="ben", acts="Ben", role="legal", last="2026-07-14"), "ben is no deputy of their own"),
        (DEPUTY.format(who="zoe", acts="mia", role="credit_manager", last="2026-07-14"), "people names nobody called zoe"),
        (
            DEPUTY.format(who="ben", acts="mia", role="credit_manager", last="2026-06-30"),
            "from 2026-07-01 until 2026-06-30 is no time",
        ),
        (DEPUTY.format(who="ben", acts="mia", role="credit_manager", last="soon"), "deputies"),
        ("openlineage: {transport: http}\n", "risk.yaml:1: openlineage: transport http wants url"),
        ("openlineage: {transport: http, url: marquez}\n", "openlineage: transport http wants url"),
        ("openlineage: {url: 'http://m'}\n", "openlineage: url, api_key and timeout_seconds go with transport: http"),
        ("openlineage: {transport: http, url: 'http://m', api_key: s3cret}\n", "openlineage: api_key wants a reference"),
        ("openlineage: {transport: kafka}\n", "openlineage"),
        ("- a list\n", "expected `key: value` lines"),
        ("language: [en\n", "not valid YAML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "risk.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        Workspace.load(tmp_path)
    assert told in str(error.value)


def test_a_setting_from_the_environment_is_named_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "risk.yaml").write_text("", encoding="utf-8")
    monkeypatch.setenv("RISK_TIME_ZONE", "Mars")
    with pytest.raises(UsageError, match=r"\(or RISK_TIME_ZONE\): time_zone: an IANA"):
        Workspace.load(tmp_path)


def test_a_folder_without_settings_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is not a workspace: it has no risk\.yaml"):
        Workspace.load(tmp_path)
