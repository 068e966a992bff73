"""A small shop, and a way to run commands as a user does."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from nearkin.cli.app import app

ITEMS = """sku,title,brand,price
a1,red running shoe,Acme,59.5
a2,blue running shoe,Acme,49
a3,wool winter hat,Zed,19
a4,warm winter gloves,Zed,25
a5,walking boot,Acme,99
"""


@pytest.fixture(scope="session")
def run():
    """Run a command in this process; gives exit_code, stdout, stderr."""
    return lambda *arguments, **more: CliRunner().invoke(app, [str(each) for each in arguments], **more)


@pytest.fixture
def process():
    """Run a command as a process of its own."""

    def start(*arguments, **more):
        command = [sys.executable, "-m", "nearkin", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)

    return start


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """items.csv and clicks.csv: odd users walk a1, a2, a5; even ones a3, a4, a1."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "items.csv").write_text(ITEMS)
    walks = [(["a3", "a4", "a1"], ["a1", "a2", "a5"])[user % 2] for user in range(40)]
    clicks = [f"u{user},{item},{time}" for user, walk in enumerate(walks) for time, item in enumerate(walk)]
    (folder / "clicks.csv").write_text("\n".join(["user_id,item_id,timestamp", *clicks]) + "\n")
    return folder


@pytest.fixture(scope="session")
def built(files, run, tmp_path_factory):
    """A collection of the shop that tests only read."""
    place = tmp_path_factory.mktemp("built") / "shop"
    done = run("build", place, files / "items.csv", "--links", files / "clicks.csv", "--role", "brand=category")
    assert done.exit_code == 0, done.stderr
    return place


@pytest.fixture
def shop(built, tmp_path):
    """A copy of it that a test may change."""
    import shutil

    return shutil.copytree(built, tmp_path / "shop")


def objects(result):
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]
