"""One line for each feed that is delivered and changes nothing, after an ingest and after a run.

Put here: what is asked for it and that line. Keep out: which feeds those are (pipeline.unread_feeds).
"""

from __future__ import annotations

from datetime import UTC, datetime

from risk_pipeline.cli import output
from risk_pipeline.cli.reader import ask
from risk_pipeline.cli.texts import One, each, listed, say
from risk_pipeline.errors import RiskError
from risk_pipeline.settings import Workspace

CARDS = "SELECT DISTINCT scorecard_id FROM score.risk_score WHERE as_of = (SELECT MAX(as_of) FROM score.risk_score)"


def print_unread(workspace: Workspace) -> None:
    """The hints, if any. Without a policy that can be read there are none: the commands that need it say what is wrong."""
    from risk_pipeline.factors.catalogue import load_catalogue
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.unread_feeds import Unread, unread_feeds
    from risk_pipeline.policy.load import load_policy

    today = datetime.now(UTC).astimezone(workspace.zone).date()
    try:
        policy = load_policy(workspace.policy_dir, load_catalogue(), version=workspace.settings.policy, as_of=today)
        cards = [card for (card,) in ask(workspace, CARDS).rows if card] if workspace.catalogue.exists() else []
    except RiskError:
        return
    with open_register(workspace) as register:
        delivered = {each.feed for each in register.deliveries(states=("effective",))}

    def line(unread: Unread, one: One) -> str:
        name = "feed_unread_here" if unread.cards else "feed_unread"
        return say(name, one, feed=unread.feed, policy=policy.version, cards=listed(unread.cards, one))

    for unread in unread_feeds(policy, load_catalogue(), delivered, cards):
        output.console().print(each(workspace.settings.language, lambda one, unread=unread: line(unread, one)), soft_wrap=True)  # type: ignore[misc]
