from __future__ import annotations

import signal

import pytest

from supakeep.system import termination_as_interrupt


def test_a_process_that_is_asked_to_end_is_interrupted_as_by_ctrl_c() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt), termination_as_interrupt():
        signal.raise_signal(signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) is before
