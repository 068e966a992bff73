"""Whether the catalogue and the links can be read to the last row."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import lance

from nearkin.collection.finding import Finding

NEWEST = 2**64 - 1  # less the version: the name of a version file, so that the newest comes first


def check_dataset(path: Path) -> list[Finding]:
    """Versions that cannot be opened, and parts that cannot be read or hold other than the number of rows they tell."""
    dataset, broken = newest(path)
    if dataset is None:
        return [Finding(what="unreadable dataset", where=path, means="no version of it can be opened")]
    found = [_version_finding(each, int(dataset.version)) for each in broken]
    return found + _fragment_findings(path, dataset)


def newest(path: Path) -> tuple[Any, list[Path]]:
    """The newest version that can be opened (None: there is none), and the files of those after it."""
    broken: list[Path] = []
    files = sorted((path / "_versions").glob("*.manifest")) if path.is_dir() else []
    if files and not files[0].stem.isdigit():
        files = []
    for file in files:
        number = NEWEST - int(file.stem)
        dataset = _tried(lambda number=number: lance.dataset(str(path), version=number))
        if dataset is not None:
            return dataset, broken
        broken.append(file)
    return None, broken


def _version_finding(file: Path, good: int) -> Finding:
    return Finding(
        what="damaged version",
        where=file,
        means=f"the newest state cannot be opened; version {good} can",
        repair=f"puts the file aside, so that version {good} is the newest; what was written since is lost",
        mend=lambda: file.rename(file.with_suffix(".damaged")),
    )


def _fragment_findings(path: Path, dataset: Any) -> list[Finding]:
    found = []
    for fragment in dataset.get_fragments():
        told = _tried(fragment.count_rows)
        table = _tried(fragment.to_table)
        if table is None or told is None or table.num_rows != told:
            found.append(_fragment_finding(path, fragment, told, None if table is None else table.num_rows))
    return found


def _fragment_finding(path: Path, fragment: Any, told: int | None, read: int | None) -> Finding:
    size = "an unknown number of" if told is None else f"{told:,}"
    means = f"{size} rows cannot be read" if read is None else f"it tells {size} rows and holds {read:,}"
    files = fragment.data_files()
    return Finding(
        what="broken fragment",
        where=path / "data" / files[0].path if files else path,
        means=f"{means}; nothing that reads all rows works",
        repair=f"leaves its rows out of a new version: {size} rows are lost; restore a backup instead to keep them",
        mend=partial(_left_out, path, fragment.fragment_id),
    )


def _left_out(path: Path, number: int) -> None:
    dataset = lance.dataset(str(path))
    change = lance.LanceOperation.Delete([], [number], f"fragment {number} was damaged")
    lance.LanceDataset.commit(str(path), change, read_version=dataset.version)


def _tried(work: Any) -> Any:
    """What it gives, or None where it fails, however it does: damaged bytes may even bring down the reader of another language."""
    try:
        return work()
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:
        return None
