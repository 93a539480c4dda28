"""Choosing the policy of a run: the packaged default and the workspace's `policy/*.yaml`.

Put here: which version is in force at a date, and reading a version by name. Keep out: what a policy may say (model.py,
lint.py) and what it decides (decision/). A file with errors is refused whole, with every finding.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from importlib import resources
from pathlib import Path

from risk_pipeline.errors import UsageError
from risk_pipeline.policy.lint import FactorCatalogue, check
from risk_pipeline.policy.model import Policy

DEFAULT_POLICY = Path(str(resources.files("risk_pipeline.policy").joinpath("default.yaml")))


def load_policy(policy_dir: Path | None, catalogue: FactorCatalogue, *, version: str | None = None, as_of: date) -> Policy:
    """The policy of that version; without a version the one in force at `as_of`: approved, newest effective_from <= as_of.

    `policy_dir` holds the workspace's versions beside the packaged default (None = the default alone); a file with the
    version name of the default replaces it. UsageError, naming file and line, for a policy with findings, two files with
    one version, two approved policies effective from one day, or nothing to choose.
    """
    policies = _all(policy_dir, catalogue, version)
    if version is not None:
        if version not in policies:
            raise UsageError(f"there is no policy version {version}", remedy=f"versions found: {', '.join(sorted(policies))}")
        return policies[version][1]
    in_force = [(path, p) for path, p in policies.values() if p.status == "approved" and p.effective_from <= as_of]
    if not in_force:
        raise UsageError(f"no approved policy is in force at {as_of}", remedy="check status and effective_from of policy/*.yaml")
    newest = max(policy.effective_from for _, policy in in_force)
    chosen = [(path, policy) for path, policy in in_force if policy.effective_from == newest]
    if len(chosen) > 1:
        chosen = [(path, policy) for path, policy in chosen if path != DEFAULT_POLICY]  # the workspace's own comes first
    if len(chosen) > 1:
        names = ", ".join(path.name for path, _ in chosen)
        raise UsageError(f"two approved policies are effective from {newest}: {names}", remedy="give each its own effective_from")
    return chosen[0][1]


def read_policy(path: Path, catalogue: FactorCatalogue) -> Policy:
    """The policy of one file; UsageError with every finding (file:line) when it has errors."""
    try:
        state = path.stat()
    except OSError:
        return _read(path, 0, 0, catalogue)  # which says why it cannot be read
    return _read(path, state.st_mtime_ns, state.st_size, catalogue)


@lru_cache(maxsize=32)
def _read(path: Path, modified_ns: int, size: int, catalogue: FactorCatalogue) -> Policy:
    """A file that did not change is not linted again: half of what opening a run costs, and a backfill opens many."""
    policy, findings = check(path, catalogue)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors or policy is None:
        raise UsageError("\n".join(map(str, errors)), remedy="mend these lines; `risk-pipeline policy lint` checks again")
    return policy


def policy_files(policy_dir: Path | None) -> list[Path]:
    """The policy files of a workspace, by name."""
    return sorted([*policy_dir.glob("*.yaml"), *policy_dir.glob("*.yml")]) if policy_dir and policy_dir.is_dir() else []


def _all(policy_dir: Path | None, catalogue: FactorCatalogue, asked: str | None = None) -> dict[str, tuple[Path, Policy]]:
    """Every version. A draft with errors is somebody's work: it stands in nobody's way unless it is `asked` for."""
    default = read_policy(DEFAULT_POLICY, catalogue)
    policies = {default.version: (DEFAULT_POLICY, default)}
    for path in policy_files(policy_dir):
        try:
            policy = read_policy(path, catalogue)
        except UsageError:
            if _draft(path) not in (None, asked):
                continue
            raise
        other = policies.get(policy.version)
        if other is not None and other[0] != DEFAULT_POLICY:
            raise UsageError(f"{path} and {other[0]} are both version {policy.version}", remedy="give each its own version")
        policies[policy.version] = (path, policy)
    return policies


def _draft(path: Path) -> str | None:
    """The version that a file with errors says to be a draft of; None when it says no such thing."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    status, version = (re.search(rf"(?m)^{key}:[ \t]*[\"']?([^\"'#\n]+)", text) for key in ("status", "version"))
    return version[1].strip() if version and status and status[1].strip() == "draft" else None
