"""A signal that arrives while a finaliser runs is not lost."""

from __future__ import annotations

import gc
import signal
import time

import pytest

from risk_pipeline.orchestration.launch import _no_lost_interrupt


class Interrupted:
    """Gets a signal in its finaliser."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)
        time.sleep(0)  # here Python calls the handler


def finalised_under_a_signal() -> None:
    each = Interrupted()
    del each
    gc.collect()


def test_a_dropped_signal_is_sent_again_and_no_traceback_printed(capfd: pytest.CaptureFixture[str]) -> None:
    def wait_after_one_is_dropped() -> None:
        finalised_under_a_signal()
        time.sleep(5)

    with _no_lost_interrupt(), pytest.raises(KeyboardInterrupt):
        wait_after_one_is_dropped()
    assert capfd.readouterr().err == ""
