from __future__ import annotations

import time
from threading import Event

import pytest

from supakeep.errors import StorageError
from supakeep.patience import within


def test_what_ends_in_time_gives_its_result_or_its_error() -> None:
    def refused() -> None:
        raise StorageError("refused", operation="upload")

    assert within(5, lambda: "done") == "done"
    with pytest.raises(StorageError, match="refused"):
        within(5, refused)


def test_what_takes_longer_is_waited_for_no_longer() -> None:
    released, begun = Event(), time.monotonic()

    with pytest.raises(TimeoutError):
        within(0.05, released.wait)

    assert time.monotonic() - begun < 2
    released.set()
