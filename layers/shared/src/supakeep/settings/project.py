"""Which project the settings describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import urlsplit

from supakeep.domain.project_ref import hosted_project_ref, validated_project_ref
from supakeep.domain.this_machine import is_this_machine
from supakeep.errors import ConfigurationError
from supakeep.settings.database_address import ADDRESS_FORM, DatabaseAddress

_URL = "the Supabase URL"


@dataclass(frozen=True)
class Project:
    """`url` is None where only the database is known."""

    ref: str
    url: str | None


def project_of(values: Mapping[str, str], address: DatabaseAddress | None) -> Project:
    """The project that all settings agree on. Raises ConfigurationError if they do not agree, or if
    none of them names a project.
    """
    url = values.get("NEXT_PUBLIC_SUPABASE_URL") or values.get("SUPABASE_URL")
    given = values.get("SUPABASE_PROJECT_REF")
    if url is not None:
        check_url(url)
    elif address is None:
        raise _missing_url()
    hosted = None if url is None else hosted_project_ref(url)
    named = {
        "SUPABASE_PROJECT_REF": None if given is None else validated_project_ref(given),
        _URL: hosted,
        "SUPABASE_DB_URL": None if address is None else address.project_ref,
    }
    _check_agreement(named)
    if hosted and address and address.project_ref is None and given is None:
        raise _unknown_database(address, hosted)
    ref = given or hosted or named["SUPABASE_DB_URL"]
    # a ref from the database does not prove that a custom domain belongs to the same project
    if ref is None or (url is not None and given is None and hosted is None):
        raise _unknown_ref(url)
    return Project(ref, url)


def check_url(url: str, setting: str = "NEXT_PUBLIC_SUPABASE_URL") -> None:
    """Raises ConfigurationError for what is no address of a project, or would show the secret key."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _unknown_ref(url)
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise ConfigurationError(
            "The Supabase URL starts with http://, which would send the secret key in plain text",
            operation="read settings",
            key=setting,
            hint="Write https://. Only a stack on this machine may be reached over http://.",
        )


def _check_agreement(named: Mapping[str, str | None]) -> None:
    refs = [(setting, ref) for setting, ref in named.items() if ref is not None]
    for (first, ref), (second, other) in pairwise(refs):
        if ref != other:
            raise ConfigurationError(
                f"The settings name two projects: {first} says {ref}, and {second} says {other}",
                operation="read settings",
                key=second,
                hint="They must all belong to the project that is backed up or restored; "
                "SUPABASE_PROJECT_REF may stay empty for a hosted project.",
            )


def _unknown_database(address: DatabaseAddress, hosted: str) -> ConfigurationError:
    return ConfigurationError(
        f"SUPABASE_DB_URL points to {address}, and nothing shows that this database belongs to project "
        f"{hosted} of the Supabase URL",
        operation="read settings",
        key="SUPABASE_DB_URL",
        hint=f"Use the address of the project's session pooler, or set SUPABASE_PROJECT_REF={hosted} if "
        "it does.",
    )


def _missing_url() -> ConfigurationError:
    return ConfigurationError(
        "NEXT_PUBLIC_SUPABASE_URL is not set",
        operation="read settings",
        key="NEXT_PUBLIC_SUPABASE_URL",
        hint="Set it together with SUPABASE_SERVICE_ROLE_KEY, or set SUPABASE_DB_URL. To read backups "
        "from a folder or a bucket, name it: --from FOLDER, --from s3://bucket.",
    )


def _unknown_ref(url: str | None) -> ConfigurationError:
    """For a Supabase URL in the words of the user's guide."""
    if url is not None:
        return ConfigurationError(
            "Could not extract project ref from Supabase URL",
            operation="read settings",
            key="SUPABASE_URL",
            hint="NEXT_PUBLIC_SUPABASE_URL must look like https://<project-ref>.supabase.co; "
            "for a custom domain or a local stack, also set SUPABASE_PROJECT_REF to a name for the project.",
        )
    return ConfigurationError(
        "Could not extract project ref from SUPABASE_DB_URL",
        operation="read settings",
        key="SUPABASE_DB_URL",
        hint=f"{ADDRESS_FORM} For another server, also set "
        "SUPABASE_PROJECT_REF to a name for the project.",
    )
