"""Name screening: customers searched on the sanctions lists at hand; findings and inquiries as deliveries of those feeds.

Put here: who is searched on which list and when, and what becomes of hits and of searches. Keep out: how names are compared
(risk_pipeline.screening), a person's verdict (verdicts.py), how rows are stored (made.py), what a finding does to a rating
(factors, policy).

A hit is a finding of kind sanction, unreviewed until a person confirms or clears it. A verdict stands while the entry and the
customer are what they were; when either changes, or the hit is gone, the person is asked again. Nothing here clears anybody:
a search without a list, or on one too old, is an inquiry with the result `error`, and an entry that left its list leaves its
findings open.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.pipeline.ingest import MADE, IngestResult, is_made, work_folder
from risk_pipeline.pipeline.made import Maker
from risk_pipeline.policy.load import load_policy
from risk_pipeline.policy.model import Screening
from risk_pipeline.screening.search import Hit, Listed, Party, Searcher
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Delivery, Register

FINDING, INQUIRY, LIST, CUSTOMER = "due_diligence_finding", "inquiry", "sanctions_entity", "customer"
KIND = "sanction"
METHOD = 1  # raise it when names are compared in another way: everybody is searched again
NOT_CUSTOMERS = ("vessel", "aircraft")
VERDICT = ("review_state", "reviewed_by", "reviewed_date")
Row = dict[str, Any]


@dataclass(frozen=True)
class ListAtHand:
    """A list as it stands. `digests`: entity -> hash of what is compared; `problem`: why a search on it proves nothing, or ''."""

    source: str
    entries: tuple[Listed, ...]
    digests: Mapping[str, str]
    newest_delivery: int
    problem: str


@dataclass(frozen=True)
class Asked:
    """A customer to be searched; `digest` of what is compared, `delivery_id` of its newest version."""

    party: Party
    digest: str
    delivery_id: int


def screen(maker: Maker, *, everyone: bool = False) -> list[IngestResult]:
    """Search customers on every list: those whose data or whose list changed since the last search, or `everyone`.

    Two deliveries a list (findings, then inquiries); none when there is nothing new to say. Findings come first, so that a
    screening cut short leaves "not searched", never "searched and clean". UsageError for a wrong policy.
    """
    rules = _rules(maker.workspace, maker.now)
    newest = _newest_change(maker.register)
    searches = [_OneList(maker, rules, each) for each in _lists(maker, rules)]
    due = [each for each in searches if everyone or not each.is_current(newest)]
    asked = _customers(maker) if due else []
    return [result for each in due for result in each.run(asked, everyone)]


def _newest_change(register: Register) -> int:
    """The newest delivery that changed customers or took back inquiries."""
    taken_back = (each for each in register.stored_deliveries(INQUIRY) if each.delivery_kind == "revocation")
    return max((each.delivery_id for each in (*register.stored_deliveries(CUSTOMER), *taken_back)), default=0)


def is_wanted(workspace: Workspace, register: Register, now: datetime) -> bool:
    """Whether there is a list to search on, or the policy asks for one. UsageError for a wrong policy."""
    return bool(register.stored_deliveries(LIST)) or bool(_rules(workspace, now).sources)


def screen_workspace(workspace: Workspace, register: Register, *, now: datetime, everyone: bool = False) -> list[IngestResult]:
    """`screen` with a folder of its own. The caller holds the workspace lock."""
    store = FeedStore(Lake(workspace.lake), register, threads=workspace.settings.threads)
    with work_folder(workspace) as work:
        return screen(Maker(workspace, register, store, now, work), everyone=everyone)


def _rules(workspace: Workspace, now: datetime) -> Screening:
    today = now.astimezone(workspace.zone).date()
    return load_policy(workspace.policy_dir, load_catalogue(), version=workspace.settings.policy, as_of=today).screening


def _customers(maker: Maker) -> list[Asked]:
    """The customers with a name, in the order of their ids."""
    found = []
    columns = "customer_id, name, country_code, operating_country_code, natural_person, registration_number, lei, delivery_id"
    for row in sorted(maker.rows(CUSTOMER, "name IS NOT NULL", columns), key=lambda row: str(row["customer_id"])):
        countries = tuple(dict.fromkeys(code for name in ("country_code", "operating_country_code") if (code := row[name])))
        numbers = tuple(number for name in ("registration_number", "lei") if (number := row[name]))
        party = Party(row["customer_id"], row["name"], countries, row["natural_person"], numbers)
        found.append(Asked(party, _digest(asdict(party)), row["delivery_id"]))
    return found


def _lists(maker: Maker, rules: Screening) -> Iterator[ListAtHand]:
    """Every list at hand, and those that the policy asks for and nobody delivered."""
    entries: dict[str, list[Listed]] = defaultdict(list)
    digests: dict[str, dict[str, str]] = defaultdict(dict)
    today = maker.now.astimezone(maker.workspace.zone).date()
    for row in maker.rows(LIST):
        if row["delisted_date"] is not None and row["delisted_date"] <= today:
            continue
        source = row["source"]
        entries.setdefault(source, [])
        if row["entity_kind"] in NOT_CUSTOMERS:
            continue
        entry = _entry(row)
        entries[source].append(entry)
        digests[source][entry.entity_id] = _digest({**asdict(entry), "birth_date": row["birth_date"]})
    stored = maker.register.stored_deliveries(LIST)
    for source in sorted({*entries, *rules.sources}):
        own = [each for each in stored if _covers(each, source)]
        problem = _problem(maker, rules, source, own) if source in entries else f"list {source} was never delivered"
        newest = max((each.delivery_id for each in own), default=0)
        yield ListAtHand(source, tuple(entries.get(source, ())), digests[source], newest, problem)


def _entry(row: Row) -> Listed:
    aliases = [name.strip() for name in (row["aliases"] or "").split(";") if name.strip()]
    kind = row["entity_kind"]
    return Listed(
        entity_id=row["entity_id"],
        names=tuple(dict.fromkeys([row["name"], *aliases])),
        country=row["country_code"],
        is_person=kind == "person" if kind else None,
        identifiers=row["identifiers"] or "",
        programme=row["programme"] or "",
        listed_on=row["listed_date"].isoformat(),
    )


def _problem(maker: Maker, rules: Screening, source: str, deliveries: Sequence[Delivery]) -> str:
    """Why a search on this list proves nothing: nothing new was delivered for longer than the policy allows."""
    newest = max((each.received_at for each in deliveries if each.delivery_kind == "source"), default=None)
    confirmed = (_file_time(each) for each in maker.register.deliveries(LIST, ("no_op",)) if _covers(each, source))
    fresh = max((each for each in (newest, *confirmed) if each is not None), default=None)
    if fresh is None or maker.now - fresh > timedelta(days=rules.max_list_age_days):
        return f"list {source} is of {fresh.date() if fresh else 'nobody knows when'}, older than {rules.max_list_age_days} days"
    return ""


def _file_time(delivery: Delivery) -> datetime | None:
    """When the files of a delivery were written: the same list fetched again is as good as a new one, an old file is not."""
    times = [file["modified_ns"] / 1e9 for file in delivery.files if "modified_ns" in file]
    return min(datetime.fromtimestamp(max(times), UTC), delivery.received_at) if times else None


def _covers(delivery: Delivery, source: str) -> bool:
    """Whether a delivery of lists is about this one; a file of several lists is about each of them."""
    parts = [file.get("part_of", {}).get("source") for file in delivery.files]
    return not parts or None in parts or source in parts


class _OneList:
    """The search on one list: what is stored of the last one, and what the new one says."""

    def __init__(self, maker: Maker, rules: Screening, listed: ListAtHand) -> None:
        self._maker = maker
        self._rules = rules
        self._list = listed
        self._name = f"{MADE}{listed.source}"
        self._today = maker.now.astimezone(maker.workspace.zone).date().isoformat()
        self._about = {"threshold": rules.threshold, "method": METHOD, "entries": len(listed.entries), "problem": listed.problem}

    def is_current(self, newest_change: int) -> bool:
        """Nothing that matters to this list changed since the last search on it."""
        last = self._last()
        return last is not None and last.delivery_id > newest_change and not self._is_new(last)

    def run(self, asked: Sequence[Asked], everyone: bool) -> list[IngestResult]:
        """Search those who are due, deliver what is new."""
        due = list(asked) if everyone else self._due(asked)
        if not due:
            return []
        hits: dict[str, list[Hit]] = defaultdict(list)
        for hit in Searcher(self._list.entries).search([each.party for each in due], self._rules.threshold):
            hits[hit.party_id].append(hit)
        findings = self._findings(due, hits)
        results = [self._maker.deliver(FINDING, findings, self._name, self._about)] if findings else []
        inquiries = [self._inquiry(each.party.party_id, bool(hits.get(each.party.party_id))) for each in due]
        return [*results, self._maker.deliver(INQUIRY, inquiries, self._name, self._about)]

    def _due(self, asked: Sequence[Asked]) -> list[Asked]:
        """Customers the last search on this list does not answer for: all of them when list or method changed since."""
        last = self._last()
        if last is None or self._is_new(last):
            return list(asked)
        found = self._maker.rows(INQUIRY, f"source_file = {_s(self._name)}", "customer_id")
        searched = {row["customer_id"] for row in found}
        return [each for each in asked if each.delivery_id > last.delivery_id or each.party.party_id not in searched]

    def _last(self) -> Delivery | None:
        """The inquiries of the last search on this list, for whomever."""
        made = [each for each in self._maker.register.effective_deliveries(INQUIRY) if _made_as(each, self._name)]
        return made[-1] if made else None

    def _is_new(self, last: Delivery) -> bool:
        """The list, or how it is searched, has changed since."""
        other_method = any(last.files[0].get(key) != self._about[key] for key in ("threshold", "method", "problem"))
        return other_method or last.delivery_id < self._list.newest_delivery

    def _inquiry(self, customer_id: str, is_hit: bool) -> Row:
        result = "hit" if is_hit else "error" if self._list.problem else "no_hit"
        return {
            "inquiry_id": _id(customer_id, self._list.source, self._today),
            "customer_id": customer_id,
            "source": self._list.source,
            "kind": KIND,
            "performed_date": self._today,
            "result": result,
        }

    def _findings(self, due: Sequence[Asked], hits: Mapping[str, Sequence[Hit]]) -> list[Row]:
        """New and changed findings: of each hit, and of each earlier finding whose hit is gone."""
        programmes = {entry.entity_id: entry for entry in self._list.entries}
        before = {
            row["finding_id"]: row for row in self._maker.rows(FINDING, f"kind = {_s(KIND)} AND source_file LIKE '{MADE}%'")
        }
        open_of: dict[str, set[str]] = defaultdict(set)
        for number, row in before.items():
            if row["source"] == self._list.source:
                open_of[row["customer_id"]].add(number)
        rows = []
        for each in due:
            found = {}
            for hit in hits.get(each.party.party_id, ()):
                row = self._finding(each, hit, programmes[hit.entity_id])
                found[row["finding_id"]] = row
            rows += [_with_verdict(row, before.get(number)) for number, row in found.items()]
            if not self._list.problem.endswith("never delivered"):
                rows += [gone for number in sorted(open_of[each.party.party_id] - set(found)) if (gone := _gone(before[number]))]
        return [row for row in rows if not _same(row, before.get(row["finding_id"]))]

    def _finding(self, asked: Asked, hit: Hit, entry: Listed) -> Row:
        detail = {
            "customer_name": asked.party.name,
            "matched_name": hit.matched_name,
            "list_name": entry.names[0],
            "entity_id": hit.entity_id,
            "programme": entry.programme,
            "method": hit.method,
            "name_score": hit.name_score,
            "country": hit.country,
            "kind": hit.kind,
            "number": hit.number,
            "fingerprint": _digest([asked.digest, self._list.digests[hit.entity_id]]),
        }
        return {
            "finding_id": _id(asked.party.party_id, self._list.source, hit.entity_id),
            "customer_id": asked.party.party_id,
            "kind": KIND,
            "role": "subject",
            "severity": "critical",
            # The customer stood on the list from then on; when we learned of it is known_from's to say.
            "published_date": entry.listed_on,
            "source": self._list.source,
            "match_score": hit.score,
            "detail": _json(detail),
            "review_state": "unreviewed",
            "reviewed_by": None,
            "reviewed_date": None,
        }


def _with_verdict(row: Row, before: Row | None) -> Row:
    """The finding, with the verdict on it while what it was given on is the same."""
    if before is None:
        return row
    old, new = json.loads(before["detail"]), json.loads(row["detail"])
    if old.get("fingerprint") == new["fingerprint"] and "gone" not in old:
        kept = {key: old[key] for key in ("reason", "earlier_verdict") if key in old}
        return {**row, "detail": _json({**new, **kept}), **{name: before[name] for name in VERDICT}}
    if before["review_state"] in ("confirmed", "cleared"):
        new["earlier_verdict"] = _told(before)
    elif "earlier_verdict" in old:
        new["earlier_verdict"] = old["earlier_verdict"]
    return {**row, "detail": _json(new)}


def _gone(before: Row) -> Row | None:
    """An earlier finding without a hit now: nobody is cleared by that. A verdict "cleared" stands, another is asked again."""
    old = json.loads(before["detail"])
    if before["review_state"] == "cleared" or "gone" in old:
        return None
    if before["review_state"] == "confirmed":
        old["earlier_verdict"] = _told(before)
    old["gone"] = "the list or the customer changed, and the names no longer match; a person decides"
    made = ("finding_id", "customer_id", "kind", "role", "severity", "published_date", "source", "match_score")
    return {
        **{name: before[name] for name in made},
        "detail": _json(old),
        **dict(zip(VERDICT, ("unreviewed", None, None), strict=True)),
    }


def _told(before: Row) -> str:
    return f"{before['review_state']} by {before['reviewed_by']} on {before['reviewed_date']}"


def _same(row: Row, before: Row | None) -> bool:
    return before is not None and all(_plain(row[name]) == _plain(before[name]) for name in row)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _made_as(delivery: Delivery, name: str) -> bool:
    return is_made(delivery) and any(file["name"] == name for file in delivery.files)


def _id(*parts: str) -> str:
    return "S-" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()[:16]


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _s(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
