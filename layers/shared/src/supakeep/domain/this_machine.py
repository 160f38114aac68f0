"""Which host names lead to this machine, so that nobody listens in between."""

from __future__ import annotations

import ipaddress

_NAMES = frozenset({"localhost", "host.docker.internal", "host.containers.internal"})


def is_this_machine(host: str) -> bool:
    """`host` is a name or an address; those by which a container reaches its machine count."""
    name = host.lower().strip("[]")
    if name in _NAMES or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
