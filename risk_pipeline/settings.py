"""The workspace: a folder of the user's with `risk.yaml`, `feeds/`, `policy/` and the state under `warehouse/`.

Put here: the settings model, how it is read, and every path derived from it. Keep out: the feed YAML (feeds.spec), the
policy (policy.model), and anything that opens the files found here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from risk_pipeline.errors import UsageError

ENV_PREFIX = "RISK_"
NOT_SETTINGS = {"RISK_WORKSPACE", "RISK_TEST_PG_URL", "RISK_DATA"}
REFERENCES = ("env:", "file:")  # to what is no business of a settings file


class Retention(BaseModel):
    """For how many years what was decided, and what was known, is kept at least (docs/retention.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decisions_years: int = Field(10, ge=1)
    evidence_years: int = Field(10, ge=1)

    @model_validator(mode="after")
    def _evidence_outlives(self) -> Retention:
        if self.evidence_years < self.decisions_years:
            raise ValueError("evidence_years must not be less than decisions_years: a decision is kept with its evidence")
        return self


class Deputy(BaseModel):
    """Somebody who acts for another in one of their roles, from a day to a day. The keys are `for`, `from` and `until`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    who: str
    acts_for: str = Field(alias="for")
    role: str
    first: date = Field(alias="from")
    last: date = Field(alias="until")


class OpenLineage(BaseModel):
    """Where events about runs and deliveries go (docs/lineage.md). `namespace` None = the name of the workspace's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    transport: Literal["file", "http", "none"] = "file"
    url: str | None = None
    api_key: str | None = None
    namespace: str | None = Field(None, min_length=1)
    timeout_seconds: float = Field(5, gt=0, le=60)

    @model_validator(mode="after")
    def _fits_transport(self) -> OpenLineage:
        if self.transport == "http":
            if self.url is None or not self.url.startswith((*REFERENCES, "http://", "https://")):
                raise ValueError("transport http wants url: the address of the collector, such as http://marquez:5000")
        elif self.model_fields_set & {"url", "api_key", "timeout_seconds"}:
            raise ValueError("url, api_key and timeout_seconds go with transport: http")
        if self.api_key is not None and not self.api_key.startswith(REFERENCES):
            raise ValueError("api_key wants a reference, env:NAME or file:PATH; the key itself would be a secret in the file")
        return self


class Settings(BaseModel):
    """`risk.yaml`. Unknown keys are refused; environment variables RISK_<KEY> override a value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reporting_currency: str = "EUR"
    time_zone: str = "UTC"
    language: Literal["en", "zh", "both"] = "both"
    schedule: str = "month_end"
    register_url: str | None = None
    policy: str | None = None
    data_root: str | None = None
    memory_limit: str = "1GB"
    control_tolerance: Decimal = Field(Decimal("1.00"), ge=0)
    control_tolerance_pct: float = Field(0.01, ge=0, le=100)
    threads: int | None = None
    people: dict[str, tuple[str, ...]] = {}
    retention: Retention = Retention()
    deputies: tuple[Deputy, ...] = ()
    openlineage: OpenLineage = OpenLineage()

    @field_validator("reporting_currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        if len(value) != 3 or not value.isalpha() or not value.isupper():
            raise ValueError("an ISO 4217 code such as EUR is expected")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("an IANA time zone such as Europe/Berlin or Asia/Shanghai is expected")
        return value

    @field_validator("schedule")
    @classmethod
    def _schedule(cls, value: str) -> str:
        if value not in ("month_end", "quarter_end") and len(value.split()) != 5:
            raise ValueError("month_end, quarter_end or a cron expression of five fields is expected")
        return value

    @field_validator("people")
    @classmethod
    def _people(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        names = [name.strip().casefold() for name in value]
        if "" in names or len(set(names)) < len(names):
            raise ValueError("every person has a name of their own; capitals do not tell two apart")
        without = next((name for name, roles in value.items() if not roles), None)
        if without is not None:
            raise ValueError(f"{without} has no role: write a list, for example [credit_analyst]")
        return value

    @field_validator("deputies")
    @classmethod
    def _deputies(cls, value: tuple[Deputy, ...], info: ValidationInfo) -> tuple[Deputy, ...]:
        roles = {name.strip().casefold(): roles for name, roles in info.data.get("people", {}).items()}
        for each in value:
            unknown = next((name for name in (each.who, each.acts_for) if name.strip().casefold() not in roles), None)
            if unknown is not None:
                raise ValueError(f"people names nobody called {unknown}")
            if each.who.strip().casefold() == each.acts_for.strip().casefold():
                raise ValueError(f"{each.who} is no deputy of their own")
            if each.role not in roles[each.acts_for.strip().casefold()]:
                raise ValueError(f"{each.acts_for} is not {each.role}, so {each.who} cannot act as such")
            if each.last < each.first:
                raise ValueError(f"from {each.first} until {each.last} is no time")
        return value


@dataclass(frozen=True)
class Workspace:
    """A workspace folder and its settings. Paths only; nothing is opened or created here."""

    root: Path
    settings: Settings

    @classmethod
    def load(cls, root: Path | str) -> Workspace:
        """Read `risk.yaml` below `root`. UsageError when the folder is no workspace or the file is wrong."""
        root = Path(root).resolve()
        path = root / "risk.yaml"
        if not path.is_file():
            raise UsageError(
                f"{root} is not a workspace: it has no risk.yaml",
                remedy="make one with `risk-pipeline init DIR`, or name it with -w DIR or RISK_WORKSPACE",
            )
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as exc:
            raise UsageError(f"{path}: not valid YAML: {exc}", remedy="mend the file at the line named above") from None
        if not isinstance(raw, dict):
            raise UsageError(f"{path}: expected `key: value` lines, found {type(raw).__name__}")
        try:
            settings = Settings(**{**raw, **_environment()})
        except ValidationError as exc:
            lines = [_told(path, error) for error in exc.errors()]
            keys = ", ".join(Settings.model_fields)
            raise UsageError("\n".join(lines), remedy=f"the keys of risk.yaml are {keys} (docs/settings.md)") from None
        return cls(root, settings)

    @property
    def feeds_dir(self) -> Path:
        return self.root / "feeds"

    @property
    def policy_dir(self) -> Path:
        return self.root / "policy"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def lake(self) -> Path:
        return self.warehouse / "lake"

    @property
    def catalogue(self) -> Path:
        return self.warehouse / "risk.duckdb"

    @property
    def lock_file(self) -> Path:
        return self.warehouse / "lock"

    @property
    def openlineage(self) -> Path:
        return self.warehouse / "openlineage"

    @property
    def dagster_home(self) -> Path:
        return self.warehouse / "dagster"

    @property
    def register_url(self) -> str:
        return resolve_secret(self.settings.register_url) or f"sqlite:///{self.warehouse / 'register.db'}"

    @property
    def data_root(self) -> Path:
        """Where relative source paths of the feeds start; the workspace itself unless `data_root` says otherwise."""
        configured = resolve_secret(self.settings.data_root)
        return (self.root / configured).resolve() if configured else self.root

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.time_zone)


def _told(path: Path, error: Any) -> str:
    """One wrong setting: file, line where the file has it, key, what is wrong, the value found."""
    key = str(error["loc"][0])
    at = (n for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if line.split(":")[0].strip() == key)
    line = next(at, None)
    place = f"{path}:{line}" if line else f"{path} (or {ENV_PREFIX}{key.upper()})"
    if error["type"] == "extra_forbidden":
        return f"{place}: {key} is no setting"
    return f"{place}: {key}: {error['msg'].removeprefix('Value error, ')}, found {error['input']!r}"


def resolve_secret(value: str | None) -> str | None:
    """`env:NAME` -> that variable, `file:PATH` -> that file's text, anything else as it is."""
    if value is None:
        return None
    if value.startswith("env:"):
        name = value.removeprefix("env:")
        if name not in os.environ:
            raise UsageError(
                f"the settings refer to the environment variable {name}, which is not set", remedy=f"export {name}=…"
            )
        return os.environ[name]
    if value.startswith("file:"):
        path = Path(value.removeprefix("file:"))
        if not path.is_file():
            raise UsageError(f"the settings refer to the file {path}, which does not exist")
        return path.read_text(encoding="utf-8").strip()
    return value


def _environment() -> dict[str, Any]:
    """Settings from RISK_<KEY>. A relative RISK_DATA_ROOT starts at the current folder, where whoever typed it stands."""
    names = {ENV_PREFIX + key.upper(): key for key in Settings.model_fields}
    found = {key: os.environ[env] for env, key in names.items() if env in os.environ and env not in NOT_SETTINGS}
    if not found.get("data_root", "env:").startswith(REFERENCES):
        found["data_root"] = str(Path(found["data_root"]).resolve())
    return found
