"""What a training run tells: a line of progress with the time left, a CSV file, and TensorBoard where it is installed."""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import Any

COLUMNS = ("step", "epoch", "loss", "lr", "validation", "seconds")


class Log:
    """Rows of `COLUMNS` in folder/log.csv and, where the package is there, in folder/tensorboard; without a folder, only progress.

    A run that goes on at step s keeps the rows up to s.
    """

    def __init__(self, folder: Path | None, *, step: int = 0, progress: bool = False) -> None:
        self.progress, self.start, self.first = progress, time.monotonic(), None
        self.path = folder / "log.csv" if folder else None
        self.board = _board(folder / "tensorboard", step) if folder else None
        if self.path:
            kept = _rows_up_to(self.path, step)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("w", newline="") as file:
                csv.writer(file).writerows([COLUMNS, *kept])

    def write(self, **row: Any) -> None:
        row["seconds"] = round(time.monotonic() - self.start, 3)
        if self.path:
            with self.path.open("a", newline="") as file:
                csv.writer(file).writerow([row.get(name, "") for name in COLUMNS])
        if self.board:
            for name in ("loss", "lr", "validation"):
                if name in row:
                    self.board.add_scalar(name, row[name], row["step"])
        if self.progress and "validation" in row:
            print(f"epoch {row['epoch'] + 1}: validation {row['validation']:.4f}", file=sys.stderr)

    def tell(self, epoch: int, epochs: int, done: float, loss: float) -> None:
        """One line; `done`: the share of all epochs that is behind us, from which the time left follows."""
        if not self.progress:
            return
        now = time.monotonic()
        self.first = self.first or (done, now)
        left = (now - self.first[1]) * (1 - done) / (done - self.first[0]) if done > self.first[0] else 0.0
        print(f"epoch {epoch + 1} of {epochs}, {100 * done:.0f} %, loss {loss:.4f}, {time_left(left)} left", file=sys.stderr)

    def close(self) -> None:
        if self.board:
            self.board.close()


def time_left(seconds: float) -> str:
    """Hours, minutes and seconds, as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _rows_up_to(path: Path, step: int) -> list[list[str]]:
    if not step or not path.exists():
        return []
    with path.open(newline="") as file:
        return [row for row in list(csv.reader(file))[1:] if len(row) == len(COLUMNS) and int(row[0]) <= step]


def _board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)
