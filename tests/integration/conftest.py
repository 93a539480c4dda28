"""What the integration tests share: the demo, assessed once for all modules that look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.demo_world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The demo workspace at the month ends DATES."""
    from risk_pipeline.demo.generator import generate
    from tests.demo_world import DATES, run

    root = tmp_path_factory.mktemp("demo")
    return run(root, generate(root), DATES)
