"""Keys of age that tests encrypt to."""

from __future__ import annotations

from dataclasses import dataclass

import pyrage


@dataclass(frozen=True)
class Key:
    """`public` is a recipient, `private` the line of an identity file."""

    public: str
    private: str

    @classmethod
    def new(cls) -> Key:
        identity = pyrage.x25519.Identity.generate()
        return cls(str(identity.to_public()), str(identity))


OURS, PAPER, STRANGERS = Key.new(), Key.new(), Key.new()
"""The key of every day, the one that lies in a safe, and one of somebody else."""
