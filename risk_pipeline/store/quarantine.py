"""The quarantine: which rejected rows are still open, and which have been dealt with.

Put here: the state of the rows of each delivery, worked out from the register. Keep out: rejecting rows (pipeline), showing them
(cli), taking them in again (pipeline.replay_quarantine).

A replay takes up every open row of a delivery; those it cannot store stand in its own quarantine part, with their new reason.
So the open rows of a delivery are those of its newest replay, or its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from risk_pipeline.store.claims import part_of
from risk_pipeline.store.register import Delivery

QuarantineState = Literal["open", "replayed", "superseded", "revoked"]
# A replayed row whose key a later delivery says more about: there is nothing left to do, unless that delivery is revoked.
SUPERSEDED_RULE = "superseded"


def quarantine_states(deliveries: Sequence[Delivery]) -> dict[int, QuarantineState]:
    """The state of the rows each delivery had rejected, of those that had any. `deliveries`: all, in order.

    `superseded`: a later snapshot, or the same content read anew under a mended mapping, says everything these rows could.
    """
    effective = [each for each in deliveries if each.state == "effective"]
    sources = [each for each in effective if each.delivery_kind == "source"]
    replayed = {each.origin_delivery_id: each.delivery_id for each in effective if each.delivery_kind == "replay"}
    states: dict[int, QuarantineState] = {}
    for each in deliveries:
        if each.quarantine_path is None or each.delivery_kind == "revocation":
            continue
        origin, _ = each.position
        if each.state == "revoked":
            states[each.delivery_id] = "revoked"
        elif replayed.get(origin, origin) != each.delivery_id:
            states[each.delivery_id] = "replayed"
        elif _is_superseded(origin, each.feed, sources):
            states[each.delivery_id] = "superseded"
        else:
            states[each.delivery_id] = "open"
    return states


def state_sql(states: Mapping[int, QuarantineState]) -> str:
    """The state of a row as SQL over delivery_id and rule."""
    whens = "".join(f" WHEN delivery_id = {number} THEN '{state}'" for number, state in states.items() if state != "open")
    return f"CASE{whens} WHEN rule = '{SUPERSEDED_RULE}' THEN 'superseded' ELSE 'open' END"


def _is_superseded(origin: int, feed: str, sources: Sequence[Delivery]) -> bool:
    own = next((each for each in sources if each.delivery_id == origin), None)
    later = [each for each in sources if each.feed == feed and each.delivery_id > origin]
    if own is None:
        return False
    return any(
        part_of(each) == part_of(own) and (each.mode == "snapshot" or each.content_sha256 == own.content_sha256) for each in later
    )
