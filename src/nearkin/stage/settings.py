"""How a saved stage was made, without what it learned."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from nearkin.errors import BadInput
from nearkin.stage.files import read_spec, stage_type


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings of the stage in a folder whose arrays may be lost; stages among them are as before `fit`.

    Refused: a stage that learned what no `fit` could teach it again, settings that are arrays or tables.
    """
    return {name: _setting(node) for name, node in read_spec(folder)["stage"]["settings"].items() if _is_plain(node) or "part" in node}


def _setting(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if "tuple" in node or "list" in node:
        values = [_setting(each) for each in (node["tuple"] if "tuple" in node else node["list"])]
        return tuple(values) if "tuple" in node else values
    if "dict" in node:
        return {key: _setting(each) for key, each in node["dict"].items()}
    kind = stage_type(node["part"])
    if getattr(kind, "fit", None) is None and any(not each.init for each in fields(kind)):
        raise BadInput(f"{kind.__name__} was learned elsewhere; what it learned is lost")
    return kind(**{name: _setting(each) for name, each in node["settings"].items()})


def _is_plain(node: Any) -> bool:
    return not isinstance(node, dict)
