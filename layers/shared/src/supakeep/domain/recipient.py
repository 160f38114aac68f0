"""The public keys that age encrypts to."""

from __future__ import annotations

import re

_X25519 = re.compile(r"age1[a-z0-9]{58}")
# BIP 173 (Bech32), in which age writes its keys
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def problem_of_recipient(text: str) -> str | None:
    """Why backups cannot be encrypted to this public key, as a clause; None where they can."""
    if text.startswith("AGE-SECRET-KEY-"):
        return "is a private key: write its public key (age-keygen -y), and change the private key"
    if text.startswith(("ssh-", "age1pq1", "age1tag")) or re.match(r"age1[a-z0-9-]+1", text):
        return "is not an X25519 key of age (age1…): SSH keys, plugins and other kinds are not supported"
    if not _X25519.fullmatch(text):
        return "is not a public key of age: it begins with age1 and has 62 characters"
    if not _has_right_checksum(text):
        return "has a typing mistake: its checksum is wrong"
    return None


def _has_right_checksum(text: str) -> bool:
    prefix, _, data = text.rpartition("1")
    if any(character not in _ALPHABET for character in data):
        return False
    values = [ord(character) >> 5 for character in prefix]
    values += [0, *(ord(character) & 31 for character in prefix)]
    values += [_ALPHABET.index(character) for character in data]
    return _polymod(values) == 1


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATORS):
            checksum ^= generator if top >> bit & 1 else 0
    return checksum
