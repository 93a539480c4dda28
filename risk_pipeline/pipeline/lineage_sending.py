"""Where OpenLineage events go: a file of the workspace, or a collector over HTTP.

Put here: the two ways and what happens when one fails. Keep out: what the events say (lineage_events, lineage.openlineage).

An event is a notice. What it tells is in the register, so an assessment never fails because of it, and hardly waits: a collector
that did not take an event is not asked again for a minute.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from risk_pipeline.errors import RiskError
from risk_pipeline.settings import OpenLineage, Workspace, resolve_secret
from risk_pipeline.store.lake import Lake

REST_SECONDS = 60.0

log = logging.getLogger("risk_pipeline.openlineage")
_failed_at: dict[str, float] = {}  # by address, of this process


def send(workspace: Workspace, name: str, events: Sequence[dict[str, Any]]) -> None:
    """Send events in their order, or append them to the file `name`, one JSON object a line, as the settings say.

    A line is either there wholly or not at all. What cannot be sent goes to the file; a failure is told in the log.
    """
    how, path = workspace.settings.openlineage, workspace.openlineage / f"{name}.jsonl"
    unsent = list(events)
    if how.transport == "http" and (why := _post(how, unsent)):
        log.warning(
            "OpenLineage: the collector did not take %d of %d events: %s\n  -> they, and what follows within a minute, are kept"
            " in %s; mend the collector, or `openlineage` in risk.yaml, then send them again (docs/lineage.md)",
            *(len(unsent), len(events), why, path.parent),
        )
    try:
        if how.transport != "none" and unsent:
            _append(path, unsent)
    except OSError as exc:
        log.warning("OpenLineage: %d events were not written to %s: %s", len(unsent), path, exc.strerror)


def _append(path: Path, events: Sequence[dict[str, Any]]) -> None:
    before = path.read_bytes() if path.exists() else b""
    lines = "".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n" for each in events)
    with Lake.write_atomic(path) as temporary:
        temporary.write_bytes(before + lines.encode())


def _post(how: OpenLineage, unsent: list[dict[str, Any]]) -> str:
    """Send the events one by one; those that were taken leave the list. Returns why one was refused, if any."""
    address = str(how.url)
    if time.monotonic() - _failed_at.get(address, float("-inf")) < REST_SECONDS:
        return ""
    try:
        _emit(how, unsent)
    except ModuleNotFoundError:
        return "sending needs openlineage-python (pip install 'customer-risk-pipeline[openlineage]')"
    except (OSError, ValueError, RiskError) as exc:  # requests' errors are OSErrors, a wrong address is a ValueError
        _failed_at[address] = time.monotonic()
        return _reason(exc)
    return ""


def _reason(error: Exception) -> str:
    """Why in words, without the address: a secret may be in it."""
    from requests import ConnectionError, HTTPError, Timeout

    if isinstance(error, HTTPError) and error.response is not None:
        return f"it answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, Timeout):
        return "it did not answer in time"
    if isinstance(error, ConnectionError):
        return "it cannot be reached"
    return str(error) if isinstance(error, RiskError) else "its address is wrong"


def _emit(how: OpenLineage, unsent: list[dict[str, Any]]) -> None:
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

    key = resolve_secret(how.api_key)
    transport = HttpTransport(
        HttpConfig(
            url=resolve_secret(how.url) or "",
            timeout=how.timeout_seconds,
            auth=ApiKeyTokenProvider({"api_key": key}) if key else TokenProvider({}),
            retry={"total": 0},  # a try costs at most the timeout
        )
    )
    try:
        while unsent:
            transport.emit(cast("Any", unsent[0]))
            del unsent[0]
    finally:
        transport.close()
