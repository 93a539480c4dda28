"""The errors a user can cause, each with the exit code the command line ends with.

Put here: the exception classes that every layer may raise. Keep out: errors of one module that its caller handles;
messages (each raise site writes its own, naming file, line, column, value and remedy).
"""

from __future__ import annotations


class RiskError(Exception):
    """A failure with a message for people: what happened, and `remedy`, what to do next. Never shown as a traceback."""

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  -> {self.remedy}" if self.remedy else self.message


class UsageError(RiskError):
    """Wrong usage: bad arguments, settings, feed YAML or policy. Exit code 2."""

    exit_code = 2


class Refused(RiskError):
    """A gate said no: a delivery, a date or a publication was refused, and the last good state stands. Exit code 3."""

    exit_code = 3


class Locked(RiskError):
    """Another run holds the workspace lock. Exit code 4."""

    exit_code = 4
