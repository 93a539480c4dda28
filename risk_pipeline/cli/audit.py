"""`audit`: the log of what was done by whom, its end for the safe, and whether everything is still as it says.

Put here: reading what was typed and what is printed. Keep out: comparing with the log (pipeline.audit_verify).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import one_date, where_option
from risk_pipeline.cli.texts import both
from risk_pipeline.errors import RiskError, UsageError
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from risk_pipeline.pipeline.audit_verify import Place, Verification
    from risk_pipeline.store.register import RecordedEvent

SCREEN_ROWS = 20
SCREEN_FINDINGS = 50
REFUSED = 3
NAMES: dict[Place, tuple[str, str]] = {
    "register": ("register", "登记库"),
    "log": ("events of the log", "日志事件"),
    "delivery": ("deliveries", "交付批次"),
    "run": ("runs", "评估运行"),
    "snapshot": ("snapshots", "发布快照"),
    "file": ("files of the lake", "数据湖文件"),
    "policy": ("policies", "政策版本"),
    "catalogue": ("catalogue", "目录库"),
}


@dataclass(frozen=True)
class Wanted:
    """Which events, as typed. `action` may be the beginning of one, such as `override`."""

    action: str | None
    by: str | None
    subject: str | None
    since: str | None
    until: str | None
    limit: int | None


def verify_log(root: Path, head: Path | None, as_json: bool) -> None:
    """Verify and print what was found. Exit code 3 when something is broken."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.audit_verify import read_head, verify

    workspace = Workspace.load(root)
    exported = read_head(head) if head is not None else None
    _refuse_without_register(workspace)
    with open_register(workspace) as register:
        found = verify(workspace, register, datetime.now(workspace.zone).date(), exported)
    _print_verification(workspace, found, exported is not None, as_json)
    if not found.intact:
        raise typer.Exit(REFUSED)


def show_head(root: Path, export: Path | None) -> None:
    """Print the end of the log as JSON, or write it to a new file."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.audit_verify import head_of

    workspace = Workspace.load(root)
    _refuse_without_register(workspace)
    with open_register(workspace) as register:
        head = head_of(register)
    if export is None:
        output.print_json(asdict(head))
        return
    try:
        with export.open("x", encoding="utf-8") as file:
            file.write(output.json_text(asdict(head)))
    except FileExistsError:
        raise UsageError(f"{export} is there already", remedy="a head is kept, not written over: name a new file") from None
    except OSError as exc:
        raise RiskError(f"{export} cannot be written: {exc.strerror}") from None
    typer.echo(f"event {head.seq}, hash {head.hash}, written to {export}")
    typer.echo(f"Keep it where nobody who can write this workspace can: risk-pipeline audit verify --head {export}")


def list_events(root: Path, wanted: Wanted, as_json: bool) -> None:
    """Print the events asked for, the newest first."""
    from risk_pipeline.orchestration.workspaces import open_register

    workspace = Workspace.load(root)
    _refuse_without_register(workspace)
    with open_register(workspace) as register:
        every = register.events()
    rows = [event for event in reversed(every) if _is_wanted(event, wanted, workspace)]
    shown = rows[: wanted.limit or (None if as_json else SCREEN_ROWS)]
    if as_json:
        output.print_json({"events": len(rows), "rows": [_event_row(event) for event in shown]})
        return
    out = output.console()
    if not shown:
        out.print("no event")
        return
    zone = workspace.zone
    told = [(e.seq, f"{e.at.astimezone(zone):%Y-%m-%d %H:%M}", e.actor, e.action, _short(e.subject)) for e in shown]
    out.print(output.table(["event", "at", "by", "what", "about"], told, numeric=[0], fold=[2, 3, 4]))
    if len(rows) > len(shown):
        out.print(f"the newest {len(shown)} of {len(rows)}; more with --limit, all with --json")


def list_duties(root: Path, as_json: bool) -> None:
    """Print every breach of a duty, and which of them would block a publication under the policy in force."""
    from risk_pipeline.factors.catalogue import load_catalogue
    from risk_pipeline.gates.duties import RULES
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.duties import duties
    from risk_pipeline.policy.load import load_policy

    workspace, now = Workspace.load(root), datetime.now(UTC)
    _refuse_without_register(workspace)
    today = now.astimezone(workspace.zone).date()
    policy = load_policy(workspace.policy_dir, load_catalogue(), version=workspace.settings.policy, as_of=today)
    with open_register(workspace) as register:
        found = duties(workspace, register, now)
    if as_json:
        rows = [{**asdict(each.violation), "run_id": each.run_id, "as_of": each.as_of} for each in found.breaches]
        blocking = list(policy.duties.block)
        output.print_json({"violations": len(rows), "rows": rows, "blocking": blocking, "attempts_refused": found.refused})
        return
    out = output.console()
    for rule in RULES:
        mine = [each for each in found.breaches if each.violation.duty == rule.name]
        if mine:
            blocks = f" (blocks a publication under policy {policy.version})" if rule.name in policy.duties.block else ""
            output.heading(out, f"{both(rule.en, rule.zh, workspace.settings.language)}{blocks}")
            told = [
                (v.subject, v.customer_id or "", v.person, f"{each.as_of}" if each.run_id else "")
                for each in mine
                for v in (each.violation,)
            ]
            out.print(output.table(["about", "customer", "by", "run of"], told, fold=[0, 1, 2]))
    count = len(found.breaches)
    en = f"{count or 'no'} breach{'' if count == 1 else 'es'} of {len(RULES)} duties"
    zh = f"{len(RULES)} 项职责分离要求：{f'{count} 处违反' if count else '均未违反'}"
    out.print(both(en, zh, workspace.settings.language))
    if found.refused:
        out.print(f"{found.refused} attempts were refused: risk-pipeline audit list shows them as *.denied")


def _refuse_without_register(workspace: Workspace) -> None:
    """Reading makes no register: a workspace that was never used has no log, and one whose register is gone must not look new."""
    if workspace.settings.register_url is None and not (workspace.warehouse / "register.db").exists():
        raise RiskError(
            f"{workspace.root} has no register: nothing was ever delivered, or it was deleted",
            remedy="restore warehouse/register.db from its backup, or begin with risk-pipeline ingest",
        )


def _is_wanted(event: RecordedEvent, wanted: Wanted, workspace: Workspace) -> bool:
    day = event.at.astimezone(workspace.zone).date()
    return (
        (wanted.action is None or event.action == wanted.action or event.action.startswith(f"{wanted.action}."))
        and (wanted.by is None or event.actor.strip().casefold() == wanted.by.strip().casefold())
        and (wanted.subject is None or wanted.subject.casefold() in event.subject.casefold())
        and (wanted.since is None or day >= one_date(wanted.since, "--since"))
        and (wanted.until is None or day <= one_date(wanted.until, "--until"))
    )


def _event_row(event: RecordedEvent) -> dict[str, Any]:
    names = ("seq", "at", "actor", "action", "subject", "detail", "previous_hash", "hash")
    return {name: dict(event.detail) if name == "detail" else getattr(event, name) for name in names}


def _short(subject: str) -> str:
    """A run by the first digits of its id."""
    kind, _, name = subject.partition(" ")
    return f"{kind} {name[:8]}…" if kind == "run" and len(name) > 12 else subject


def _print_verification(workspace: Workspace, found: Verification, with_head: bool, as_json: bool) -> None:
    if as_json:
        output.print_json(
            {
                "intact": found.intact,
                "head": asdict(found.head),
                "compared_with_exported_head": with_head,
                "checked": found.checked,
                "bytes": found.bytes,
                "findings": [asdict(finding) for finding in found.findings],
                "not_vouched_for": found.unvouched,
            }
        )
        return
    out, language = output.console(), workspace.settings.language
    broken = {place: sum(finding.place == place for finding in found.findings) for place in NAMES}
    rows = [
        (both(*name, language), found.checked[place], broken[place], len(found.unvouched[place]))
        for place, name in NAMES.items()
        if place != "register" or broken[place]
    ]
    columns = (("looked at", "已核对"), ("broken", "损坏"), ("not vouched for", "无日志佐证"))
    out.print(output.table(["", *(both(*each, language, "\n") for each in columns)], rows, numeric=[1, 2, 3]))
    for finding in found.findings[:SCREEN_FINDINGS]:
        by = f" (event {finding.event} vouches for it)" if finding.event is not None and finding.place != "log" else ""
        out.print(f"BROKEN  {finding.name}: {finding.what}{by}", soft_wrap=True)
    if len(found.findings) > SCREEN_FINDINGS:
        out.print(f"the first {SCREEN_FINDINGS} of {len(found.findings)}; all with --json")
    for place, names in found.unvouched.items():
        if names:
            told = both(*NAMES[place], language)
            out.print(f"Not vouched for by the log, {told}: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}")
    for en, zh in _verdict(workspace, found, with_head):
        out.print(both(en, zh, language, "\n"), soft_wrap=True)


def _verdict(workspace: Workspace, found: Verification, with_head: bool) -> list[tuple[str, str]]:
    """What it comes to, in English and Chinese."""
    if not found.intact:
        en = "Restore what is broken from a backup; `risk-pipeline replay DATE` shows whether figures are still the same."
        return [(en, "请从备份恢复损坏部分；`risk-pipeline replay DATE` 可查明数据是否仍与发布时一致。")]
    seq, chain = found.head.seq, found.head.hash
    said = [
        (f"Everything is as the log says; it ends at event {seq}, hash {chain}.", f"全部与日志一致；日志止于第 {seq} 号事件。")
    ]
    if found.catalogue_event is not None and found.catalogue_event < seq:
        behind = f"risk-pipeline catalogue rebuild{where_option(workspace)}"
        en = f"The catalogue was built after event {found.catalogue_event}; its results are those. To show all: {behind}"
        said.append((en, f"目录库建于第 {found.catalogue_event} 号事件之后，其评估结果一致；更新目录库：{behind}"))
    if any(found.unvouched.values()):
        en = f"Nothing is broken, and what is named above is not vouched for; the log ends at event {seq}, hash {chain}."
        said[0] = (en, f"未发现损坏；以上所列无日志佐证；日志止于第 {seq} 号事件。")
    if not with_head:
        typed = f"risk-pipeline audit head --export FILE{where_option(workspace)}"
        said.append(
            (
                f"That nothing was cut off its end is shown by a head kept elsewhere: {typed}",
                f"日志末尾是否被截断，须凭另行保管的日志末端证明：{typed}",
            )
        )
    return said
