"""Time and clients as the matrix needs them: pauses are short, and AWS is the proxy."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from supakeep.databases.data_api import client as data_api
from supakeep.stores.retrying import RetryingObjectStore
from supakeep.stores.supabase_files import SupabaseFiles
from tests.faults.secrets import AWS_SECRET_KEY

# two pauses fit into it, so that what fails once is repeated, and what fails for ever is given up soon
GIVE_UP_AFTER_SECONDS = 2.0
_FASTER = 200


@contextmanager
def disturbable(url: str) -> Iterator[None]:
    """Within it, everything goes through the proxy at `url`, and nothing takes long."""
    with aws_environment(url), hurried():
        yield


@contextmanager
def hurried() -> Iterator[None]:
    """Pauses between attempts last a fraction of their time, and few of them fit into an outage."""
    with pytest.MonkeyPatch.context() as patch:
        pause = SimpleNamespace(sleep=_nap)
        patch.setattr("supakeep.retries.sleep_using_event", lambda _: _nap)
        patch.setattr("botocore.endpoint.time", pause)
        patch.setattr(data_api, "OUTAGE_SECONDS", GIVE_UP_AFTER_SECONDS)
        # less than what is late takes (proxy.py)
        patch.setattr("supakeep.notices.http_notifier._SECONDS", 0.5)
        for repeats in (RetryingObjectStore, SupabaseFiles):
            defaults: Any = repeats.__init__.__kwdefaults__
            patch.setitem(defaults, "give_up_after_seconds", GIVE_UP_AFTER_SECONDS)
        yield


@dataclass
class KeptClients:
    """Makes each boto3 client once: making them takes longer than what they are asked."""

    made: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, *, config: Any, **options: Any) -> Any:
        as_asked = (
            f"{os.environ['AWS_ENDPOINT_URL']} {service} {config._user_provided_options} {options}"
        )
        if as_asked not in self.made:
            make: Any = boto3.client
            self.made[as_asked] = make(service, config=config, **options)
        return self.made[as_asked]


_KEPT = KeptClients()


def _nap(seconds: float) -> None:
    time.sleep(seconds / _FASTER)


@contextmanager
def aws_environment(url: str) -> Iterator[None]:
    """boto3 talks to the proxy, and finds the credentials of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDOFTHEFAULTS")
        patch.setenv("AWS_SECRET_ACCESS_KEY", AWS_SECRET_KEY)
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("POWERTOOLS_SERVICE_NAME", "supakeep")
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        patch.delenv("AWS_PROFILE", raising=False)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        patch.setattr("supakeep.wiring.clients._session", lambda _: _KEPT)
        yield
