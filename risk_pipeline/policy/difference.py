"""What two policies say differently: key by key, with the value before and after.

Put here: comparing. Keep out: reading the files (load.py), words and printing (cli), whom a change touches (pipeline).
Entries of a list are told apart by what names them (id, role, kind, grade, trigger), so that a rule put in between is one change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from risk_pipeline.policy.model import Policy

NAMED_BY = ("id", "role", "kind", "grade", "le", "below")
NOT_CONTENT = ("schema", "version", "effective_from", "status", "author", "approver")
MISSING = object()


@dataclass(frozen=True)
class Change:
    """One value that differs. `path`: keys from the top, entries of lists by their name. None on one side: not there."""

    path: tuple[str, ...]
    kind: Literal["changed", "added", "removed"]
    before: Any
    after: Any

    @property
    def place(self) -> str:
        return ".".join(self.path)


def differences(old: Policy, new: Policy) -> list[Change]:
    """Every change of content from `old` to `new`, in the order of the policy; who answers for it since when is no content."""
    before, after = (each.model_dump(mode="json", by_alias=True) for each in (old, new))
    for name in NOT_CONTENT:
        before.pop(name), after.pop(name)
    return list(_changes(before, after, ()))


def _changes(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[Change]:
    before, after = _by_name(before), _by_name(after)
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _changes(before.get(key, MISSING), after.get(key, MISSING), (*path, str(key)))
        yield from _reordered(before, after, path)
    elif before is MISSING:
        yield Change(path, "added", None, after)
    elif after is MISSING:
        yield Change(path, "removed", before, None)
    elif before != after:
        yield Change(path, "changed", before, after)


def _by_name(value: Any) -> Any:
    """A list of entries as a dictionary by what names them; anything else as it is."""
    if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
        return value
    for key in NAMED_BY:
        names = [str(each.get(key)) for each in value]
        if all(key in each for each in value) and len(set(names)) == len(names):
            return _Entries(zip(names, value, strict=True))
    return value


class _Entries(dict[str, Any]):
    """Entries of a list by name: their order says something."""


def _reordered(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[Change]:
    if not (isinstance(before, _Entries) and isinstance(after, _Entries)):
        return
    kept = [[name for name in one if name in other] for one, other in ((before, after), (after, before))]
    if kept[0] != kept[1]:
        yield Change((*path, "order"), "changed", ", ".join(kept[0]), ", ".join(kept[1]))
