"""Where relative data paths start: a setting at the workspace, an environment variable where the user stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk_pipeline.settings import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "ws"
    root.mkdir()
    (root / "risk.yaml").write_text("data_root: ../data\n", encoding="utf-8")
    return root


def test_a_path_in_the_file_starts_at_the_workspace(workspace: Path) -> None:
    assert Workspace.load(workspace).data_root == workspace.parent / "data"


def test_a_path_in_the_environment_starts_at_the_current_folder(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = workspace.parent / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("RISK_DATA_ROOT", "../elsewhere")
    assert Workspace.load(workspace).data_root == workspace.parent / "elsewhere"


def test_the_variable_may_name_another_variable(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISK_DATA_ROOT", "env:MY_DATA")
    monkeypatch.setenv("MY_DATA", str(workspace.parent / "mine"))
    assert Workspace.load(workspace).data_root == workspace.parent / "mine"
