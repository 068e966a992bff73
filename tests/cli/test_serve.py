"""`nearkin serve` as a process, behind a prefix, and the commands of keys."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import httpx2


def test_serve_answers_until_it_is_stopped(built, run, tmp_path):
    import shutil
    import socket

    place = shutil.copytree(built, tmp_path / "shop")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "nearkin", "serve", str(place), "--port", str(port), "--root-path", "/shop/"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        lines = [process.stderr.readline()]
        assert f"serving at http://127.0.0.1:{port}/shop;" in lines[0]
        while httpx2.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False, timeout=120).status_code != 200:
            time.sleep(0.1)  # the stages are not warm yet
        answer = httpx2.get(f"http://127.0.0.1:{port}/v1/search?q=wool+hat&k=1", trust_env=False, timeout=30)
        process.send_signal(signal.SIGINT)
        lines += process.stderr.readlines()
        status = process.wait(20)
    assert [hit["id"] for hit in answer.json()["hits"][0]] == ["a3"], lines
    told = [json.loads(line) for line in lines if line.startswith('{"time"')]
    assert (told[-1]["route"], told[-1]["status"]) == ("/v1/search", 200)
    assert "wool" not in "".join(lines)
    assert status in (0, 130, -signal.SIGINT)


def test_other_machines_are_not_served_without_a_key(shop, run):
    done = run("serve", shop, "--host", "0.0.0.0")
    assert done.exit_code == 2
    assert "nearkin key" in done.stderr


def test_keys_are_made_listed_and_taken_back(shop, run):
    made = run("key", shop, "--scope", "read", "--scope", "write", "--name", "importer", "--days", "30")
    assert made.exit_code == 0, made.stderr
    token = made.stdout.strip()
    assert token.startswith("nk_")
    listed = [json.loads(line) for line in run("keys", shop, "--json").stdout.splitlines()]
    assert [(row["name"], row["scopes"]) for row in listed] == [("importer", "read,write")]
    assert token.split("_", 2)[2] not in run("keys", shop).stdout
    assert run("key", shop, "--where", "prize < 3").exit_code == 2
    assert run("key", shop, "--scope", "write", "--where", "price < 3").exit_code == 2
    assert run("revoke", shop, listed[0]["id"]).exit_code == 0
    assert run("revoke", shop, listed[0]["id"]).exit_code == 2
    assert run("keys", shop).stdout == ""
