"""Commands in documents, and what a page shows of their output.

Put here: reading a block of a page. Keep out: following it (tests/docs, tests/demo_world).
"""

from __future__ import annotations

import doctest
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A command and what the page shows below it."""

    command: str
    shown: str


def steps(block: str) -> list[Step]:
    """The lines that begin with `$ `, each with the lines below it."""
    found: list[Step] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(Step(line.removeprefix("$ "), ""))
        elif found:
            found[-1] = Step(found[-1].command, f"{found[-1].shown}{line}\n")
    return found


def shows(shown: str, came: str) -> bool:
    """Is the text of the page what came, blanks apart, `...` standing for anything?"""
    return doctest.OutputChecker().check_output(shown, came, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
