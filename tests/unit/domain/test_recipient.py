from __future__ import annotations

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supakeep.domain.policy import BackupPolicy
from supakeep.domain.policy_problems import policy_problems
from supakeep.domain.recipient import problem_of_recipient
from supakeep.errors import ConfigurationError
from tests.builders.keys import OURS, Key

SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN me@host"
PLUGIN = "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"


def a_policy(recipient: str) -> str:
    return (
        f'[backup]\ntables = "*"\n\n[encryption]\nrecipients = ["{OURS.public}", "{recipient}"]\n'
    )


def test_the_public_keys_that_age_makes_are_taken() -> None:
    for key in (Key.new() for _ in range(50)):
        assert problem_of_recipient(key.public) is None


@given(st.integers(4, 61), st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7lbio1"))
def test_a_key_with_one_wrong_character_is_refused_as_age_refuses_it(
    place: int, other: str
) -> None:
    wrong = OURS.public[:place] + other + OURS.public[place + 1 :]
    if wrong == OURS.public:
        return

    assert problem_of_recipient(wrong) is not None
    with pytest.raises(pyrage.RecipientError):
        pyrage.x25519.Recipient.from_str(wrong)


@pytest.mark.parametrize(
    ("recipient", "problem"),
    [
        (SSH, "SSH keys, plugins and other kinds are not supported"),
        (PLUGIN, "SSH keys, plugins and other kinds are not supported"),
        ("age1pq1abcdef", "SSH keys, plugins and other kinds are not supported"),
        ("me@example.com", "is not a public key of age"),
        ("", "is not a public key of age"),
        (OURS.public[:-1], "is not a public key of age"),
        (OURS.public[:-2] + "qq", "has a typing mistake"),
    ],
    ids=["ssh", "plugin", "hybrid", "address", "empty", "cut", "mistyped"],
)
def test_what_cannot_be_encrypted_to_is_refused_with_the_reason(
    recipient: str, problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        BackupPolicy.parse(a_policy(recipient))


def test_a_private_key_among_the_recipients_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="is a private key") as refused:
        BackupPolicy.parse(a_policy(OURS.private))

    assert OURS.private not in str(refused.value)


def test_a_wrong_recipient_is_found_with_its_line() -> None:
    [problem] = policy_problems(a_policy(OURS.public[:-2] + "qq"), "supakeep.toml")

    assert problem.line == 5
    assert problem.message.startswith("recipients of [encryption] age1")
    assert problem.message.endswith("has a typing mistake: its checksum is wrong")


def test_a_misspelt_key_of_the_new_entries_is_found() -> None:
    text = '[backup]\ntables = "*"\n[storage]\ncompresion = "zstd"\n[encryption]\nrecipient = []\n'

    assert [problem.fix for problem in policy_problems(text, "f")] == [
        "Write compression.",
        "Write recipients.",
    ]
