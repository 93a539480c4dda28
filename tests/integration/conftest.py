"""What the integration tests share: the demo and the small ledger, assessed once for all modules that look at them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.made_once import made_once

if TYPE_CHECKING:
    from tests.assessed_ledger import Assessed
    from tests.demo_world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The demo workspace after its year; only to be looked at."""
    from tests.demo_world import live_the_year

    return made_once(tmp_path_factory, "demo", live_the_year)


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small ledger, taken in; for copies."""
    from tests.assessed_ledger import ingest_small_ledger

    return made_once(tmp_path_factory, "ingested", ingest_small_ledger)


@pytest.fixture(scope="session")
def november(tmp_path_factory: pytest.TempPathFactory, ingested: Path) -> Assessed:
    """The small ledger with November assessed; to be looked at, or copied."""
    from tests.assessed_ledger import assessed_copy
    from tests.small_ledger import NOVEMBER

    return made_once(tmp_path_factory, "november", lambda folder: assessed_copy(folder, ingested, NOVEMBER))


@pytest.fixture(scope="session")
def december(tmp_path_factory: pytest.TempPathFactory, ingested: Path) -> Assessed:
    """The small ledger with December assessed; to be looked at, or copied."""
    from tests.assessed_ledger import assessed_copy
    from tests.small_ledger import DECEMBER

    return made_once(tmp_path_factory, "december", lambda folder: assessed_copy(folder, ingested, DECEMBER))


@pytest.fixture(scope="session")
def two_dates(tmp_path_factory: pytest.TempPathFactory, november: Assessed) -> Assessed:
    """The small ledger with November assessed and December after it; to be looked at, or copied."""
    from tests.assessed_ledger import assessed_copy
    from tests.small_ledger import DECEMBER

    return made_once(tmp_path_factory, "two_dates", lambda folder: assessed_copy(folder, november.folder, DECEMBER))
