"""A proposal as text: feed YAML whose comments carry the evidence, with each doubt marked `# unsure:`.

Put here: scalars, comments, line breaks at 80 columns. Keep out: what is proposed (infer). The same mapping is what the reader of
feed YAML takes, so that a proposal can be tried before anybody writes it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from risk_pipeline.feeds.infer import FeedProposal
from risk_pipeline.feeds.infer_columns import UNDECIDED
from risk_pipeline.feeds.sample import Told

WIDTH = 80
_PLAIN = re.compile(r"[A-Za-z0-9_\u4e00-\u9fff][\w./-]*( [\w./-]+)*")
_WORDS = ("null", "Null", "NULL", "~")


def as_mapping(proposal: FeedProposal, source: Mapping[str, Any]) -> dict[str, Any]:
    """What the YAML says, as the reader of feed YAML gets it. `source`: its keys, the path among them."""
    columns = {each.column: dict(each.spec) for each in proposal.columns}
    return {"feed": proposal.feed, "source": dict(source), **_ordered(proposal.keys), "columns": columns}


def as_yaml(proposal: FeedProposal, path: str, told: Iterable[Told], intro: Iterable[str], doubts: Iterable[str] = ()) -> str:
    """The feed YAML. `intro`: lines of the opening comment; `doubts`: those about the source."""
    lines = [line for text in intro for line in _comment(text, "")]
    lines.append(f"feed: {proposal.feed}")
    lines.append("source:")
    lines += _entry("  ", "path", scalar(path), "")
    for each in told:
        lines += _entry("  ", each.key, flow(each.value), each.evidence, [each.unsure] if each.unsure else [])
    lines += [line for text in doubts for line in _comment(f"unsure: {text}", "  ")]
    for key, value in _ordered(proposal.keys).items():
        lines += _entry("", key, flow(value), proposal.about.get(key, ""), proposal.doubts.get(key, ()))
    lines += [line for text in proposal.doubts.get("columns", ()) for line in _comment(f"unsure: {text}", "")]
    lines.append("columns:")
    for guess in proposal.columns:
        lines += _entry("  ", guess.column, flow(guess.spec), "; ".join(_worth(guess.evidence)), guess.doubts, guess.questions)
    return "\n".join(lines) + "\n"


def _ordered(keys: Mapping[str, Any]) -> dict[str, Any]:
    order = ("delivery", "duplicates", "where", "nulls", "known_at", "assertions")
    return {name: keys[name] for name in order if name in keys}


def _worth(evidence: Iterable[str]) -> list[str]:
    """The evidence but for the plain `by its name`, which is said once above."""
    return [each for each in evidence if each and each != "by its name"]


def _entry(
    indent: str, key: str, value: str, evidence: str, doubts: Iterable[str] = (), questions: Iterable[str] = ()
) -> list[str]:
    """Doubts and questions on lines of their own above the key; the evidence behind the value where it fits, else above it."""
    lines = [line for text in questions for line in _comment(f"DECIDE: {text}", indent)]
    lines += [line for text in doubts for line in _comment(f"unsure: {text}", indent)]
    entry = f"{indent}{key}: {value}"
    beside = f"{entry}  # {evidence}"
    if evidence and wide(beside) <= WIDTH:
        return [*lines, beside]
    return [*lines, *(_comment(evidence, indent) if evidence else []), *_folded(indent, key, value)]


def _folded(indent: str, key: str, value: str) -> list[str]:
    """A long flow collection over several lines, broken after commas."""
    lines, rest = [], f"{indent}{key}: {value}"
    while wide(rest) > WIDTH and value[:1] in "{[":
        breaks = (at.end() for at in re.finditer(", ", rest) if not _in_quotes(rest, at.end()))
        cut = max((at for at in breaks if wide(rest[:at]) <= WIDTH), default=0)
        if not cut:
            break
        lines.append(rest[:cut].rstrip())
        rest = f"{indent}    {rest[cut:]}"
    return [*lines, rest]


def _in_quotes(text: str, at: int) -> bool:
    return len(re.findall(r'(?<!\\)"', text[:at])) % 2 == 1


def _comment(text: str, indent: str) -> list[str]:
    """A comment in lines of at most 80 columns."""
    lines, line = [], f"{indent}#"
    for word in text.split():
        if wide(line) + 1 + wide(word) > WIDTH and line.strip() != "#":
            lines.append(line)
            line = f"{indent}#  "
        line += f" {word}"
    return [*lines, line]


def flow(value: Any) -> str:
    """A value in YAML's flow form."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(key))}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(each) for each in value) + "]"
    return scalar(str(value))


def scalar(text: str) -> str:
    """A text as a YAML scalar: plain where that is safe, else in double quotes. Undecided ones are quoted and refused."""
    if _PLAIN.fullmatch(text) and text not in _WORDS and text != UNDECIDED:
        return text
    return json.dumps(text, ensure_ascii=False)


def wide(text: str) -> int:
    """Columns on a screen: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
