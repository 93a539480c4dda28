"""Where the records of delimited text begin and end, and on which physical line each begins.

Put here: the scan over raw bytes, with quoted fields that may hold delimiters and line ends. Keep out: decoding (the bytes
are UTF-8), splitting records into fields (pyarrow does, by the same rules), and values.

The rules: a quote opens a quoted field only at the start of a field; inside, "" is one quote and line ends are data; after
the closing quote comes a delimiter or the end of the record. A quote elsewhere is an ordinary character.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

QUOTE, NEWLINE, RETURN = 0x22, 0x0A, 0x0D
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Scan:
    """`ends`: positions of the line ends that close a record. `newlines`: of all line ends, quoted ones too.

    `is_open`: a quoted field is still open at the end of the block.
    `malformed`: position of a closing quote followed by neither delimiter nor line end, or None.
    """

    ends: Positions
    newlines: Positions
    is_open: bool = False
    malformed: int | None = None


def scan(block: bytes, delimiter: str) -> Scan:
    """Scan a block that begins at the start of a record."""
    codes = np.frombuffer(block, dtype=np.uint8)
    if QUOTE not in block:
        newlines = np.flatnonzero(codes == NEWLINE)
        return Scan(newlines, newlines)
    special = np.flatnonzero((codes == QUOTE) | (codes == NEWLINE))
    is_quote = codes[special] == QUOTE
    newlines = special[~is_quote]
    inside = np.cumsum(is_quote) % 2 == 1
    if _well_formed(codes, special[is_quote], inside[is_quote], ord(delimiter)):
        return Scan(special[~is_quote & ~inside], newlines, bool(inside[-1]))
    return _scan_slowly(block, special, newlines, ord(delimiter))


def record_lines(found: Scan, first_line: int) -> tuple[Positions, Positions]:
    """Start position and physical line of each record that ends in the block; its first line is `first_line`."""
    starts = np.concatenate(([0], found.ends[:-1] + 1)) if len(found.ends) else np.empty(0, dtype=np.int64)
    if len(found.ends) == len(found.newlines):
        return starts, first_line + np.arange(len(starts))
    return starts, first_line + np.searchsorted(found.newlines, starts)


def blanks_at_edges(records: bytes, delimiter: str) -> bool:
    """May a field begin or end with a blank or a control character? Characters beyond ASCII count as blanks here; some are.
    Line ends inside quotes are the caller's to notice (the scan has them), but for carriage returns.
    """
    if QUOTE in records and records.count(b"\r") != records.count(b"\r\n"):
        return True
    codes = np.frombuffer(records, dtype=np.uint8)
    blanks = np.flatnonzero((codes <= 0x20) | (codes >= 0x7F))
    blanks = blanks[(codes[blanks] != NEWLINE) & (codes[blanks] != RETURN)]
    if not len(blanks):
        return False
    is_edge = np.zeros(256, dtype=np.bool_)
    is_edge[[ord(delimiter), QUOTE, NEWLINE, RETURN]] = True
    beside = is_edge[codes[blanks - 1]] | is_edge[codes[np.minimum(blanks + 1, len(codes) - 1)]]
    return bool(beside.any())


def lone_return(records: bytes) -> int | None:
    """Position of the first carriage return outside quotes that is not followed by a newline; pyarrow would end a record."""
    for found in re.finditer(rb"\r(?!\n)", records):
        if records.count(b'"', 0, found.start()) % 2 == 0:
            return found.start()
    return None


def _well_formed(codes: npt.NDArray[np.uint8], quotes: Positions, opening: npt.NDArray[np.bool_], delimiter: int) -> bool:
    """Does counting quotes give the right state: every opening one at the start of a field, every closing one at its end."""
    before = codes[quotes[opening] - 1]
    starts = (before == delimiter) | (before == NEWLINE) | (before == QUOTE) | (quotes[opening] == 0)
    closing = quotes[~opening]
    after = codes[np.minimum(closing + 1, len(codes) - 1)]
    ends = (after == delimiter) | (after == NEWLINE) | (after == RETURN) | (after == QUOTE) | (closing == len(codes) - 1)
    return bool(starts.all() and ends.all())


def _scan_slowly(block: bytes, special: Positions, newlines: Positions, delimiter: int) -> Scan:
    """The same, character by character over quotes and line ends: for blocks with quotes inside unquoted fields."""
    ends: list[int] = []
    is_open, skip, malformed = False, -1, None
    for position in special.tolist():
        if position == skip:
            continue
        if block[position] == NEWLINE:
            if not is_open:
                ends.append(position)
        elif not is_open:
            is_open = position == 0 or block[position - 1] in (delimiter, NEWLINE)
        elif block[position + 1 : position + 2] == b'"':
            skip = position + 1
        else:
            is_open = False
            following = block[position + 1 : position + 2]
            if malformed is None and following and following[0] not in (delimiter, NEWLINE, RETURN):
                malformed = position
    return Scan(np.array(ends, dtype=np.int64), newlines, is_open, malformed)
