"""Small objects beside backups, each with a format, a checksum and a signature: pins, the ledger's entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from supakeep.archive.sealed_json import UnsealedError, json_object, sealed, without_checksum
from supakeep.archive.signature import Keyring
from supakeep.errors import IntegrityError, SignatureError, UnsignedError

Stored = TypeVar("Stored", bound=BaseModel)


@dataclass(frozen=True)
class SealedKind:
    """Objects of one kind: what a person calls them, their format (`name/<major>`), and what to do
    about one that cannot be trusted.
    """

    noun: str
    format: str
    hint: str

    @property
    def _signed_as(self) -> str:
        """The purpose that a signature counts for."""
        return f"supakeep {self.noun}"

    def encode(self, fields: Mapping[str, Any], keyring: Keyring | None) -> bytes:
        """The fields as they are stored; with `keyring` they are signed."""
        return sealed({"format": self.format, **fields}, self._signed_as, keyring)

    def fields(self, content: bytes, key: str) -> dict[str, Any]:
        """All fields but the checksum. Raises IntegrityError for an object that is damaged, or of
        another format.
        """
        try:
            fields = json_object(content)
            written = str(fields.get("format"))
            if written != self.format and not written.startswith(f"{self.format}."):
                raise UnsealedError(f"its format {written[:40]!r} is unknown")
            return without_checksum(fields)
        except UnsealedError as exc:
            raise self.untrusted(key, str(exc)) from exc

    def parse(self, model: type[Stored], content: bytes, key: str) -> Stored:
        """The object as a model. Raises IntegrityError."""
        fields = self.fields(content, key)
        try:
            return model.model_validate(fields)
        except ValidationError:
            raise self.untrusted(key, f"its fields are not those of a {self.noun}") from None

    def check_signature(self, content: bytes, key: str, keyring: Keyring) -> None:
        """Raises SignatureError for an object that was not signed with a key that is known,
        UnsignedError for one without a signature.
        """
        fields = self.fields(content, key)
        stored = fields.pop("signature", None)
        operation = f"read {self.noun}"
        if stored is None:
            message = f"The {self.noun} {key} is unsigned"
            raise UnsignedError(message, operation=operation, key=key)
        try:
            keyring.check_stored(self._signed_as, fields, stored)
        except SignatureError as exc:
            message = f"The {self.noun} {key} cannot be trusted: {exc.message}"
            raise SignatureError(message, operation=operation, key=key) from None

    def untrusted(self, key: str, why: str) -> IntegrityError:
        """The error for an object that is not believed, for this reason."""
        return IntegrityError(
            f"The {self.noun} {key} cannot be trusted: {why}",
            operation=f"read {self.noun}",
            key=key,
            hint=self.hint,
        )
