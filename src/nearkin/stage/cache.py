"""Where nearkin keeps what it can work out again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder NEARKIN_CACHE, else ~/.cache/nearkin; it may be removed at any time."""
    return Path(os.environ.get("NEARKIN_CACHE") or Path.home() / ".cache" / "nearkin")
