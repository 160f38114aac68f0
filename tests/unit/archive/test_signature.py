from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.archive.manifest import (
    check_signature,
    encode_manifest,
    parse_manifest,
)
from supakeep.archive.sealed_json import checksum_of
from supakeep.archive.signature import Keyring
from supakeep.errors import (
    ConfigurationError,
    IntegrityError,
    ManifestError,
    SignatureError,
    UnsignedError,
)
from tests.builders.manifests import a_manifest
from tests.builders.signing import (
    FORMER_KEY,
    KEYRING,
    SIGNING_KEY,
    STRANGERS,
    with_a_right_checksum,
)

MANIFEST = a_manifest(warnings=("ünïcode \U0001f40d",))
KEY = MANIFEST.name.manifest_key
SIGNED = encode_manifest(MANIFEST, KEYRING)
FIELDS: dict[str, Any] = json.loads(SIGNED)


def check(content: bytes, keyring: Keyring = KEYRING, *, accepts_unsigned: bool = False) -> None:
    check_signature(content, KEY, keyring, accepts_unsigned=accepts_unsigned)


def forged(**fields: Any) -> bytes:
    return with_a_right_checksum({**FIELDS, **fields})


def test_a_manifest_is_accepted_by_who_holds_its_key() -> None:
    check(SIGNED)

    read = parse_manifest(SIGNED, KEY)
    assert read.model_copy(update={"signature": None}) == MANIFEST
    assert read.signature is not None
    assert read.signature.key_id == KEYRING.key_id


def test_the_signature_is_the_documented_one() -> None:
    fields = {k: v for k, v in FIELDS.items() if k not in {"signature", "checksum"}}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    signed = f"supakeep manifest\n{text}".encode()

    assert FIELDS["signature"] == {
        "algorithm": "HMAC-SHA256",
        "key_id": hashlib.sha256(SIGNING_KEY.encode()).hexdigest()[:8],
        "value": hmac.new(SIGNING_KEY.encode(), signed, "sha256").hexdigest(),
    }
    assert FIELDS["checksum"] == checksum_of({**fields, "signature": FIELDS["signature"]})


def test_a_signature_counts_for_its_purpose_only() -> None:
    fields = {"a": 1}

    with pytest.raises(SignatureError):
        KEYRING.check("another purpose", fields, KEYRING.sign("a purpose", fields))


@pytest.mark.parametrize(
    "name", [name for name in FIELDS if name not in {"signature", "checksum", "format"}]
)
@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_every_field_is_signed(name: str, change: str) -> None:
    fields = {**FIELDS, name: "something else"}
    if change == "removed":
        del fields[name]

    with pytest.raises(SignatureError, match="it is forged") as refused:
        check(with_a_right_checksum(fields))

    assert refused.value.key == KEY


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing(offset: int, difference: int) -> None:
    changed = bytearray(SIGNED)
    changed[offset] ^= difference

    try:
        check(bytes(changed))
    except IntegrityError:
        return
    assert json.loads(changed) == FIELDS


def twice(content: bytes, name: str, value: object) -> bytes:
    """The name stands twice; the checksum is that of the second one, which Python reads."""
    return content.replace(b"{", b'{"%s":%s,' % (name.encode(), json.dumps(value).encode()), 1)


@pytest.mark.parametrize(
    "content",
    [
        twice(SIGNED, "tables", []),
        twice(SIGNED, "checksum", "0" * 64),
        twice(SIGNED, "signature", None),
        SIGNED.replace(b'"rows": 0', b'"rows": 0, "rows": 0', 1),
    ],
    ids=["tables", "checksum", "signature", "within a table"],
)
def test_a_name_that_stands_twice_is_refused_whoever_reads_it(content: bytes) -> None:
    with pytest.raises(ManifestError, match="stands twice"):
        check(content)
    with pytest.raises(ManifestError, match="stands twice"):
        parse_manifest(content, KEY)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_no_number_for_is_refused(number: str) -> None:
    content = SIGNED.replace(b'"rows": 0', b'"rows": %s' % number.encode(), 1)

    with pytest.raises(ManifestError, match="is not JSON"):
        parse_manifest(content, KEY)


@pytest.mark.parametrize("number", ["0.0", "-0.0", "0e400", "1e400", "1" * 5000])
def test_a_number_spelled_in_another_way_is_not_the_signed_one(number: str) -> None:
    assert b'"rows": 0' in SIGNED
    content = SIGNED.replace(b'"rows": 0', b'"rows": %s' % number.encode(), 1)

    with pytest.raises(ManifestError):
        check(content)


def test_names_that_look_alike_are_different_names() -> None:
    composed, decomposed = "public.caf\u00e9", "public.cafe\u0301"
    signed = encode_manifest(MANIFEST.model_copy(update={"warnings": (composed,)}), KEYRING)
    fields = json.loads(signed)

    with pytest.raises(SignatureError, match="it is forged"):
        check(with_a_right_checksum({**fields, "warnings": [decomposed]}))


@pytest.mark.parametrize("name", ["pin", "changes", "copies_of", "schema", "files"])
def test_a_field_that_was_added_is_not_signed(name: str) -> None:
    with pytest.raises(SignatureError, match="it is forged"):
        check(forged(**{name: {"until": "2099-01-01"}}))


def test_a_field_of_a_size_that_no_manifest_has_is_refused() -> None:
    with pytest.raises(SignatureError, match="it is forged"):
        check(forged(warnings=["x" * 8_000_000]))


SIGNATURE = FIELDS["signature"]


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        (STRANGERS.sign("supakeep manifest", FIELDS).model_dump(), "neither SIGNING_KEY nor"),
        ({**SIGNATURE, "key_id": STRANGERS.key_id}, "neither SIGNING_KEY nor a former one"),
        ({**SIGNATURE, "value": "0" * 64}, "it is forged"),
        ({**SIGNATURE, "value": SIGNATURE["value"].upper()}, "it is forged"),
        ({**SIGNATURE, "value": SIGNATURE["value"][:63]}, "it is forged"),
        ({**SIGNATURE, "value": ""}, "it is forged"),
        ({**SIGNATURE, "value": "\u00e9"}, "it is forged"),
        ({**SIGNATURE, "value": "\ud800"}, "it is forged"),
        ({**SIGNATURE, "value": None}, "its signature is not one"),
        ({**SIGNATURE, "algorithm": "none"}, "another kind"),
        ({**SIGNATURE, "algorithm": "HMAC-MD5"}, "another kind"),
        ({}, "its signature is not one"),
        ([], "its signature is not one"),
        ("", "its signature is not one"),
        (False, "its signature is not one"),
    ],
)
def test_a_signature_that_does_not_verify_is_refused_even_where_unsigned_ones_are_accepted(
    signature: object, why: str
) -> None:
    with pytest.raises(SignatureError, match=why) as refused:
        check(forged(signature=signature), accepts_unsigned=True)

    assert not isinstance(refused.value, UnsignedError)
    assert refused.value.hint is not None
    assert "SIGNING_KEYS_OLD" in refused.value.hint


@pytest.mark.parametrize("content", [encode_manifest(MANIFEST), forged(signature=None)])
def test_an_unsigned_manifest_is_refused_unless_it_is_allowed(content: bytes) -> None:
    with pytest.raises(UnsignedError, match="is unsigned") as refused:
        check(content)

    assert refused.value.hint is not None
    assert "--allow-unsigned" in refused.value.hint
    check(content, accepts_unsigned=True)


def test_damage_is_not_called_forgery() -> None:
    with pytest.raises(ManifestError, match="damaged or edited"):
        check(SIGNED.replace(b'"rows": 0', b'"rows": 7', 1))


def test_a_former_key_still_verifies_and_no_longer_signs() -> None:
    former, now = Keyring(FORMER_KEY), Keyring(SIGNING_KEY, [FORMER_KEY])

    check(encode_manifest(MANIFEST, former), now)
    check(encode_manifest(MANIFEST, now), KEYRING)
    with pytest.raises(SignatureError):
        check(encode_manifest(MANIFEST, former), KEYRING)


@pytest.mark.parametrize("key", ["", "x" * 31, f"{'x' * 40}\n", f"{'x' * 40},", "é" * 40])
def test_a_key_that_could_be_guessed_or_not_be_written_down_is_refused(key: str) -> None:
    for keys in ((key, []), (SIGNING_KEY, [key])):
        with pytest.raises(ConfigurationError) as refused:
            Keyring(*keys)
        assert not key or key not in f"{refused.value} {refused.value.hint}"
