"""What a service may be told when it starts: the one table behind its flags, its environment and its configuration file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from nearkin.errors import BadInput, listed

ENVIRONMENT = "NEARKIN_"  # before the name of a setting, in capitals


def _setting(default: Any, help: str, **bounds: float) -> Any:
    return field(default=default, metadata={"help": help, **bounds})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each field is a flag `--name`, a variable `NEARKIN_NAME` and a line of a file; the first of these that speaks holds."""

    host: str = _setting("127.0.0.1", "the address to listen on; another than this machine's own needs a key (see key)")
    port: int = _setting(8720, "0 picks a free one", min=0, max=65535)
    root_path: str = _setting("", "the prefix that a proxy puts before all paths")
    workers: int = _setting(1, "processes that answer; from 2 on, one more writes and one watches over all", min=1, max=64)
    running: int = _setting(16, "reads a process answers at once, and as many writes", min=1, max=1000)
    waiting: int = _setting(64, "reads, and writes, that may wait in a process; more are told to come again (503)", min=0, max=100_000)
    connections: int = _setting(1000, "connections a process holds open; beyond, the one idle for longest is closed", min=1, max=100_000)
    patience_s: float = _setting(10.0, "seconds to wait for the head of a request, a part of its body, an answer to be read", min=0.1)
    proofs: str = _setting("", "the folder of proofs that the view of papers shows whole; the short forms that come along when left out")
    log_queries: bool = _setting(False, "write the texts that are searched for into the log; show which find a thing")


DEFAULTS = Settings()


def described() -> Mapping[str, tuple[type, Any, Mapping[str, Any]]]:
    """Each setting by name: its type, its default, its help and bounds."""
    return {each.name: (type(each.default), each.default, each.metadata) for each in fields(Settings)}


def from_file(path: Path) -> dict[str, Any]:
    """The settings that a TOML file holds, a line each. Refused: what is no TOML, names that are no settings."""
    try:
        told = tomllib.loads(path.read_text())
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}; name a file of settings") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path} is no TOML: {error}") from error
    strange = [name for name in told if name not in described()]
    if strange:
        raise BadInput(f"{path} names {listed(strange)}; the settings are {listed(described(), 20)}")
    return told
