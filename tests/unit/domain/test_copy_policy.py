from __future__ import annotations

import pytest

from supakeep.domain.copy_policy import Place, parse_copies
from supakeep.domain.policy import BackupPolicy
from supakeep.domain.policy_problems import policy_problems
from supakeep.domain.retention_policy import RetentionPolicy
from supakeep.errors import ConfigurationError

EVERYTHING = '[backup]\ntables = "*"\n'
R2 = """
[[copy]]
name = "r2"
url = "s3://my-backups/nightly"
endpoint = "https://account.r2.cloudflarestorage.com"
region = "auto"
access_key_id = "COPY_R2_KEY_ID"
secret_access_key = "COPY_R2_KEY"
keep_within_days = 90
"""


def test_a_copy_has_a_place_credentials_by_name_and_its_own_retention() -> None:
    policy = BackupPolicy.parse(EVERYTHING + R2)

    [copy] = policy.copies
    assert copy.place == Place("s3", "my-backups", "nightly")
    assert copy.secret_names == ("COPY_R2_KEY_ID", "COPY_R2_KEY")
    assert policy.own_retention == {"r2": RetentionPolicy(keep_within_days=90)}


def test_the_mirror_has_its_own_retention_without_a_place() -> None:
    policy = BackupPolicy.parse(f'{EVERYTHING}[[copy]]\nname = "mirror"\nkeep_within_days = 30')

    assert policy.own_retention == {"mirror": RetentionPolicy(keep_within_days=30)}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ('name = "primary"\nurl = "s3://b"', "the name primary means something else"),
        ('name = "mirror"\nurl = "s3://b"', "MIRROR_S3_BUCKET says where the mirror is"),
        ('name = "a"', "url is missing"),
        ('name = "a"\nurl = "s3://"', "url has no bucket"),
        ('name = "a"\nurl = "s3://b"\naccess_key_id = "COPY_A"', "go together"),
        ('name = "a"\nurl = "gs://b"\nregion = "x"', "region is only for a url that begins"),
        ('name = "a"\nurl = "s3://b"\ncredentials = "COPY_A"', "credentials is only for a url"),
        ('name = "a"\nurl = "s3://b"\nendpoint = "http://far.example"', "must begin with https://"),
        ('name = "a"\nurl = "s3://b"\nkeep_nothing = 1', "keep_nothing is not a key"),
        ('name = "a"\nurl = "s3://b"\nbucket = "b"', "bucket is not a key"),
        (
            'name = "a"\nurl = "s3://b"\n[[copy]]\nname = "a"\nurl = "s3://c"',
            "two [[copy]] entries",
        ),
    ],
)
def test_what_cannot_be_is_refused(entry: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        BackupPolicy.parse(f"{EVERYTHING}[[copy]]\n{entry}")

    assert problem in refused.value.message
    [found] = policy_problems(f"{EVERYTHING}[[copy]]\n{entry}", "f")
    assert problem.rsplit(" is ", maxsplit=1)[-1] in found.message


@pytest.mark.parametrize("parse", [BackupPolicy.parse, lambda text: policy_problems(text, "f")])
def test_a_credential_in_the_file_is_refused_without_being_shown(parse: object) -> None:
    text = EVERYTHING + R2.replace("COPY_R2_KEY_ID", "AKIAIOSFODNN7EXAMPLE")

    try:
        said = str(parse(text))  # type: ignore[operator]
    except ConfigurationError as exc:
        said = f"{exc.message} {exc.hint}"

    assert "must be the name of a variable that begins with COPY_" in said
    assert "AKIAIOSFODNN7EXAMPLE" not in said


def test_places_can_be_listed_with_commas() -> None:
    first, second = parse_copies("s3://my.bucket/a/b, offsite=gs://other")

    assert (first.name, first.place) == ("my.bucket", Place("s3", "my.bucket", "a/b"))
    assert (second.name, second.place) == ("offsite", Place("gs", "other"))


def test_a_json_list_has_the_keys_of_an_entry() -> None:
    [copy] = parse_copies('[{"name": "a", "url": "s3://b", "region": "r", "keep_within_days": 3}]')

    assert (copy.region, copy.retention) == ("r", RetentionPolicy(keep_within_days=3))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[{", "COPIES: "),
        ('[{"name": "a"}]', "COPIES: 1: url is missing"),
        ("a=s3://b,a=s3://c", "COPIES: copy a has two [[copy]] entries"),
        ('[{"name": "a", "url": "s3://b", "access_key_id": "s3cr3t"}]', "COPIES: 1.access_key_id"),
    ],
)
def test_a_list_that_cannot_be_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_copies(text)

    assert refused.value.message.startswith(problem)
    assert "s3cr3t" not in refused.value.message
