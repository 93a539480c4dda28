"""The versions of the policy in a workspace: which there are, and how a draft becomes approved, and an approved one retired.

Put here: the four-eyes rule of the policy, the change in the file, the audit event. Keep out: what a policy may say (policy/),
which version a run takes (policy/load.py), printing (cli). The content stays as it was: only `status` and `approver` are written,
so the content hash, which the audit log keeps, is that of what was approved.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.pipeline.people import Desk
from risk_pipeline.policy.lint import Finding, check
from risk_pipeline.policy.load import DEFAULT_POLICY, policy_files
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import RecordedEvent

APPROVED, RETIRED = "policy.approved", "policy.retired"
Proof = Literal["shipped", "recorded", "changed", "unrecorded", "none"]


@dataclass(frozen=True)
class Version:
    """One version. `policy`: None when the file cannot be read. `in_force`: a run of today takes it. `proof` of an approval: the
    audit log has it (`recorded`), has it for another content (`changed`), or has none (`unrecorded`); `none`: not approved.
    """

    file: Path
    policy: Policy | None
    findings: tuple[Finding, ...]
    in_force: bool
    proof: Proof

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)


def versions(workspace: Workspace, events: Sequence[RecordedEvent], today: date) -> list[Version]:
    """Every version, the shipped one first, then by file name. `events`: the audit log."""
    catalogue = load_catalogue()
    read = [(path, *check(path, catalogue)) for path in [DEFAULT_POLICY, *policy_files(workspace.policy_dir)]]
    sound = [(path, p) for path, p, found in read if p is not None and not any(each.severity == "error" for each in found)]
    candidates = [(path, p) for path, p in sound if p.status == "approved" and p.effective_from <= today]
    newest = max(candidates, key=lambda one: (one[1].effective_from, one[0] != DEFAULT_POLICY), default=(None, None))[0]
    named = workspace.settings.policy
    in_force = next((path for path, p in reversed(sound) if p.version == named), None) if named else newest
    return [Version(path, p, tuple(found), path == in_force, _proof(path, p, events)) for path, p, found in read]


def approve(desk: Desk, version: str, name: str, role: str | None) -> Version:
    """Approve a draft. The caller holds the workspace lock.

    UsageError for an unknown version or person and for a draft with errors; Refused for a version that is no draft, for its
    author, for somebody without the authority, and for a day from which another approved version is effective.
    """
    found, policy = _found(desk, version)
    by = desk.person(name, role)
    subject = f"policy {version}"
    if policy.status != "draft":
        raise Refused(f"policy {version} is {policy.status}, not a draft", remedy="a changed policy gets a version of its own")
    if by.answers_for(policy.author):
        said = f"{by.acts_for or by.name} wrote policy {version} and cannot approve it{by.either}: two people decide"
        remedy = "another person approves"
        desk.deny(by, "policy.denied", subject, "self_approval", said, remedy)
    may = approvers(desk.policy)
    if by.role not in may:
        said = f"{by.name} ({by.role}) may not approve a policy"
        desk.deny(by, "policy.denied", subject, "role_not_authorised", said, f"one of {', '.join(may)} may")
    for other in versions(desk.workspace, (), desk.day):
        same = other.policy is not None and other.policy.status == "approved" and other.file not in (found.file, DEFAULT_POLICY)
        if same and other.policy is not None and other.policy.effective_from == policy.effective_from:
            raise Refused(
                f"{other.file.name} is approved and effective from {policy.effective_from} too",
                remedy=f"change effective_from in {found.file.name}, or retire {other.policy.version}",
            )
    hashed = {"content_hash": policy.content_hash, "effective_from": policy.effective_from, "author": policy.author}
    event = desk.event(by, APPROVED, subject, file=found.file.name, **hashed)
    _rewrite(found.file, policy, {"status": "approved", "approver": by.name}, lambda: desk.register.add_event(event))
    return _found(desk, version)[0]


def retire(desk: Desk, version: str, name: str, role: str | None, reason: str) -> Version:
    """Take an approved version out of force. The caller holds the workspace lock.

    UsageError and Refused as `approve`, and for the version that was shipped. Whoever may approve may retire, the author too.
    """
    found, policy = _found(desk, version)
    by = desk.person(name, role)
    subject = f"policy {version}"
    if not reason.strip():
        raise UsageError("--reason is empty", remedy="retiring a policy is recorded with a reason")
    if policy.status != "approved":
        raise Refused(f"policy {version} is {policy.status}, not approved", remedy="only an approved policy is retired")
    may = approvers(desk.policy)
    if by.role not in may:
        said = f"{by.name} ({by.role}) may not retire a policy"
        desk.deny(by, "policy.denied", subject, "role_not_authorised", said, f"one of {', '.join(may)} may")
    event = desk.event(by, RETIRED, subject, file=found.file.name, content_hash=policy.content_hash, reason=reason.strip())
    _rewrite(found.file, policy, {"status": "retired"}, lambda: desk.register.add_event(event))
    return _found(desk, version)[0]


def approvers(policy: Policy) -> tuple[str, ...]:
    """The roles that may approve a policy, by the one in force: `authorities.policy_roles`, else every level of authority."""
    return policy.authorities.policy_roles or tuple(level.role for level in policy.authorities.levels)


def _found(desk: Desk, version: str) -> tuple[Version, Policy]:
    every = versions(desk.workspace, desk.register.events(), desk.day)
    found = next((each for each in reversed(every) if each.policy is not None and each.policy.version == version), None)
    if found is None or found.policy is None:
        unread = [str(finding) for each in every if each.policy is None for finding in each.findings]
        known = ", ".join(each.policy.version for each in every if each.policy is not None)
        raise UsageError("\n".join([f"there is no policy version {version}", *unread]), remedy=f"versions found: {known}")
    if found.file == DEFAULT_POLICY:
        raise UsageError(
            f"policy {version} is the shipped one", remedy="copy it into policy/ of the workspace under another version"
        )
    if found.errors:
        errors = [str(finding) for finding in found.findings if finding.severity == "error"]
        raise UsageError("\n".join(errors), remedy="mend these lines; `risk-pipeline policy lint` checks again")
    return found, found.policy


def _proof(path: Path, policy: Policy | None, events: Sequence[RecordedEvent]) -> Proof:
    if policy is None or policy.status == "draft":
        return "none"
    if path == DEFAULT_POLICY:
        return "shipped"
    acts = [e for e in events if e.action in (APPROVED, RETIRED) and e.subject == f"policy {policy.version}"]
    if not acts or (policy.status == "approved") != (acts[-1].action == APPROVED):
        return "unrecorded"
    return "recorded" if acts[-1].detail.get("content_hash") == policy.content_hash else "changed"


def _rewrite(path: Path, policy: Policy, values: dict[str, str], record: Callable[[], object]) -> None:
    """Write top-level values into the file, comments kept. `record` is called when the new text is sound, before it stands."""
    text = path.read_text(encoding="utf-8")
    for key, value in values.items():
        written = value if key == "status" else json.dumps(value, ensure_ascii=False)
        text, count = re.subn(rf"(?m)^({key}:[ \t]*)(\"[^\"\n]*\"|'[^'\n]*'|[^\s#]+)", lambda m, w=written: m[1] + w, text)  # type: ignore[misc]
        if count != 1:
            raise UsageError(
                f"{path}: no line begins with `{key}:` and a value", remedy=f"write `{key}: ...` on a line of its own"
            )
    fresh, findings = check(text, load_catalogue())
    if fresh is None or fresh.content_hash != policy.content_hash or any(f.severity == "error" for f in findings):
        raise UsageError(f"{path}: {', '.join(values)} cannot be written there", remedy="write each on a line of its own")
    waiting = path.with_name(f".{path.name}.new")
    waiting.write_text(text, encoding="utf-8")
    try:
        record()
        os.replace(waiting, path)
    finally:
        waiting.unlink(missing_ok=True)
