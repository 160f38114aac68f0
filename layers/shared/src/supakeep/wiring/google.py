"""The client of Google Cloud Storage."""

from __future__ import annotations

import json
import os
from typing import Any, cast

from google.auth.exceptions import DefaultCredentialsError
from google.cloud import storage
from google.oauth2.service_account import Credentials

from supakeep.errors import ConfigurationError

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"


def gcs_client(key: str | None) -> Any:
    """A client with a service account's key, which is JSON, or with the credentials that Google's
    client finds. Raises ConfigurationError, which does not show the key.
    """
    try:
        if key is None:
            # a bucket's objects need no project, and not every credential knows one
            return storage.Client(project=os.environ.get("GOOGLE_CLOUD_PROJECT", "-"))
        credentials = cast(Any, Credentials).from_service_account_info(
            json.loads(key), scopes=[_SCOPE]
        )
    except (ValueError, TypeError, AttributeError):
        # the text of the error may hold a part of the key
        raise ConfigurationError(
            "The credentials for Google Cloud Storage are not a service account's key",
            operation="read settings",
            key="credentials",
            hint="Put the whole JSON file of the key into the variable, or into the secret.",
        ) from None
    except DefaultCredentialsError as exc:
        raise _without_credentials() from exc
    return storage.Client(project=credentials.project_id, credentials=credentials)


def _without_credentials() -> ConfigurationError:
    return ConfigurationError(
        "There are no credentials for Google Cloud Storage",
        operation="read settings",
        key="GOOGLE_APPLICATION_CREDENTIALS",
        hint="Name a variable with a service account's key as `credentials` of the [[copy]], set "
        "GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`.",
    )
