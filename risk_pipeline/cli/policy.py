"""`policy lint|list|explain|diff|approve|retire`: the versions of the policy, their rules in words, how a draft becomes approved.

Put here: what these commands print. Keep out: the linter, the wording and the comparison (policy/), who may approve what
(pipeline.policy_versions).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import where_option
from risk_pipeline.cli.texts import Language, each
from risk_pipeline.errors import UsageError
from risk_pipeline.reporting.phrases import CODES
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from risk_pipeline.pipeline.policy_versions import Version
    from risk_pipeline.pipeline.rule_standing import Standing
    from risk_pipeline.policy.difference import Change
    from risk_pipeline.policy.model import Policy
    from risk_pipeline.policy.rules import Rule
    from risk_pipeline.policy.words import Speaker, Words
    from risk_pipeline.store.register import RecordedEvent

STATES = {"draft": ("draft", "草案"), "approved": ("approved", "已批准"), "retired": ("retired", "已停用")}
PROOFS: dict[str, Words] = {
    "shipped": ("shipped with the program", "随程序提供"),
    "recorded": ("approval in the audit log", "审批已入审计日志"),
    "changed": ("CHANGED since its approval", "审批后内容已变更"),
    "unrecorded": ("no approval in the audit log", "审计日志无审批记录"),
    "none": ("", ""),
}
WHEN, THEN, EVIDENCE = ("when", "条件"), ("then", "结果"), ("evidence", "证据")
NOTHING_PUBLISHED = ("nothing is published yet, so nothing is known about its evidence", "尚未发布评估，无法判断证据情况")
KINDS: dict[str, Words] = {"changed": ("changed", "变更"), "added": ("added", "新增"), "removed": ("removed", "删除")}
SAME = ("no difference of content", "内容无差异")


def lint_policies(root: Path, file: Path | None, as_json: bool) -> None:
    """Print every finding of one policy file, or of all of the workspace and the packaged default."""
    from risk_pipeline.factors.catalogue import load_catalogue
    from risk_pipeline.policy.lint import lint
    from risk_pipeline.policy.load import DEFAULT_POLICY, policy_files

    policies = [file] if file else [*policy_files(Workspace.load(root).policy_dir), DEFAULT_POLICY]
    catalogue = load_catalogue()
    findings = [finding for policy in policies for finding in lint(policy, catalogue)]
    if as_json:
        output.print_json({"files": policies, "findings": [asdict(finding) for finding in findings]})
    else:
        out = output.console()
        for finding in findings:
            out.print(str(finding), soft_wrap=True)
        out.print(f"{len(policies)} files, {len(findings)} findings")
    errors = sum(finding.severity == "error" for finding in findings)
    if errors:
        raise UsageError(f"{errors} of the findings are errors", remedy="mend the lines named above")


def list_policies(root: Path, as_json: bool) -> None:
    """Print every version: state, since when, by whom, which is in force today, whether its approval is on record."""
    from risk_pipeline.pipeline.policy_versions import versions

    workspace = Workspace.load(root)
    found = versions(workspace, _events(workspace), datetime.now(workspace.zone).date())
    if as_json:
        output.print_json({"policies": [_version_row(each) for each in found]})
        return
    out, language = output.console(), workspace.settings.language
    for version in found:
        if version.policy is None:
            out.print(f"  ?  {version.file.name}: {version.findings[0]}", soft_wrap=True)
            continue
        policy, mark = version.policy, "->" if version.in_force else "  "
        state, proof = _said(STATES[policy.status], language), _said(PROOFS[version.proof], language)
        errors = f"; {version.errors} errors" if version.errors else ""
        people = policy.author + (f", {policy.approver}" if policy.approver else "")
        out.print(f"{mark} {policy.version}  {state}  {policy.effective_from}  {people}{errors}", soft_wrap=True)
        detail = "; ".join(part for part in (version.file.name, policy.content_hash[:12], proof.replace("\n", " / ")) if part)
        out.print(f"     {detail}", soft_wrap=True)


def explain_rule(root: Path, name: str, version: str | None, as_json: bool) -> None:
    """Print a rule in words, what follows from it, and how it stands in the newest assessment."""
    from risk_pipeline.pipeline.rule_standing import standing
    from risk_pipeline.policy.rules import find, rules, unconditional

    workspace = Workspace.load(root)
    policy = _policy(workspace, version)
    found = find(policy, name)
    if not found:
        raise UsageError(
            f"policy {policy.version} has no rule {name}",
            remedy=_nearest(name, [each.id for each in (*rules(policy), *unconditional(policy))]),
        )
    speaker = _speaker(policy)
    if as_json:
        rows = [_rule_row(rule, policy, speaker, standing(workspace, rule)) for rule in found]
        output.print_json({"policy_version": policy.version, "rules": rows})
        return
    for rule in found:
        _print_rule(rule, policy, speaker, standing(workspace, rule), workspace.settings.language)


def diff_policies(root: Path, old: str, new: str | None, as_json: bool) -> None:
    """Print what changes from one version to another (default: to the first from the one in force), and whom it may touch."""
    from risk_pipeline.policy.difference import differences

    workspace = Workspace.load(root)
    before, after = (_policy(workspace, None), _policy(workspace, old)) if new is None else (
        _policy(workspace, old), _policy(workspace, new)
    )  # fmt: skip
    changes = differences(before, after)
    reach = _Reach(workspace, before, after)
    if as_json:
        rows = [{"place": c.place, "change": c.kind, "from": c.before, "to": c.after, "customers": reach.of(c)} for c in changes]
        output.print_json({"from": before.version, "to": after.version, "changes": rows})
        return
    out, language = output.console(), workspace.settings.language
    out.print(f"{before.version} ({before.status}) -> {after.version} ({after.status}, {after.effective_from})", soft_wrap=True)
    for change in changes:
        _print_change(change, reach, language)
    counted = Counter(change.kind for change in changes)
    total = each(language, lambda one: ", ".join(f"{n} {_one(KINDS[kind], one)}" for kind, n in counted.items()))
    out.print(total or _said(SAME, language), soft_wrap=True)


def approve_policy(root: Path, version: str, name: str, role: str | None, as_json: bool) -> None:
    """Make a draft an approved policy, with an event in the audit log."""
    from risk_pipeline.pipeline.policy_versions import approve

    _decide(root, "policy approve", as_json, lambda desk: approve(desk, version, name, role))


def retire_policy(root: Path, version: str, name: str, role: str | None, reason: str, as_json: bool) -> None:
    """Take an approved policy out of force, with an event in the audit log."""
    from risk_pipeline.pipeline.policy_versions import retire

    _decide(root, "policy retire", as_json, lambda desk: retire(desk, version, name, role, reason))


def _decide(root: Path, purpose: str, as_json: bool, act: Any) -> None:
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.people import Desk
    from risk_pipeline.store.lock import workspace_lock

    workspace = Workspace.load(root)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, purpose):
        version = act(Desk.open(workspace, register, datetime.now(UTC)))
    if as_json:
        output.print_json(_version_row(version))
        return
    policy = version.policy
    assert policy is not None
    said = f"policy {policy.version} is {policy.status}"
    if policy.status == "approved":
        said += f" by {policy.approver}, effective from {policy.effective_from}; content {policy.content_hash[:12]}"
    output.console().print(said, soft_wrap=True)
    if policy.status == "approved":
        output.console().print(f"  -> risk-pipeline policy list{where_option(workspace)}", soft_wrap=True)


# ---------------------------------------------------------------- words


def _speaker(policy: Policy) -> Speaker:
    """The catalogue's words for special codes come first, then those of the memo."""
    from risk_pipeline.factors.catalogue import load_catalogue
    from risk_pipeline.policy.words import Speaker

    codes = {code: (label.en, label.zh) for code, label in load_catalogue().codes.items()}
    return Speaker(policy, {**CODES, **codes})


def _print_rule(rule: Rule, policy: Policy, speaker: Speaker, stands: Standing | None, language: Language) -> None:
    from risk_pipeline.policy.rules import BLOCKS, consequences
    from risk_pipeline.policy.scopes import condition

    out, block = output.console(), BLOCKS.get(rule.block, (rule.block, rule.block))
    said = speaker.say(condition(rule.when, rule.scope), rule.scope)
    out.print(f"{rule.id}  {_said((f'{block[0]}: {rule.title[0]}', f'{block[1]}：{rule.title[1]}'), language)}", soft_wrap=True)
    out.print(f"  {rule.when}", soft_wrap=True)
    _lines(WHEN, [said], language)
    _lines(THEN, consequences(rule, policy, speaker), language)
    _lines(EVIDENCE, list(_standing_words(rule, speaker, stands)), language)


def _lines(head: Words, said: list[Words], language: Language) -> None:
    out = output.console()
    for one in ("en", "zh"):
        if language in (one, "both") and said:
            joined = ("; " if one == "en" else "；").join(_one(words, one) for words in said)
            out.print(f"  {_one(head, one)}{': ' if one == 'en' else '：'}{joined}", soft_wrap=True)


def _standing_words(rule: Rule, speaker: Speaker, stands: Standing | None) -> Iterator[Words]:
    if stands is None:
        yield NOTHING_PUBLISHED
        return
    if stands.struck is not None:
        yield (
            f"on {stands.as_of} it held for {stands.struck} of {stands.customers} customers",
            f"{stands.as_of} 共 {stands.customers} 户中有 {stands.struck} 户命中",
        )
    for name in stands.unknown:
        en, zh = speaker.column(name, rule.scope)
        yield (
            f"NO EVIDENCE on {stands.as_of} for “{en}” ({name}): what reads it cannot hold",
            f"{stands.as_of} 的评估中“{zh}”（{name}）没有证据，相应条件不会成立",
        )
    for name, count in stands.some.items():
        if count < stands.customers:
            en, zh = speaker.column(name, rule.scope)
            yield f"“{en}” is known of {count} of {stands.customers}", f"“{zh}”已知 {count}/{stands.customers} 户"


def _rule_row(rule: Rule, policy: Policy, speaker: Speaker, stands: Standing | None) -> dict[str, Any]:
    from risk_pipeline.policy.rules import consequences
    from risk_pipeline.policy.scopes import condition

    said = speaker.say(condition(rule.when, rule.scope), rule.scope)
    follows = consequences(rule, policy, speaker)
    return {
        "rule": rule.id,
        "block": rule.block,
        "title_en": rule.title[0],
        "title_zh": rule.title[1],
        "when": rule.when,
        "when_en": said[0],
        "when_zh": said[1],
        "then_en": [en for en, _ in follows],
        "then_zh": [zh for _, zh in follows],
        "columns": list(rule.columns),
        "as_of": stands.as_of if stands else None,
        "customers": stands.customers if stands else None,
        "struck": stands.struck if stands else None,
        "columns_without_evidence": list(stands.unknown) if stands else None,
    }


class _Reach:
    """How many customers of the newest assessment a change may touch, where a published table says it at little cost."""

    def __init__(self, workspace: Workspace, before: Policy, after: Policy) -> None:
        from risk_pipeline.pipeline.rule_standing import customers_by_segment_and_tier
        from risk_pipeline.policy.rules import rules

        self._workspace, self._counts = workspace, customers_by_segment_and_tier(workspace)
        self._classes = {segment.id: segment.caps_and_terms_of for segment in before.segments}
        self._rules = {(each.block, each.id): each for policy in (after, before) for each in rules(policy)}
        self.before = before

    def of(self, change: Change) -> int | None:
        """Customers whom the rule, the tier, the class or the scorecard of the change has today; None where nothing tells."""
        from risk_pipeline.pipeline.rule_standing import standing

        for length in (1, 2):
            block = ".".join(change.path[:length])
            rule = self._rules.get((block, change.path[length])) if len(change.path) > length else None
            if rule is not None:
                stands = standing(self._workspace, rule)
                return stands.struck if stands is not None else None
        cards = {segment.id: segment.scorecard for segment in self.before.segments}
        card = change.path[1] if change.path[0] == "scorecards" and len(change.path) > 1 else None
        tier = next((key for key in change.path if key in self.before.rated_and_unrated), None)
        klass = next((key for key in change.path if card is None and key in self._classes.values()), None)
        if not self._counts or (card, tier, klass) == (None, None, None):
            return None
        return sum(
            count
            for (segment, in_tier), count in self._counts.items()
            if card in (None, cards.get(segment)) and tier in (None, in_tier) and klass in (None, self._classes.get(segment))
        )


def _print_change(change: Change, reach: _Reach, language: Language) -> None:
    out, count = output.console(), reach.of(change)
    out.print(f"{change.place}: {_said(KINDS[change.kind], language)}", soft_wrap=True)
    if change.kind != "added":
        out.print(f"  - {_shown(change.before)}", soft_wrap=True)
    if change.kind != "removed":
        out.print(f"  + {_shown(change.after)}", soft_wrap=True)
    if change.path[-1] == "when":
        _lines(("in words", "即"), list(_conditions(change, reach.before)), language)
    if count is not None:
        touched = (f"customers it concerns in the newest assessment: {count}", f"最近一次评估涉及客户：{count} 户")
        _lines(("reach", "范围"), [touched], language)


def _conditions(change: Change, policy: Policy) -> Iterator[Words]:
    """The condition before and after, in words."""
    from risk_pipeline.policy.expression import ExpressionError
    from risk_pipeline.policy.scopes import CONDITIONS, condition

    scope = next((s for block, s in CONDITIONS.items() if change.place.startswith(f"{block}.")), "alert")
    for head, text in ((("before: ", "原："), change.before), (("now: ", "现："), change.after)):
        try:
            en, zh = _speaker(policy).say(condition(text, scope), scope)
        except ExpressionError:
            continue
        yield head[0] + en, head[1] + zh


# ---------------------------------------------------------------- small things


def _said(words: Words, language: Language) -> str:
    return each(language, lambda one: _one(words, one))


def _one(words: tuple[str, str], one: str) -> str:
    return words[one == "zh"]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(each)}" for key, each in value.items() if each is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _policy(workspace: Workspace, version: str | None) -> Policy:
    """The policy of that version, or the one in force today."""
    from risk_pipeline.factors.catalogue import load_catalogue
    from risk_pipeline.policy.load import load_policy

    today = datetime.now(workspace.zone).date()
    return load_policy(workspace.policy_dir, load_catalogue(), version=version or workspace.settings.policy, as_of=today)


def _events(workspace: Workspace) -> list[RecordedEvent]:
    """The audit log; empty in a workspace that has no register yet, which reading does not make."""
    from risk_pipeline.orchestration.workspaces import open_register

    if workspace.settings.register_url is None and not (workspace.warehouse / "register.db").exists():
        return []
    with open_register(workspace) as register:
        return register.events()


def _nearest(name: str, ids: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, ids, n=3, cutoff=0.5)
    return f"did you mean {', '.join(near)}?" if near else f"its rules are {', '.join(dict.fromkeys(ids))}"


def _version_row(version: Version) -> dict[str, Any]:
    policy = version.policy
    return {
        "file": version.file,
        "version": policy.version if policy else None,
        "status": policy.status if policy else None,
        "effective_from": policy.effective_from if policy else None,
        "author": policy.author if policy else None,
        "approver": policy.approver if policy else None,
        "content_hash": policy.content_hash if policy else None,
        "in_force": version.in_force,
        "approval": version.proof,
        "findings": [str(finding) for finding in version.findings],
    }
