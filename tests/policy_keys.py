"""Every key a policy may have, as dotted names; entries of lists and of free tables stand as `[]` and `*`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from risk_pipeline.policy.model import Label, Model, Policy


def keys(model: type[Model] = Policy, place: str = "") -> Iterator[str]:
    """The keys of `model` and of the models below it; a text in two languages is one key."""
    for name, field in model.model_fields.items():
        key = f"{place}{field.alias or name}"
        yield key
        for inner, suffix in _models(field.annotation, ""):
            yield from keys(inner, f"{key}{suffix}.")


def _models(annotation: Any, suffix: str) -> Iterator[tuple[type[Model], str]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        if annotation is not Label:
            yield annotation, suffix
        return
    origin = getattr(annotation, "__origin__", None)
    for argument in get_args(annotation):
        more = "[]" if origin is tuple else ".*" if origin is dict else ""
        yield from _models(argument, suffix + more)
