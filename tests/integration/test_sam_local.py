"""What `make dev SAM_LOCAL=…` writes for `sam local invoke`: a template, values and events."""

from __future__ import annotations

import json
import os
import platform
import socket
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from devstack import PROJECT, dev
from devstack.aws.intrinsics import load_yaml
from devstack.aws.template import Layer, Template
from devstack.errors import StackError
from devstack.lambda_runtime import sam_local
from devstack.lambda_runtime.rie import ARCHITECTURES
from devstack.stack import Options, Stack, local_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

SAM = PROJECT / "build/sam-cli/bin/sam"
RUNNING = f"python{sys.version_info[0]}.{sys.version_info[1]}"
# Stands in for the layer's own makefile, which takes a minute: it tells what it was asked for.
MAKEFILE = """
build-ToldLayer:
	@test ! -f fails || { echo "no luck" >&2; exit 1; }
	mkdir "$(ARTIFACTS_DIR)/python"
	echo "$(PYTHON) $(PLATFORM)" > "$(ARTIFACTS_DIR)/python/told"
"""
LAYERS = ("SharedLayer", "PostgresLayer", "PgDumpLayer")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with local_stack(tmp_path_factory.mktemp("stack"), Options(host=dev.ANYWHERE)) as running:
        yield running


@pytest.fixture(scope="module", params=sorted(sam_local.HOSTS))
def container(request: pytest.FixtureRequest) -> sam_local.Container:
    return sam_local.container_for(request.param)


@pytest.fixture(scope="module")
def folder(
    stack: Stack, container: sam_local.Container, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder as `make dev` leaves it for SAM CLI."""
    folder = tmp_path_factory.mktemp("dev")
    layers = {name: PROJECT / "build/lambda" / name for name in LAYERS}
    dev.write_sam_files(sam_local.files(stack, container, layers), folder)
    return folder


def event(folder: Path, name: str) -> Any:
    return json.loads((folder / "events" / name).read_text())


def test_sam_finds_no_fault_in_the_derived_template(stack: Stack, tmp_path: Path) -> None:
    container = sam_local.container_for("docker")
    layers = {name: PROJECT / "build/lambda" / name for name in LAYERS}
    dev.write_sam_files(sam_local.files(stack, container, layers), tmp_path)
    if not SAM.exists():
        pytest.fail("SAM CLI is missing: run `make sam-cli` (`make test` does)")
    validated = subprocess.run(
        [SAM, "validate", "--lint", "--template", tmp_path / "template.yaml"],
        env=os.environ | {"SAM_CLI_TELEMETRY": "0"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert validated.returncode == 0, validated.stdout + validated.stderr


def test_the_derived_template_has_the_functions_of_the_stack(stack: Stack, folder: Path) -> None:
    derived = {f.logical_id: f for f in Template(folder / "template.yaml").functions()}
    deployed = {f.function.logical_id: f.function for f in stack.functions}
    assert derived.keys() == deployed.keys()
    for name, function in derived.items():
        original = deployed[name]
        assert (function.code_folder / "app.py").is_file()
        assert function.environment.keys() >= original.environment.keys()
        for trait in ("name", "handler", "layers", "timeout_seconds", "memory_mb"):
            assert getattr(function, trait) == getattr(original, trait)


def test_the_derived_template_has_the_runtime_of_the_project_and_this_machines_architecture(
    folder: Path,
) -> None:
    derived = load_yaml(folder / "template.yaml")["Globals"]["Function"]
    project = load_yaml(PROJECT / "template.yaml")["Globals"]["Function"]
    assert derived["Runtime"] == project["Runtime"]
    assert derived["Architectures"] == [ARCHITECTURES[platform.machine().lower()]]


def test_every_address_names_this_machine_as_the_container_knows_it(
    stack: Stack, container: sam_local.Container, folder: Path
) -> None:
    functions = list(Template(folder / "template.yaml").functions())
    assert len(functions) == 3
    for function in functions:
        addresses = {v for v in function.environment.values() if v.startswith("http")}
        assert {urlsplit(address).hostname for address in addresses} == {container.host}
        assert {urlsplit(address).port for address in addresses} == {
            urlsplit(address).port for address in (stack.supabase_url, stack.s3, stack.api_url)
        }


def test_no_variable_of_the_shell_can_lead_a_function_elsewhere(folder: Path) -> None:
    config = tomllib.loads((folder / "samconfig.toml").read_text())["default"]
    named = Path(config["local_invoke"]["parameters"]["env_vars"])
    assert named.name == "sam-env.json"
    overriding = json.loads((folder / named.name).read_text())
    functions = {f.logical_id: f for f in Template(folder / "template.yaml").functions()}
    assert overriding.keys() == functions.keys()
    for function in functions.values():
        assert overriding[function.logical_id] == function.environment
        assert function.environment["AWS_ACCESS_KEY_ID"] == "local"
        assert function.environment["AWS_SESSION_TOKEN"] == ""
        assert function.environment["AWS_REGION"] == "us-east-1"


def test_only_the_owner_can_read_the_files_and_only_the_events_hold_keys(
    stack: Stack, folder: Path
) -> None:
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len(written) > 15
    for path in written:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        holds_key = any(
            key in path.read_text()
            for key in (stack.admin_key, stack.cron_secret, stack.service_key)
        )
        # the dashboard is served without a key
        needs_key = path.name.startswith("http_") and "dashboard" not in path.name
        assert holds_key == needs_key


def test_the_files_of_an_earlier_stack_are_gone(tmp_path: Path) -> None:
    dev.write_sam_files({"template.yaml": "old", "events/backup/old.json": "{}"}, tmp_path)
    dev.write_sam_files({}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_events_back_up_and_restore_this_stack(stack: Stack, folder: Path) -> None:
    assert event(folder, "restore/direct.json")["confirm"] == stack.project_ref
    backup = stack.invoke("BackupFunction", event(folder, "backup/direct.json")).value()
    assert backup["status"] == "complete", backup
    for name in ("restore/direct_dry_run.json", "restore/direct.json"):
        restored = stack.invoke("RestoreFunction", event(folder, name)).value()
        assert (restored["status"], restored["backup"]) == ("complete", backup["backup"])


def test_the_http_events_carry_keys_that_open_this_stack(stack: Stack, folder: Path) -> None:
    listed = stack.invoke("RestoreFunction", event(folder, "restore/http_list.json")).value()
    assert listed["statusCode"] == 200
    accepted = stack.invoke("RestoreFunction", event(folder, "restore/http_restore.json")).value()
    assert accepted["statusCode"] != 401
    shown = event(folder, "restore/http_show.json")
    assert shown["pathParameters"]["name"] == "backup_jewelshot-local_2026-11-22"
    stack.wait_idle()


def test_the_mirror_is_found_under_the_name_that_the_container_uses(
    stack: Stack, container: sam_local.Container
) -> None:
    port = urlsplit(stack.s3).port
    answer = httpx.get(
        f"{stack.s3}/{stack.mirror_bucket}", headers={"host": f"{container.host}:{port}"}
    )
    assert (answer.status_code, "<ListBucketResult" in answer.text) == (200, True)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")
def test_a_stack_for_containers_listens_on_every_address(stack: Stack) -> None:
    for address in (stack.supabase_url, stack.s3, stack.api_url):
        socket.create_connection(("127.0.0.2", urlsplit(address).port or 0), timeout=5).close()


def told_layer(folder: Path) -> Layer:
    (folder / "Makefile").write_text(MAKEFILE)
    return Layer("ToldLayer", folder)


def test_the_layer_is_built_once_for_the_containers_runtime_and_architecture(
    tmp_path: Path,
) -> None:
    source, output = tmp_path / "source", tmp_path / "output"
    source.mkdir()
    output.mkdir()
    layer = told_layer(source)
    built = sam_local.build_layer(layer, sam_local.Container("docker", RUNNING, "arm64"), output)
    told = built / "python/told"
    assert told.read_text().split() == [
        sys.executable, "manylinux_2_17_aarch64", "manylinux2014_aarch64", "manylinux_2_28_aarch64",
    ]  # fmt: skip
    made_at = told.stat().st_mtime_ns
    sam_local.build_layer(layer, sam_local.Container("podman", RUNNING, "arm64"), output)
    assert told.stat().st_mtime_ns == made_at
    sam_local.build_layer(layer, sam_local.Container("podman", RUNNING, "x86_64"), output)
    assert "manylinux_2_28_x86_64" in told.read_text()


def test_a_layer_that_cannot_be_built_says_why_and_replaces_nothing(tmp_path: Path) -> None:
    source, output = tmp_path / "source", tmp_path / "output"
    source.mkdir()
    output.mkdir()
    layer, container = told_layer(source), sam_local.Container("docker", RUNNING, "x86_64")
    built = sam_local.build_layer(layer, container, output)
    (source / "fails").touch()
    with pytest.raises(StackError, match=r"(?s)ToldLayer was not built.*no luck"):
        sam_local.build_layer(layer, container, output)
    assert (built / "python/told").is_file()


def test_an_unknown_engine_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(StackError, match="'lxc'; use docker or podman"):
        sam_local.container_for("lxc")


def test_a_missing_interpreter_is_named() -> None:
    with pytest.raises(StackError, match=r"python3\.99"):
        sam_local.interpreter("python3.99")


def test_make_dev_listens_on_only_this_machine_unless_a_container_is_to_reach_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SAM_LOCAL", raising=False)
    assert dev.address(dev.parse([])) == "127.0.0.1"
    assert dev.address(dev.parse(["--sam-local", "docker"])) == dev.ANYWHERE
    monkeypatch.setenv("SAM_LOCAL", "podman")
    assert dev.address(dev.parse([])) == dev.ANYWHERE
    assert dev.address(dev.parse(["--host", "127.0.0.1"])) == "127.0.0.1"
