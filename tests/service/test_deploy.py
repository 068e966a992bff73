"""The examples of how to run a service: every flag, variable and setting in them is known."""

from __future__ import annotations

import configparser
import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nearkin.cli.app import app
from nearkin.service.settings import from_file

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def served(monkeypatch):
    """The place and the settings of what would be served."""
    seen = []
    monkeypatch.setattr("nearkin.cli.serve._run", lambda place, settings: seen.append((str(place), settings)))
    return seen


def lines(name):
    return (DEPLOY / name).read_text().replace("\\\n", " ").splitlines()


def test_the_unit_starts_a_service_by_its_file_of_settings(served):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "nearkin.service")
    command = shlex.split(unit["Service"]["ExecStart"])
    assert command[0].endswith("/nearkin")
    command[command.index("/etc/nearkin/service.toml")] = str(DEPLOY / "service.toml")
    result = CliRunner().invoke(app, command[1:])
    assert result.exit_code == 0, result.output
    place, settings = served[0]
    assert place == "/var/lib/nearkin/shop"
    assert {name: getattr(settings, name) for name in from_file(DEPLOY / "service.toml")} == from_file(DEPLOY / "service.toml")
    assert unit["Service"]["User"] != "root"
    assert int(unit["Service"]["TimeoutStopSec"]) > 2 * 15  # both ends of the draining


def test_the_image_runs_as_a_user_with_known_variables(served):
    told = dict(line.split(" ", 1) for line in lines("Dockerfile") if line and not line.startswith("#"))
    assert told["USER"] not in ("root", "0")
    variables = dict(pair.split("=", 1) for pair in shlex.split(told["ENV"]))
    command = json.loads(told["ENTRYPOINT"])[1:] + json.loads(told["CMD"])
    result = CliRunner().invoke(app, command, env={name: value for name, value in variables.items() if name.startswith("NEARKIN_")})
    assert result.exit_code == 0, result.output
    place, settings = served[0]
    assert (place, settings.host, settings.workers, settings.port) == ("/shop", "0.0.0.0", 2, 8720)
    assert f":{settings.port}/health/ready" in told["HEALTHCHECK"]
    assert told["EXPOSE"] == str(settings.port)
