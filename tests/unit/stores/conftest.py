from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def client() -> S3Client:
    """For a stubber: nobody is asked."""
    return boto3.client(
        "s3", aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
    )
