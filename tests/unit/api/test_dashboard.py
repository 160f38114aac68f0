"""How the dashboard is served: without a key, without anything from elsewhere, and small."""

from __future__ import annotations

import base64
import gzip
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from supakeep import dashboard
from supakeep.api.dashboard import PAGE_PATH, is_dashboard, serve

ASSETS = (PAGE_PATH, f"{PAGE_PATH}/app.js", f"{PAGE_PATH}/style.css")


def request(
    path: str, method: str = "GET", stage: str = "$default", **headers: str
) -> dict[str, Any]:
    return {
        "rawPath": path,
        "headers": headers,
        "requestContext": {"stage": stage, "http": {"method": method}},
    }


@pytest.mark.parametrize("path", ASSETS)
def test_every_asset_forbids_what_is_inline_framed_or_from_elsewhere(path: str) -> None:
    answer = serve(request(path))

    assert answer["statusCode"] == 200
    policy = answer["headers"]["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer["headers"]["X-Frame-Options"] == "DENY"
    assert answer["headers"]["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer["headers"]


def test_the_page_has_no_inline_script_or_style_and_names_only_its_own_assets() -> None:
    page = dashboard.page()

    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", page)
    named = re.findall(r'(?:src|href)="([^"#][^"]*)"', page)
    assert [address for address in named if not address.startswith("data:image/svg+xml,")] == [
        *(re.findall(r"dashboard/style\.css\?v=[0-9a-f]{12}", page)),
        *(re.findall(r"dashboard/app\.js\?v=[0-9a-f]{12}", page)),
    ]


def test_the_whole_page_is_small_over_the_wire() -> None:
    answers = [serve(request(path, **{"Accept-Encoding": "gzip, br"})) for path in ASSETS]

    assert all(answer["headers"]["Content-Encoding"] == "gzip" for answer in answers)
    assert sum(len(base64.b64decode(answer["body"])) for answer in answers) < 150_000
    assert gzip.decompress(base64.b64decode(answers[1]["body"])).decode() == dashboard.script()


def test_assets_are_kept_for_ever_and_the_page_is_asked_for_again() -> None:
    page, script, style = (serve(request(path))["headers"]["Cache-Control"] for path in ASSETS)

    assert page == "no-cache"
    assert "immutable" in script
    assert "immutable" in style


def test_no_text_is_inserted_as_html() -> None:
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", dashboard.script()
    )


def test_the_script_holds_every_module_once_and_is_one_a_browser_takes(tmp_path: Path) -> None:
    folder = Path(dashboard.__file__).parent
    script = dashboard.script()
    for module in folder.rglob("*.js"):
        comment = module.read_text().splitlines()[0]
        assert comment.startswith("// ")
        assert script.count(comment) == 1
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)

    file = tmp_path / "app.mjs"
    file.write_text(script)
    node = Path(sys.executable).with_name("node")
    subprocess.run([node, "--check", file], check=True)


@pytest.mark.parametrize(
    ("path", "stage"), [(PAGE_PATH, "$default"), (f"/prod{PAGE_PATH}", "prod")]
)
def test_the_page_is_found_below_a_stage_too(path: str, stage: str) -> None:
    assert is_dashboard(request(path, stage=stage))
    assert serve(request(path, stage=stage))["statusCode"] == 200


@pytest.mark.parametrize(
    "path", [f"{PAGE_PATH}/../settings.py", f"{PAGE_PATH}/index.html", f"{PAGE_PATH}/"]
)
def test_an_asset_that_does_not_exist_is_not_found(path: str) -> None:
    assert serve(request(path))["statusCode"] == 404


def test_another_method_is_refused() -> None:
    answer = serve(request(PAGE_PATH, "POST"))

    assert answer["statusCode"] == 405
    assert answer["headers"]["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/api/admin/overview", "/admin/dashboards", "/admin"])
def test_other_paths_are_not_the_dashboards(path: str) -> None:
    assert not is_dashboard(request(path))


def test_no_two_modules_of_the_script_use_one_name() -> None:
    names = re.findall(
        r"^(?:async )?(?:function|const|let|class) (\w+)", dashboard.script(), re.MULTILINE
    )

    assert [name for name, times in Counter(names).items() if times > 1] == []
