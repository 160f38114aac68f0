"""The layer's PostgreSQL brings every library that it needs, but for those of Lambda's own image."""

from __future__ import annotations

import sys

import pytest

from devstack.aws.template import Template
from devstack.lambda_runtime.build import OUTPUT, build_layer
from tests.builders.elf import needed_libraries

pytestmark = pytest.mark.integration

# Of Amazon Linux 2023's packages glibc and zlib: docs/adr/0027 says how that is known.
IN_LAMBDAS_IMAGE = {
    "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libz.so.1",
    "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
}  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the layer has other programs")
def test_what_the_layer_needs_is_in_it_or_in_lambdas_image() -> None:
    template = Template(parameters={"SupabaseUrl": "http://127.0.0.1:1"})
    layers = {layer.logical_id: build_layer(layer, OUTPUT) for layer in template.layers()}
    files = [file for file in layers["PostgresLayer"].rglob("*") if file.is_file()]
    found = {file.name: needed for file in files if (needed := needed_libraries(file)) is not None}

    # the server, initdb, and its library are among what was looked at
    assert {"postgres", "initdb", "plpgsql.so", "vector.so"} <= set(found)
    assert "libc.so.6" in found["postgres"]
    lacking = {name: needed - set(found) - IN_LAMBDAS_IMAGE for name, needed in found.items()}
    assert {name: needed for name, needed in lacking.items() if needed} == {}
