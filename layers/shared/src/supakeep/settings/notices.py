"""Who hears of runs: WEBHOOK_URL, WEBHOOK_FORMAT, WEBHOOK_SECRET, WEBHOOK_ON and PING_URL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from supakeep.errors import ConfigurationError

FORMATS = ("slack", "discord", "json")
ON = ("trouble", "all")
LEAST_CHARACTERS = 16


def notices_problems(values: Mapping[str, str]) -> Iterator[ConfigurationError]:
    """What is wrong with them. No error shows a URL: whoever has it can send messages there."""
    for name in ("WEBHOOK_URL", "PING_URL"):
        if name in values and not _is_url(values[name]):
            yield _problem(
                name,
                f"{name} is not a URL that begins with https:// and a host",
                "Copy it again, as a whole. http:// is for a server on this machine.",
            )
    yield from _choice("WEBHOOK_FORMAT", FORMATS, values)
    yield from _choice("WEBHOOK_ON", ON, values)
    if 0 < len(values.get("WEBHOOK_SECRET", "")) < LEAST_CHARACTERS:
        yield _problem(
            "WEBHOOK_SECRET",
            f"WEBHOOK_SECRET is shorter than {LEAST_CHARACTERS} characters",
            "Make one with `openssl rand -hex 32`.",
        )


def _choice(
    name: str, choices: tuple[str, ...], values: Mapping[str, str]
) -> Iterator[ConfigurationError]:
    if name in values and values[name] not in choices:
        yield _problem(
            name, f"{name} is none of: {', '.join(choices)}", "Correct it, or leave it out."
        )


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # asking for it raises where it is no number
        _ = parts.port
    except ValueError:
        return False
    is_local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    is_web = parts.scheme == "https" or (parts.scheme == "http" and is_local)
    return is_web and bool(parts.hostname) and text.isprintable() and " " not in text


def _problem(key: str, message: str, hint: str) -> ConfigurationError:
    return ConfigurationError(message, operation="read settings", key=key, hint=hint)
