from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from supakeep.system import termination_as_interrupt


@pytest.fixture
def without_nohup() -> Iterator[None]:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("without_nohup")
def test_a_process_that_is_asked_to_end_is_interrupted_as_by_ctrl_c(sent: signal.Signals) -> None:
    before = signal.getsignal(sent)

    with pytest.raises(KeyboardInterrupt), termination_as_interrupt():
        signal.raise_signal(sent)

    assert signal.getsignal(sent) is before


def test_the_end_of_the_terminal_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with termination_as_interrupt():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
