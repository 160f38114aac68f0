"""Sizes and durations in words, one rule for every place that shows them."""

from __future__ import annotations


def size_text(size_bytes: int) -> str:
    """`3.6 MiB`: a size as the dashboard shows it, in the largest unit that it fills."""
    size, unit = float(size_bytes), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    is_small = unit != "bytes" and size < 10
    return f"{size:,.1f} {unit}" if is_small else f"{size:,.0f} {unit}"


def duration_text(seconds: int) -> str:
    """`14 s`, `25 min`: a duration in the largest unit that shows two digits of it."""
    if not seconds:
        return "under 1 s"
    if seconds < 120:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
