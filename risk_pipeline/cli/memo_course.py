"""Two parts of the memo: how the customer got here (the assessments before), and the early warnings that stand.

Put here: their layout. Keep out: the other parts (memo) and gathering (pipeline.explain).
"""

from __future__ import annotations

from rich.table import Table

from risk_pipeline.cli import output
from risk_pipeline.cli.figures import noticed
from risk_pipeline.cli.texts import ALERT_PHRASES, Language, both, code, each, headers, say
from risk_pipeline.pipeline.explain import Explanation, Row

ARROWS = {"up": " ↑", "down": " ↓"}
POINTS_PER_BLOCK = 10  # of the bar beside a score


def course_table(found: Explanation, language: Language) -> Table:
    """The newest assessments up to this one, the oldest first: score, tier and what decided it, limit in force, exposure."""
    rows = [
        (
            row["as_of"],
            f"{row['score']:.2f}\n{bar(row['score'])}" if row["score"] is not None else "",
            _tier(row, language),
            _text(row["why"], language) if row["why"] else code(row["binding_rule"], language),
            output.amount(row["effective_limit"]),
            output.amount(row["total_exposure"]) + ("*" if row["hold"] else ""),
        )
        for row in found.course
    ]
    return output.table(headers("date score tier decided limit exposure", language), rows, [4, 5], fold=[2, 3])


def _tier(row: Row, language: Language) -> str:
    """The tier with an arrow when it moved, its Chinese name below."""
    label = row["tier_label"]
    if language == "zh":
        return f"{label['zh']}{ARROWS.get(row['direction'], '')}"
    return both(f"{label['en']}{ARROWS.get(row['direction'], '')}", label["zh"], language, between="\n")


def bar(score: float) -> str:
    """A bar as long as the score, one block for ten points."""
    return "█" * round(score / POINTS_PER_BLOCK)


def warnings_table(found: Explanation, language: Language) -> Table:
    """The early warnings that are not closed, the gravest first: what was noticed, how grave, since when, until when."""
    rows = [
        (
            row["rule"],
            "\n".join(text for text in (noticed(row, language), _book(row, language)) if text),
            both(*ALERT_PHRASES[row["severity"]], language),
            row["first_seen"],
            f"{row['due_date']}{'!' if row['due_date'] < found.as_of else ''}",
        )
        for row in found.warnings
    ]
    return output.table(headers("- warning severity since until", language), rows, fold=[1])


def _book(row: Row, language: Language) -> str:
    if not row["playbook_label"]:
        return ""
    return each(language, lambda one: say("begins", one, book=row["playbook_label"][one]))


def _text(texts: Row, language: Language) -> str:
    return both(texts["en"], texts["zh"], language)
