"""Customer risk pipeline: re-score every business customer at set dates, and say who is how risky and why."""

__version__ = "0.1.0"
