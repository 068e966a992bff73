"""Where data sets lie: folders named after the set, in the folders that NEARKIN_DATA lists."""

from __future__ import annotations

import os
from pathlib import Path

from nearkin.errors import BadInput

VARIABLE = "NEARKIN_DATA"


def folders() -> list[Path]:
    """The folders of NEARKIN_DATA, in order; separated like those of PATH."""
    return [Path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]


def find(name: str) -> Path | None:
    """The first folder of this name, or None."""
    return next((place / name for place in folders() if (place / name).is_dir()), None)


def absent(name: str) -> BadInput:
    """What to tell a user whose set is not there."""
    if not folders():
        return BadInput(
            f"the data set {name!r} is looked for in the folders of {VARIABLE}, which is not set; export {VARIABLE}=FOLDER[:FOLDER]"
        )
    searched = ", ".join(map(str, folders()))
    return BadInput(f"no folder {name!r} in {searched}; put the set there or add its parent folder to {VARIABLE}")
