"""The layer's PostgreSQL where Lambda runs it: as a user without rights, and without /dev/shm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from devstack.aws.template import Template
from devstack.lambda_runtime.build import OUTPUT, build_layer

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

NOBODY = 65534
# what root can do, and a user without rights has done already
BECOME_NOBODY = f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})"
DRILL = """
import importlib.readers  # what is imported late lies where only root can read
import os
import psycopg
from supakeep.databases.embedded.server import EmbeddedPostgres
from supakeep.domain.assertions import Assertion
{become}
assert not os.access("/dev/shm", os.W_OK) or {shm_is_usable}
with EmbeddedPostgres().open() as scratch:
    scratch.create_tables([], {{}})
    print(os.geteuid(), scratch.ask(Assertion("it answers", "select true")).holds)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Lambda's sandbox is Linux")
def test_a_user_without_rights_can_start_it_without_shared_memory() -> None:
    template = Template(parameters={"SupabaseUrl": "http://127.0.0.1:1"})
    layers = {layer.logical_id: build_layer(layer, OUTPUT) for layer in template.layers()}
    is_root = os.geteuid() == 0
    code = DRILL.format(become=BECOME_NOBODY if is_root else "", shm_is_usable=not is_root)
    command = [sys.executable, "-S", "-c", code]
    if is_root:
        # its own view of the files, in which nobody may write to /dev/shm
        hidden = 'mount -t tmpfs -o ro,mode=000 tmpfs /dev/shm && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", hidden, "sh", *command]
    with tempfile.TemporaryDirectory(prefix="layer-") as folder:
        Path(folder).chmod(0o777)
        programs = shutil.copytree(layers["PostgresLayer"], Path(folder) / "opt")
        path = f"{layers['SharedLayer']}/python:{programs}/python"
        done = subprocess.run(
            command, env={"PATH": os.environ["PATH"], "TMPDIR": folder, "PYTHONPATH": path},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        left = [file.name for file in Path(folder).iterdir()]

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(NOBODY if is_root else os.geteuid()), "True"]
    assert left == ["opt"]
