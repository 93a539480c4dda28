"""Paths of the lake, and a file that is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk_pipeline.errors import RiskError, UsageError
from risk_pipeline.store.lake import Lake
from tests.store_world import JANUARY


def test_paths_say_layer_table_date_and_run(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert lake.relative(lake.part_path("factor", "exposure", JANUARY, "r-1")) == "factor/exposure/2024-01-31/r-1.parquet"
    assert lake.relative(lake.feed_part("invoice", 7)) == "feed/invoice/00000007.parquet"
    assert lake.relative(lake.feed_closures("invoice", 7)) == "feed/invoice/closed/00000007.parquet"
    assert lake.absolute("feed/invoice/00000007.parquet") == lake.feed_part("invoice", 7)


@pytest.mark.parametrize("run_id", ["", "..", "../evil", "a/b", ".hidden", "a b", "a'b"])
def test_a_run_id_cannot_leave_the_lake(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(UsageError, match="file name"):
        Lake(tmp_path).part_path("factor", "exposure", JANUARY, run_id)


@pytest.mark.parametrize("path", ["../outside.parquet", "/etc/passwd", "feed/../../outside.parquet"])
def test_a_path_from_the_register_cannot_leave_the_lake(tmp_path: Path, path: str) -> None:
    with pytest.raises(RiskError, match="outside the lake"):
        Lake(tmp_path / "lake").absolute(path)


def test_only_paths_below_the_lake_have_a_relative_form(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not below the lake"):
        Lake(tmp_path / "lake").relative(tmp_path / "elsewhere.parquet")


def test_an_atomic_write_makes_folders_and_leaves_one_file(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "x.parquet"
    with Lake(tmp_path).write_atomic(target) as temporary:
        temporary.write_text("new")
        assert temporary.parent == target.parent
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_an_error_keeps_the_old_file_and_leaves_no_temporary(tmp_path: Path) -> None:
    target = tmp_path / "x.parquet"
    target.write_text("old")

    def fail_halfway() -> None:
        with Lake(tmp_path).write_atomic(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_write_that_wrote_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), Lake(tmp_path).write_atomic(tmp_path / "x.parquet"):
        pass
    assert list(tmp_path.iterdir()) == []
