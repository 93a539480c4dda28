"""The commands: their names, options and help texts, and how every error ends.

Put here: what a user types and reads in `--help`. Keep out: what a command does (the other modules, imported when it runs)
and anything that makes `--help` slow: this module imports typer and the standard library only.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from risk_pipeline.errors import RiskError

app = typer.Typer(
    name="risk-pipeline",
    help="Re-assess every business customer at set dates: risk tier, credit limit, terms, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="-w DIR names the workspace, before or after the command. "
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by a gate, 4 another run holds the workspace.",
)
policy_app = typer.Typer(help="The credit policy of the workspace.", no_args_is_help=True)
quarantine_app = typer.Typer(help="Rows that were rejected, and why.", no_args_is_help=True)
finding_app = typer.Typer(help="Possible hits on sanctions lists, and the verdicts on them.", no_args_is_help=True)
delivery_app = typer.Typer(help="What was delivered, and taking it back.", no_args_is_help=True)
catalogue_app = typer.Typer(help="The DuckDB file analysts open.", no_args_is_help=True)
feeds_app = typer.Typer(help="Which file feeds what: propose a feed YAML, try one.", no_args_is_help=True)
override_app = typer.Typer(
    help="Tiers and limits changed, holds released by hand: one asks, another approves.", no_args_is_help=True
)
alerts_app = typer.Typer(help="Early warnings, and what people do about them.", no_args_is_help=True)
treatment_app = typer.Typer(help="What is to be done about customers, and what people did.", no_args_is_help=True)
limit_app = typer.Typer(help="Computed limits that wait for a person.", no_args_is_help=True)
customer_state_app = typer.Typer(
    help="Customers suspended, ended or taken back: one proposes, another approves.", no_args_is_help=True
)
audit_app = typer.Typer(help="What was done by whom, and whether everything still is as it was.", no_args_is_help=True)
app.add_typer(feeds_app, name="feeds")
app.add_typer(policy_app, name="policy")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(delivery_app, name="delivery")
app.add_typer(catalogue_app, name="catalogue")
app.add_typer(finding_app, name="finding")
app.add_typer(override_app, name="override")
app.add_typer(alerts_app, name="alerts")
app.add_typer(treatment_app, name="treatment")
app.add_typer(limit_app, name="limit")
app.add_typer(customer_state_app, name="customer-state")
app.add_typer(audit_app, name="audit")

WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", metavar="DIR", help="The workspace; default: RISK_WORKSPACE, else the current folder."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON with stable keys (docs/command_line.md).")]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show Dagster's own log.")]
PolicyOption = Annotated[
    str | None, typer.Option("--policy", metavar="VERSION", help="Policy version; default: the one in force.")
]
LauncherOption = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who launches it; default: RISK_USER, else the user of the system.")
]
LastGoodOption = Annotated[bool, typer.Option("--use-last-good", help="Go on with what is stored when a delivery is refused.")]
KnownAtOption = Annotated[
    str,
    typer.Option("--known-at", metavar="WHEN", help="What may be known: now, as-of (the end of the date), or a timestamp."),
]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="Assessment date; default: the newest published.")
]


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    demo: Annotated[bool, typer.Option("--demo", help="Fill it with a generated ledger that tells stories.")] = False,
) -> None:
    """Make a workspace: settings, a place for feeds and policies."""
    from risk_pipeline.cli.setup import make_workspace

    make_workspace(directory, demo)


@feeds_app.command("infer")
def feeds_infer(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export: CSV, TSV, Excel, Parquet, JSON Lines.")],
    feed: Annotated[str | None, typer.Option("--feed", metavar="NAME", help="Only this feed; default: all it can serve.")] = None,
    date_order: Annotated[
        str | None, typer.Option("--date-order", metavar="ORDER", help="dmy, mdy or ymd, for dates that do not show it.")
    ] = None,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="CODE", help="Of all amounts, where no column says it.")
    ] = None,
    decimal: Annotated[
        str | None, typer.Option("--decimal", metavar="MARK", help="Point or comma, for numbers that do not show it.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", metavar="NAME", help="Of a text file that does not prove it.")
    ] = None,
    sheet: Annotated[str | None, typer.Option("--sheet", metavar="SHEET", help="Name or number of an Excel sheet.")] = None,
    date_format: Annotated[
        list[str] | None, typer.Option("--date-format", metavar="COLUMN=FORMAT", help="Of one column, for example excel_serial.")
    ] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="CANONICAL=COLUMN", help="Which column is which; may be repeated.")
    ] = None,
    constant: Annotated[
        list[str] | None, typer.Option("--set", metavar="CANONICAL=VALUE", help="The same in every row; may be repeated.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Write the YAML into feeds/ of the workspace.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Propose feed YAML for a file, each guess with its evidence, each doubt named. Stores nothing."""
    from risk_pipeline.cli.feeds import Options, infer_file

    options = Options(feed, date_order, currency, decimal, encoding, sheet, date_format or [], mapping or [], constant or [])
    infer_file(_root(context, workspace), file, options, write, as_json)


@feeds_app.command("check")
def feeds_check(
    context: typer.Context,
    feeds: Annotated[list[str] | None, typer.Argument(metavar="[FEED]...", help="Only these feeds; default: all.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Try the mapping on the first and last rows of each feed: before, after, what is rejected. Stores nothing."""
    from risk_pipeline.cli.feeds_check import check_feeds

    check_feeds(_root(context, workspace), feeds or None, as_json)


@app.command()
def ingest(
    context: typer.Context,
    feeds: Annotated[list[str] | None, typer.Argument(metavar="[FEED]...", help="Only these feeds; default: all.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Read, validate and store what the feeds deliver. A delivery seen before is a no-op."""
    from risk_pipeline.cli.running import ingest_feeds

    ingest_feeds(_root(context, workspace), feeds or None)


@app.command("run")
def run_one(
    context: typer.Context,
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="Assessment date, for example 2026-06-30.")],
    known_at: KnownAtOption = "now",
    policy: PolicyOption = None,
    use_last_good: LastGoodOption = False,
    verbose: VerboseOption = False,
    by: LauncherOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Ingest, assess every customer at one date, audit, publish."""
    from risk_pipeline.cli.running import Launch, run_date

    run_date(_root(context, workspace), as_of, Launch(known_at, policy, use_last_good, verbose, by))


@app.command()
def backfill(
    context: typer.Context,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First date.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="Last date.")],
    every: Annotated[
        str, typer.Option("--every", metavar="PERIOD", help="month or quarter: the calendar ends between both.")
    ] = "month",
    known_at: KnownAtOption = "now",
    policy: PolicyOption = None,
    use_last_good: LastGoodOption = False,
    verbose: VerboseOption = False,
    by: LauncherOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Assess period end after period end, oldest first. Stops at the first date that is refused."""
    from risk_pipeline.cli.running import Launch, run_dates

    run_dates(_root(context, workspace), first, last, every, Launch(known_at, policy, use_last_good, verbose, by))


@app.command()
def status(context: typer.Context, as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """What is published, what was delivered, how the last run ended."""
    from risk_pipeline.cli.status import show_status

    show_status(_root(context, workspace), as_json)


@app.command()
def show(
    context: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="For example mart.current_risk or factor.exposure.")],
    as_of: AsOfOption = None,
    customer: Annotated[str | None, typer.Option("--customer", metavar="ID", help="Only this customer.")] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="A,B,...", help="Only these columns, in this order.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many rows; default: 20 on screen, else all.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV; cells a spreadsheet would run are escaped.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Print rows of a published table."""
    from risk_pipeline.cli.show import Selection, show_table

    selection = Selection(table, as_of, customer, columns.split(",") if columns else [], limit)
    show_table(_root(context, workspace), selection, as_csv, as_json)


@app.command()
def explain(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Customer id.")],
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """The credit assessment of one customer: what decided its tier, limit, costly factors, open items."""
    from risk_pipeline.cli.memo import show_memo

    show_memo(_root(context, workspace), customer, as_of, as_json)


@app.command()
def report(
    context: typer.Context,
    evidence: Annotated[
        str, typer.Option("--evidence", metavar="CUSTOMER|RUN", help="A customer, a run id or a published date.")
    ],
    as_of: AsOfOption = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER|FILE.zip", help="Where; default: a folder evidence-… here.")
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write an evidence pack: pages, tables, sources, hashes, to read without this program or a network."""
    from risk_pipeline.cli.report import write_evidence

    write_evidence(_root(context, workspace), evidence, as_of, to, as_json)


@app.command()
def replay(
    context: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A published date, or the id of a run or how it begins.")],
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", metavar="WHEN", help="now or a timestamp: what would have been decided, had that been known."),
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Compute a published assessment again: the same bytes, or what differs. With --known-at: the restatement."""
    from risk_pipeline.cli.replay import replay_run

    replay_run(_root(context, workspace), run, known_at, as_json)


@app.command()
def why(
    context: typer.Context,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The earlier published date (or run).")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The later published date (or run).")],
    customer: Annotated[str | None, typer.Argument(metavar="[CUSTOMER]", help="Customer id.")] = None,
    moved: Annotated[bool, typer.Option("--moved", help="All whose tier or limit moved; kept as audit.decision_change.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """What moved a score, a tier and a limit between two assessments: facts, corrections, time, policy, people."""
    from risk_pipeline.cli.why import explain_moves
    from risk_pipeline.errors import UsageError

    if moved == (customer is not None):
        raise UsageError(
            "say whose move: one customer, or --moved for all that moved",
            remedy="risk-pipeline why CUSTOMER --from DATE --to DATE",
        )
    explain_moves(_root(context, workspace), customer, first, last, as_json)


@app.command()
def trace(
    context: typer.Context,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Customer id.")],
    as_of: AsOfOption = None,
    table: Annotated[
        str | None, typer.Option("--table", metavar="TABLE", help="Of this table; default: from the limit down.")
    ] = None,
    column: Annotated[str | None, typer.Option("--column", metavar="COLUMN", help="The figure, such as overdue.")] = None,
    effective: Annotated[bool, typer.Option("--effective", help="Leave each row out once: which change the figure.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read the source lines again where the file still lies there.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Which lines made this figure: from the limit to the rows of the feeds, with file, line and hash."""
    from risk_pipeline.cli.trace import trace_figure

    trace_figure(_root(context, workspace), customer, as_of, (table, column), (effective, verify), as_json)


@app.command()
def impact(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="WHAT", help="A row id, delivery:N, or FILE:LINE, as trace prints them.")],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """What a wrong line touched: every published figure that rests on it, and what it would be without."""
    from risk_pipeline.cli.trace import show_impact

    show_impact(_root(context, workspace), what, as_json)


@app.command()
def lineage(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="TABLE[.COLUMN]", help="Such as decision.credit_limit.credit_limit, or policy.<key>.")
    ],
    down: Annotated[bool, typer.Option("--down/--up", help="What is made of it; default: what it is made of.")] = False,
    depth: Annotated[int | None, typer.Option("--depth", metavar="N", min=1, help="Steps of the tree; default 4.")] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="COLUMN", help="Only the ways from this column, such as feed.invoice.amount.")
    ] = None,
    draw: Annotated[Path | None, typer.Option("--draw", metavar="FILE.svg", help="Write a drawing instead.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """What a column is made of, from the feeds to the result, or what is made of it."""
    from risk_pipeline.cli.lineage import show_lineage

    where = _root(context, workspace)
    show_lineage(where, name, down=down, depth=depth, source=source, drawing=draw, as_json=as_json)


QuarantineFeed = Annotated[str | None, typer.Argument(metavar="[FEED]", help="Only this feed.")]


@quarantine_app.command("list")
def quarantine_list(
    context: typer.Context,
    feed: QuarantineFeed = None,
    by_rule: Annotated[bool, typer.Option("--by-rule", help="Counts by rule, an example of each, and what to do.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also rows replayed, superseded or revoked since.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many; default: 20 on screen, else all.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Rejected rows that are still open, with rule, column, value, file and line."""
    from risk_pipeline.cli.quarantine import group_quarantine, list_quarantine

    if by_rule:
        group_quarantine(_root(context, workspace), feed, as_json)
    else:
        list_quarantine(_root(context, workspace), feed, limit, everything, as_json)


@quarantine_app.command("export")
def quarantine_export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file that ends in .csv or .xlsx.")],
    feed: Annotated[str | None, typer.Option("--feed", metavar="FEED", help="Only this feed.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Write the open rejected rows to a file, source columns and reason."""
    from risk_pipeline.cli.quarantine import export_quarantine

    export_quarantine(_root(context, workspace), file, feed)


@quarantine_app.command("replay")
def quarantine_replay(
    context: typer.Context,
    feed: QuarantineFeed = None,
    delivery: Annotated[int | None, typer.Option("--delivery", metavar="N", help="Only rows of this delivery.")] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it; kept in the audit log.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Try the open rejected rows again with the feed YAML as it is now."""
    from risk_pipeline.cli.quarantine import replay_quarantine

    replay_quarantine(_root(context, workspace), feed, delivery, by)


@delivery_app.command("list")
def delivery_list(
    context: typer.Context,
    feed: QuarantineFeed = None,
    everything: Annotated[bool, typer.Option("--all", help="Also deliveries seen before, which did nothing.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many; default: 20 on screen, else all.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """What was delivered, newest first, and what became of it."""
    from risk_pipeline.cli.deliveries import list_deliveries

    list_deliveries(_root(context, workspace), feed, limit, everything, as_json)


@delivery_app.command("revoke")
def delivery_revoke(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="N", help="Its number, as in `delivery list`.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who revokes it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit log.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Take a delivery back: from now on the feed stands as if it had never come."""
    from risk_pipeline.cli.deliveries import revoke_delivery

    revoke_delivery(_root(context, workspace), number, by, reason)


@app.command()
def screen(
    context: typer.Context,
    everyone: Annotated[bool, typer.Option("--all", help="Search every customer, not only those that are due.")] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Search customers on the sanctions lists. Ingest and run do it too, for whom a list or the data changed."""
    from risk_pipeline.cli.findings import screen_customers

    screen_customers(_root(context, workspace), everyone)


ByOption = Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so; kept in the audit log.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the finding and in the audit log.")]
FindingArgument = Annotated[str, typer.Argument(metavar="FINDING", help="Its number, S-...")]


@finding_app.command("list")
def finding_list(
    context: typer.Context,
    state: Annotated[str | None, typer.Option("--state", help="Only unreviewed, confirmed or cleared ones.")] = None,
    customer: Annotated[str | None, typer.Option("--customer", metavar="ID", help="Only this customer.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many; default: 20 on screen, else all.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Possible hits, the likeliest first, with the evidence."""
    from risk_pipeline.cli.findings import list_findings

    list_findings(_root(context, workspace), state, customer, limit, as_json)


@finding_app.command("confirm")
def finding_confirm(
    context: typer.Context, finding: FindingArgument, by: ByOption, reason: ReasonOption, workspace: WorkspaceOption = None
) -> None:
    """The customer is the one on the list: no credit from the next run on."""
    from risk_pipeline.cli.findings import say_verdict

    say_verdict(_root(context, workspace), finding, "confirmed", by, reason)


@finding_app.command("clear")
def finding_clear(
    context: typer.Context, finding: FindingArgument, by: ByOption, reason: ReasonOption, workspace: WorkspaceOption = None
) -> None:
    """The customer is somebody else. Asked again when the entry or the customer changes."""
    from risk_pipeline.cli.findings import say_verdict

    say_verdict(_root(context, workspace), finding, "cleared", by, reason)


PersonOption = Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so: somebody `people` in risk.yaml names.")]
RoleOption = Annotated[
    str | None, typer.Option("--role", metavar="ROLE", help="In which of their roles; default: that with the most authority.")
]
OnOption = Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day it was said; default: today.")]
WhyOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the decision and in the audit log.")]
OverrideArgument = Annotated[
    str, typer.Argument(metavar="OVERRIDE", help="Its number, O-..., or the customer when one request of theirs waits.")
]
CustomerArgument = Annotated[str, typer.Argument(metavar="CUSTOMER", help="Customer id.")]


@override_app.command("request")
def override_request(
    context: typer.Context,
    customer: CustomerArgument,
    by: PersonOption,
    reason_code: Annotated[
        str, typer.Option("--reason-code", metavar="CODE", help="One of the policy's `notches.reason_codes`.")
    ],
    reason: WhyOption,
    notch: Annotated[int | None, typer.Option("--notch", metavar="N", help="Tiers better (1) or worse (-1, -2).")] = None,
    limit: Annotated[str | None, typer.Option("--limit", metavar="AMOUNT", help="A limit by hand.")] = None,
    temporary_limit: Annotated[
        str | None, typer.Option("--temporary-limit", metavar="AMOUNT", help="A limit for a time; needs --until.")
    ] = None,
    release_hold: Annotated[bool, typer.Option("--release-hold", help="Let orders through for some days.")] = False,
    currency: Annotated[str | None, typer.Option("--currency", metavar="CODE", help="Default: the reporting currency.")] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day; default: the day of the request.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Last day; default: the last one the policy allows.")
    ] = None,
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Ask for a tier or limit by hand, or to release a hold. It waits until another person approves it."""
    from risk_pipeline.cli.overrides import Change, Who, request_override

    change = Change(notch, limit, temporary_limit, release_hold, currency, reason_code, reason, first, until)
    request_override(_root(context, workspace), customer, change, Who(by, role, on), as_json)


@override_app.command("approve")
def override_approve(
    context: typer.Context,
    number: OverrideArgument,
    by: PersonOption,
    reason: WhyOption = "",
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Approve a request of somebody else: in force from the next run on, until it ends."""
    from risk_pipeline.cli.overrides import Who, judge_override

    judge_override(_root(context, workspace), number, "approved", Who(by, role, on), reason, as_json)


@override_app.command("reject")
def override_reject(
    context: typer.Context,
    number: OverrideArgument,
    by: PersonOption,
    reason: WhyOption,
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Reject a request of somebody else."""
    from risk_pipeline.cli.overrides import Who, judge_override

    judge_override(_root(context, workspace), number, "rejected", Who(by, role, on), reason, as_json)


@override_app.command("withdraw")
def override_withdraw(
    context: typer.Context,
    number: OverrideArgument,
    by: PersonOption,
    reason: WhyOption = "",
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Take back one's own request, or, as a second person, end an override that is in force."""
    from risk_pipeline.cli.overrides import Who, judge_override

    judge_override(_root(context, workspace), number, "withdrawn", Who(by, role, on), reason, as_json)


@override_app.command("list")
def override_list(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option("--state", help="Only requested, in_force, ahead, lapsed, rejected or withdrawn ones.")
    ] = None,
    customer: Annotated[str | None, typer.Option("--customer", metavar="ID", help="Only this customer.")] = None,
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="As they stand on this day; default: today.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many; default: 20 on screen, else all.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Overrides, those that wait first, with who may approve them."""
    from risk_pipeline.cli.overrides import list_overrides

    list_overrides(_root(context, workspace), state, customer, on, limit, as_json)


@limit_app.command("list")
def limit_list(
    context: typer.Context,
    role: Annotated[
        str | None, typer.Option("--role", metavar="ROLE", help="Only those that this role may approve, such as credit_manager.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many; default: 20 on screen, else all.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Limits of the newest assessment that wait for a person, or were rejected, the largest first."""
    from risk_pipeline.cli.limits import list_limits

    list_limits(_root(context, workspace), role, limit, as_json)


@limit_app.command("approve")
def limit_approve(
    context: typer.Context,
    customer: CustomerArgument,
    by: PersonOption,
    reason: WhyOption,
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Approve the limit the newest assessment computed: the next run puts it into force."""
    from risk_pipeline.cli.overrides import Who, judge_limit

    judge_limit(_root(context, workspace), customer, "approved", Who(by, role, on), reason, as_json)


@limit_app.command("reject")
def limit_reject(
    context: typer.Context,
    customer: CustomerArgument,
    by: PersonOption,
    reason: WhyOption,
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Reject the limit the newest assessment computed: the one in force stays."""
    from risk_pipeline.cli.overrides import Who, judge_limit

    judge_limit(_root(context, workspace), customer, "rejected", Who(by, role, on), reason, as_json)


ProposalArgument = Annotated[str, typer.Argument(metavar="PROPOSAL", help="Its number: customer-state list shows it.")]


@customer_state_app.command("propose")
def customer_state_propose(
    context: typer.Context,
    customer: CustomerArgument,
    state: Annotated[
        str, typer.Argument(metavar="STATE", help="probation, suspended or terminated; the policy's `exit` says from where.")
    ],
    by: PersonOption,
    reason: WhyOption,
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Propose another state for a customer: another person approves it."""
    from risk_pipeline.cli.customer_states import propose_state
    from risk_pipeline.cli.overrides import Who

    propose_state(_root(context, workspace), customer, state, Who(by, role, on), reason, as_json)


@customer_state_app.command("approve")
def customer_state_approve(
    context: typer.Context,
    number: ProposalArgument,
    by: PersonOption,
    reason: WhyOption = "",
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Approve a proposal of somebody else: the next run takes it when the policy's conditions hold."""
    from risk_pipeline.cli.customer_states import judge_state
    from risk_pipeline.cli.overrides import Who

    judge_state(_root(context, workspace), number, "approved", Who(by, role, on), reason, as_json)


@customer_state_app.command("reject")
def customer_state_reject(
    context: typer.Context,
    number: ProposalArgument,
    by: PersonOption,
    reason: WhyOption,
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Reject a proposal of somebody else; an exit proposed by the system goes back to suspended."""
    from risk_pipeline.cli.customer_states import judge_state
    from risk_pipeline.cli.overrides import Who

    judge_state(_root(context, workspace), number, "rejected", Who(by, role, on), reason, as_json)


@customer_state_app.command("withdraw")
def customer_state_withdraw(
    context: typer.Context,
    number: ProposalArgument,
    by: PersonOption,
    reason: WhyOption = "",
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Take back one's own proposal."""
    from risk_pipeline.cli.customer_states import judge_state
    from risk_pipeline.cli.overrides import Who

    judge_state(_root(context, workspace), number, "withdrawn", Who(by, role, on), reason, as_json)


@customer_state_app.command("list")
def customer_state_list(
    context: typer.Context,
    customer: Annotated[str | None, typer.Option("--customer", metavar="ID", help="Only this customer.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many; default: 20 on screen, else all.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Proposals, those that wait first."""
    from risk_pipeline.cli.customer_states import list_states

    list_states(_root(context, workspace), customer, limit, as_json)


AlertArgument = Annotated[str, typer.Argument(metavar="ALERT", help="Its id, such as A05:100123.")]


@alerts_app.command("list")
def alerts_list(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="open, acknowledged, snoozed or closed; default: not closed.")
    ] = None,
    severity: Annotated[
        str | None, typer.Option("--severity", metavar="SEVERITY", help="Only low, medium, high or critical ones.")
    ] = None,
    customer: Annotated[str | None, typer.Option("--customer", metavar="ID", help="Only of this customer.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="RULE", help="Only of this rule, such as A05.")] = None,
    as_of: AsOfOption = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many; default: 20 on screen, else all.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Alerts of an assessment, the gravest first: what was noticed, what to do, who and until when."""
    from risk_pipeline.cli.alerts import Wanted, list_alerts

    list_alerts(_root(context, workspace), Wanted(state, severity, customer, rule, as_of, limit), as_json)


@alerts_app.command("ack")
def alerts_ack(
    context: typer.Context,
    alert: AlertArgument,
    by: PersonOption,
    reason: WhyOption = "",
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Say that somebody has seen it and is at it. It still goes up when it is overdue."""
    from risk_pipeline.cli.alerts import Said, act_on_alert

    act_on_alert(_root(context, workspace), alert, "acknowledge", Said(by, role, reason, on), None, as_json)


@alerts_app.command("snooze")
def alerts_snooze(
    context: typer.Context,
    alert: AlertArgument,
    by: PersonOption,
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="Its last day; the policy says how late at most.")],
    reason: WhyOption = "",
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Put it off until a day. A critical one cannot be put off."""
    from risk_pipeline.cli.alerts import Said, act_on_alert

    act_on_alert(_root(context, workspace), alert, "snooze", Said(by, role, reason, on), until, as_json)


@alerts_app.command("close")
def alerts_close(
    context: typer.Context,
    alert: AlertArgument,
    by: PersonOption,
    reason: WhyOption = "",
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """It is dealt with, for this reason. It opens again when its condition comes back, or gets graver."""
    from risk_pipeline.cli.alerts import Said, act_on_alert

    act_on_alert(_root(context, workspace), alert, "close", Said(by, role, reason, on), None, as_json)


TreatmentArgument = Annotated[str, typer.Argument(metavar="TREATMENT", help="Its id, such as call:100123.")]


@treatment_app.command("list")
def treatment_list(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="open, done, waived or superseded; default: open.")
    ] = None,
    customer: Annotated[str | None, typer.Option("--customer", metavar="ID", help="Only of this customer.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", metavar="ROLE", help="Only what this role is to do.")] = None,
    as_of: AsOfOption = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many; default: 20 on screen, else all.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Treatments of an assessment, the gravest first: what to do and why, who and until when."""
    from risk_pipeline.cli.treatments import list_treatments

    list_treatments(_root(context, workspace), state, customer, owner, as_of, limit, as_json)


@treatment_app.command("done")
def treatment_done(
    context: typer.Context,
    treatment: TreatmentArgument,
    by: PersonOption,
    reason: WhyOption = "",
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """It was done. It opens again when a rule asks for it later, or when its time comes again."""
    from risk_pipeline.cli.alerts import Said
    from risk_pipeline.cli.treatments import act_on_treatment

    act_on_treatment(_root(context, workspace), treatment, "done", Said(by, role, reason, on), as_json)


@treatment_app.command("waive")
def treatment_waive(
    context: typer.Context,
    treatment: TreatmentArgument,
    by: PersonOption,
    reason: WhyOption = "",
    role: RoleOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """It will not be done, for this reason."""
    from risk_pipeline.cli.alerts import Said
    from risk_pipeline.cli.treatments import act_on_treatment

    act_on_treatment(_root(context, workspace), treatment, "waived", Said(by, role, reason, on), as_json)


@policy_app.command("lint")
def policy_lint(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="One policy file; default: all of the workspace.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Check policy files: every finding with file and line. Exit code 2 when there is an error."""
    from risk_pipeline.cli.policy import lint_policies

    lint_policies(_root(context, workspace), file, as_json)


@policy_app.command("list")
def policy_list(context: typer.Context, as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Every version: state, since when, by whom, which is in force today, whether its approval is on record."""
    from risk_pipeline.cli.policy import list_policies

    list_policies(_root(context, workspace), as_json)


@policy_app.command("explain")
def policy_explain(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Id of a rule: KO11, A05, a segment, a hold. Or BLOCK.ID.")],
    policy: PolicyOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """A rule in words: when it holds, what follows, whether there is evidence for it."""
    from risk_pipeline.cli.policy import explain_rule

    explain_rule(_root(context, workspace), rule, policy, as_json)


@policy_app.command("diff")
def policy_diff(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="VERSION", help="Compared with the one in force; or the older of two.")],
    second: Annotated[str | None, typer.Argument(metavar="[VERSION]", help="The newer one.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """What two versions say differently, key by key, and how many customers it concerns."""
    from risk_pipeline.cli.policy import diff_policies

    diff_policies(_root(context, workspace), first, second, as_json)


@policy_app.command("approve")
def policy_approve(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A draft, as in `policy list`.")],
    by: ByOption,
    role: RoleOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Approve a draft that somebody else wrote; its content is kept in the audit log by its hash."""
    from risk_pipeline.cli.policy import approve_policy

    approve_policy(_root(context, workspace), version, by, role, as_json)


@policy_app.command("retire")
def policy_retire(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="An approved version of the workspace.")],
    by: ByOption,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit log.")],
    role: RoleOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Take an approved version out of force."""
    from risk_pipeline.cli.policy import retire_policy

    retire_policy(_root(context, workspace), version, by, role, reason, as_json)


@app.command()
def doctor(
    context: typer.Context,
    look_ahead: Annotated[
        bool, typer.Option("--look-ahead", help="Prove that an assessment saw nothing of later: plant it, compute again.")
    ] = False,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Whether the workspace is fit for the next run, and what to do. Exit code 3 when something is not well."""
    from risk_pipeline.cli.doctor import look_at_workspace, prove_no_look_ahead
    from risk_pipeline.errors import UsageError

    if look_ahead:
        prove_no_look_ahead(_root(context, workspace), as_of, as_json)
    elif as_of is not None:
        raise UsageError("--as-of goes with --look-ahead", remedy="risk-pipeline doctor --look-ahead --as-of DATE")
    else:
        look_at_workspace(_root(context, workspace), as_json)


@audit_app.command("verify")
def audit_verify(
    context: typer.Context,
    head: Annotated[
        Path | None, typer.Option("--head", metavar="FILE", help="A head exported earlier: finds what was cut off the end.")
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Compare log, register, lake and policies with what was recorded. Exit code 3 when something was changed."""
    from risk_pipeline.cli.audit import verify_log

    verify_log(_root(context, workspace), head, as_json)


@audit_app.command("head")
def audit_head(
    context: typer.Context,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write it to a new file, to be kept elsewhere.")
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Number and hash of the newest event, as JSON."""
    from risk_pipeline.cli.audit import show_head

    show_head(_root(context, workspace), export)


@audit_app.command("duties")
def audit_duties(context: typer.Context, as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Where one person decided what takes two, or launched a run over what they approved themselves."""
    from risk_pipeline.cli.audit import list_duties

    list_duties(_root(context, workspace), as_json)


@audit_app.command("list")
def audit_list(
    context: typer.Context,
    action: Annotated[
        str | None, typer.Option("--action", metavar="ACTION", help="Such as override.approved, or its beginning: override.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Only what this person did.")] = None,
    subject: Annotated[str | None, typer.Option("--about", metavar="TEXT", help="Only events whose subject holds this.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DATE", help="From this day on.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="Up to this day.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many; default: 20 on screen, else all.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """What was done by whom, the newest first."""
    from risk_pipeline.cli.audit import Wanted, list_events

    list_events(_root(context, workspace), Wanted(action, by, subject, since, until, limit), as_json)


@app.command()
def dictionary(
    write: Annotated[Path | None, typer.Option("--write", metavar="FILE", help="Write it there instead of printing it.")] = None,
    critical: Annotated[
        bool, typer.Option("--critical", help="The critical data elements: owner, sources, way, controls.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Every table and column with type, unit and meaning, in English and Chinese."""
    from risk_pipeline.cli.setup import show_critical, show_dictionary

    (show_critical if critical else show_dictionary)(write, as_json)


@app.command()
def gc(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    by: LauncherOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Remove files that nobody needs any more; decisions and their evidence stay for their retention."""
    from risk_pipeline.cli.collect import collect_garbage

    collect_garbage(_root(context, workspace), by, dry_run, as_json)


@catalogue_app.command("rebuild")
def catalogue_rebuild(context: typer.Context, workspace: WorkspaceOption = None) -> None:
    """Build warehouse/risk.duckdb anew, for example after moving the workspace."""
    from risk_pipeline.cli.setup import rebuild_catalogue

    rebuild_catalogue(_root(context, workspace))


def run(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code. Every error ends here: a message for people, never a traceback."""
    workspace, rest = leading_workspace(sys.argv[1:] if arguments is None else arguments)
    try:
        app(rest, obj=workspace, prog_name="risk-pipeline")
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0
    except RiskError as error:
        return fail(error)
    except BrokenPipeError:  # the reader has seen enough: `risk-pipeline show ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        unexpected = RiskError(
            f"unexpected error: {type(error).__name__}: {error}", remedy="please report it with the command you typed"
        )
        return fail(unexpected)
    return 0


def leading_workspace(arguments: list[str]) -> tuple[Path | None, list[str]]:
    """`-w DIR` before the command, and the rest. As an option of typer's it would cost every `--help` a fifth of a second."""
    first, *rest = arguments or [""]
    if first in ("-w", "--workspace") and rest:
        return Path(rest[0]), rest[1:]
    if first.startswith("--workspace="):
        return Path(first.partition("=")[2]), rest
    return None, arguments


def fail(error: RiskError) -> int:
    """Print message and remedy on stderr; returns the exit code."""
    typer.secho(f"Error: {error.message}", fg="red", err=True)
    if error.remedy:
        typer.echo(f"  -> {error.remedy}", err=True)
    return error.exit_code


def _root(context: typer.Context, workspace: Path | None) -> Path:
    """The folder named after the command, before it, by RISK_WORKSPACE, or the current one."""
    return workspace or context.obj or Path(os.environ.get("RISK_WORKSPACE") or ".")
