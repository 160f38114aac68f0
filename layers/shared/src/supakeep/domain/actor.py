"""Who asked for something."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Actor(BaseModel):
    """`name` is that of the key, the person on the machine, or `schedule`; `via` is how the call came,
    and `address` from where, if that is known.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    via: str
    address: str | None = None
