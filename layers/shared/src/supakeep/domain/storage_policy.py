"""How backups are stored: compressed, encrypted, both or neither."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from supakeep.domain.recipient import problem_of_recipient

Compression = Literal["none", "gzip", "zstd"]
# a zstd level above 19 takes its reader 128 MB of memory
_HIGHEST_LEVELS = {"gzip": 9, "zstd": 19}


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class StoragePolicy(_Strict):
    """The `[storage]` entry. Without a level, gzip's and zstd's own defaults apply (6 and 3). With
    `read_back`, each object is read again after it was stored, from every store.
    """

    compression: Compression = "none"
    level: int | None = Field(default=None, ge=1)
    read_back: bool = True

    @model_validator(mode="after")
    def _has_known_level(self) -> Self:
        if self.level is None:
            return self
        highest = _HIGHEST_LEVELS.get(self.compression)
        if highest is None:
            raise ValueError('level needs compression = "gzip" or "zstd"')
        if self.level > highest:
            raise ValueError(f"level of {self.compression} must be at most {highest}")
        return self

    def __str__(self) -> str:
        level = f", level {self.level}" if self.level else ""
        return f"{self.compression}{level}"


def _right_recipient(text: str) -> str:
    if problem := problem_of_recipient(text):
        shown = text if text.startswith("age1") else f"{text[:15]}…"
        raise ValueError(f"{shown} {problem}")
    return text


Recipient = Annotated[str, AfterValidator(_right_recipient)]


class EncryptionPolicy(_Strict):
    """The `[encryption]` entry: whoever has the private key of one recipient can open a backup."""

    recipients: list[Recipient] = []
