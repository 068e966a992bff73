"""nearkin backup and restore: a collection as one file, and back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from typer import Argument

from nearkin.cli.options import Place
from nearkin.cli.talk import say

File = Annotated[Path, Argument(help="the backup: a tar, of zstd, or of gzip where the name ends in gz", metavar="FILE")]


def backup(place: Place, file: File) -> None:
    """Write a collection, as it is at this moment, to one file, also while a service writes to it; with keys (as hashes) and judgements."""
    from nearkin.collection.backup import backup as take
    from nearkin.service.state_copy import copy_state

    found = take(place, file, copy_state)
    say(f"{file}: version {found.version} of {place}, {found.things:,} things, {file.stat().st_size / 1e6:.1f} MB")


def restore(file: File, place: Annotated[Path, Argument(help="a new folder, or an empty one", metavar="PLACE")]) -> None:
    """Put a backup back as a collection, after all of it was checked."""
    from nearkin.collection.restoring import restore as put_back

    found = put_back(file, place)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.made))
    say(f"{place}: version {found.version}, {found.things:,} things, as of {when}")
