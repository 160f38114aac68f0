"""What the parts of a manifest are made of."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict, NonNegativeInt

from supakeep.errors import SupakeepError


class ManifestPart(BaseModel):
    """Frozen, as a manifest is."""

    # a later minor version may add fields that this reader need not know
    model_config = ConfigDict(frozen=True, extra="ignore")


class Problem(ManifestPart):
    """Why something failed and how to fix it."""

    message: str
    hint: str | None = None

    @classmethod
    def from_error(cls, error: SupakeepError) -> Problem:
        return Problem(message=error.message, hint=error.hint)


class ErasedRows(ManifestPart):
    """Rows of one table that were erased from a backup after it was made: when, and how many. By which
    values they were chosen is not kept.
    """

    at: AwareDatetime
    table: str
    rows: NonNegativeInt

    def __str__(self) -> str:
        rows, were = ("1 row", "was") if self.rows == 1 else (f"{self.rows:,} rows", "were")
        return f"{rows} of {self.table} {were} erased on {self.at:%Y-%m-%d %H:%M} UTC"


class VolumeEntry(ManifestPart):
    """One object of the document; `bytes` and `sha256` are of the object as it is stored,
    `document_bytes` is what it holds of the document where it is compressed or encrypted.
    """

    key: str
    bytes: NonNegativeInt
    sha256: str
    document_bytes: NonNegativeInt | None = None

    @property
    def size_in_document(self) -> int:
        """Bytes of the document."""
        return self.bytes if self.document_bytes is None else self.document_bytes
