"""Fixtures of the golden tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ledger_case import LedgerCase


@pytest.fixture
def case(tmp_path: Path) -> LedgerCase:
    """An empty ledger to write a case into."""
    return LedgerCase(tmp_path)
