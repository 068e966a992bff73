"""The page over HTTP: what a first look weighs, the policy it is sent under, prefixes, and files that are what they say."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import httpx2
import pytest

from nearkin.service.app import create_app
from nearkin.service.page import POLICY, every_file
from tests.service.conftest import served

FIRST = 120 * 1024  # packed bytes of a first look, the most
LATER = (  # not fetched by a first look
    "js/map/", "js/match/", "js/views/match.js", "js/views/map.js", "js/views/papers.js", "js/views/admin.js", "js/parts/jobs.js",
    "js/parts/keyring.js", "js/follow.js", "js/views/eval.js", "js/views/report.js", "js/parts/curve.js", "vendor/uplot.",
    "vendor/LICENSES.txt", "vendor/LOCK.json",
)  # fmt: skip
HERE = Path(__file__).parent.parent / "page"


def test_every_view_is_the_page_under_a_strict_policy(http):
    for path in ("/", "/next", "/compare?q=shoe", "/match", "/match/3", "/map", "/eval", "/eval/0a1b", "/item/shoe", "/item/%D7%A9%2F1"):
        answer = http.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["cache-control"] == "no-cache"
        assert "<base href" in answer.text
    assert "unsafe" not in POLICY
    assert http.get("/nothing").headers["content-type"] == "application/problem+json"
    assert http.post("/").status_code == 404


def test_files_may_be_kept_for_ever_since_their_addresses_change_with_them(http):
    address = re.search(r'src="(static/[^"]+)"', http.get("/").text)[1]
    answer = http.get(f"/{address}")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert http.get("/" + address.replace("main.js", "none.js")).status_code == 404
    assert http.get("/static/0123/js/main.js").status_code == 404


def test_packed_and_plain_are_the_same(http):
    packed = http.get("/", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == http.get("/", headers={"accept-encoding": "identity"}).text


def test_the_page_needs_no_key_where_its_answers_do(place, tmp_path):
    shutil.copytree(place, tmp_path / "shop")
    app = create_app(tmp_path / "shop")
    app.app.app.state.service.keys.add(["read"])
    with served(app) as address, httpx2.Client(base_url=address, trust_env=False) as client:
        assert client.get("/").status_code == 200
        assert client.get("/v1/info").status_code == 401


def test_behind_a_proxy_that_takes_a_prefix_away_the_base_has_it(place, tmp_path):
    shutil.copytree(place, tmp_path / "shop")
    with served(create_app(tmp_path / "shop"), root_path="/shop") as address, httpx2.Client(base_url=address, trust_env=False) as client:
        page = client.get("/").text
        assert '<base href="/shop/" />' in page
        assert client.get("/" + re.search(r'src="(static/[^"]+)"', page)[1]).status_code == 200
        assert client.get("/v1/info").status_code == 200


def test_a_first_look_is_light():
    told, _ = every_file()
    first = [file for name, file in told.items() if not name.startswith(LATER)]
    assert sum(len(file.packed) for file in first) <= FIRST
    assert all(gzip.decompress(file.packed) == file.plain for file in first)


def test_vendored_files_are_those_of_the_lock_and_no_file_names_a_foreign_host():
    page = files("nearkin") / "page"
    lock = json.loads((page / "vendor" / "LOCK.json").read_text())
    for name, told in lock.items():
        assert hashlib.sha256((page / "vendor" / name).read_bytes()).hexdigest() == told["sha256"]
        assert all(each["licence"] for each in told["packages"].values())
    names_of_spaces = {"http://www.w3.org"}
    for name, file in every_file()[0].items():
        if not name.startswith("vendor/LICENSES"):
            assert set(re.findall(r"https?://[\w.]+", file.plain.decode())) <= names_of_spaces, name


def test_what_scripts_import_is_there():
    told, _ = every_file()
    for name, file in told.items():
        if name.startswith("js/"):
            for wanted in re.findall(r'(?:from|import|path=)\s*\(?"(\.[^"]+)"', file.plain.decode()):
                target = Path(name).parent / wanted
                assert str(Path(*_resolved(target.parts))) in told, (name, wanted)


def _resolved(parts):
    found = []
    for part in parts:
        found = found[:-1] if part == ".." else [*found, part]
    return found


@pytest.mark.skipif(shutil.which("node") is None, reason="node runs the tests of the page's own scripts")
def test_the_scripts_keep_their_own_tests():
    run = subprocess.run(["node", "--test", *map(str, sorted(HERE.glob("*.test.mjs")))], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout[-3000:]
    assert "# pass" in run.stdout
