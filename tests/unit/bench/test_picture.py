"""The picture of who has the cores."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from bench.picture import Run, drawn
from bench.processor import Share

SVG = "{http://www.w3.org/2000/svg}"
RUN = Run(
    "supakeep <backup>",
    [Share(0.1, server=0.0, client=0.1, everybody=0.1), Share(0.2, 0.2, 0.1, everybody=0.35)],
)


def test_core_seconds_add_up_to_all_cores_for_the_time() -> None:
    used = RUN.core_seconds(cores=2)

    assert used == pytest.approx({"server": 0.2, "client": 0.2, "others": 0.05, "idle": 0.15})
    assert sum(used.values()) == pytest.approx(2 * RUN.seconds)


def test_what_a_coarse_clock_counts_too_much_is_scaled_down() -> None:
    used = Run("run", [Share(0.1, server=0.2, client=0.2, everybody=0.3)]).core_seconds(cores=2)

    assert used == pytest.approx({"server": 0.1, "client": 0.1, "others": 0, "idle": 0})


def test_bars_are_as_high_as_what_they_show() -> None:
    picture = ET.fromstring(drawn([RUN], 2, "a machine & its cores"))  # noqa: S314 - our own

    bars = [bar for bar in picture.iter(f"{SVG}rect") if float(bar.get("width", 0)) > 20][1:]
    heights = {bar.get("class"): float(bar.get("height", 0)) for bar in bars[4:]}
    assert heights == pytest.approx({"server": 58, "client": 29, "others": 14.5, "idle": 14.5})
    texts = [text.text or "" for text in picture.iter(f"{SVG}text")]
    assert "supakeep <backup>: 0.30 s" in texts
    assert "a machine & its cores" in texts
