"""Sets with a lawful public address: downloaded only when asked for, and refused when the checksum differs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nearkin.errors import Missing


@dataclass(frozen=True)
class Remote:
    """A zip file, its SHA-256, and the folder in it that holds the set."""

    url: str
    sha256: str
    folder: str


REMOTE = {
    "ir-scifact": Remote(
        "https://public.ukp.informatik.tu-darmstadt.de/thakur/BEIR/datasets/scifact.zip",
        "536e14446a0ba56ed1398ab1055f39fe852686ecad24a6306c80c490fa8e0165",
        "scifact",
    ),
}


def fetched(name: str) -> Path:
    """The unpacked folder of a set, from the cache of earlier calls or the network."""
    try:
        import pooch
    except ImportError:
        raise Missing("pooch", "evaluate") from None
    remote, cache = REMOTE[name], Path(pooch.os_cache("nearkin"))
    files = pooch.retrieve(
        remote.url, f"sha256:{remote.sha256}", fname=f"{name}.zip", path=cache, processor=pooch.Unzip(extract_dir=name), progressbar=False
    )
    return next(path for path in Path(files[0]).parents if path.name == remote.folder)
