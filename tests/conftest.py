"""What every test may use: where the repository is, and where the real data sets are.

Put here: fixtures that more than one folder of tests needs. Keep out: fixtures of one folder (its own conftest.py), and
anything that replaces a part of the project by a stand-in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from risk_pipeline.store.register import Register

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repo_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """`real_data("ibm_ar")` -> that folder below RISK_DATA or ../shared/data. Absent: skipped, but in CI a failure."""

    def find(name: str) -> Path:
        base = Path(os.environ.get("RISK_DATA") or ROOT.parent / "shared" / "data")
        folder = base / name
        if not folder.exists():
            reason = f"the real data set {name} is absent: set RISK_DATA to the folder that holds it"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        return folder

    return find


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own RISK_* variables must not decide what a test finds."""
    for name in list(os.environ):
        if name.startswith("RISK_") and name not in ("RISK_DATA", "RISK_TEST_PG_URL"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL, started once for all tests that ask for it."""
    from tests.postgres import running_server

    with running_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A PostgreSQL URL with an empty schema of its own."""
    from tests.postgres import empty_schema

    with empty_schema(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a register that does not exist yet, on each database it may live in."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'warehouse' / 'register.db'}"


@pytest.fixture
def register(url: str) -> Iterator[Register]:
    """A new register on each database."""
    from risk_pipeline.store.register import Register

    with Register.open(url) as opened:
        yield opened
