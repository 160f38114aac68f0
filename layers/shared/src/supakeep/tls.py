"""What a client over HTTPS trusts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


@cache
def tls_context() -> ssl.SSLContext:
    """To load the certificates takes longer than a request, so all clients of a process share them."""
    import httpx

    return httpx.create_ssl_context()
