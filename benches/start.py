"""How long do `import nearkin`, `nearkin --help` and one search from the command line take, warm? Medians of seven."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from nearkin import samples
from nearkin.collection import Collection
from nearkin.evaluation.machine import machine

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import nearkin": ["-c", "import nearkin"],
    "nearkin --help": ["-m", "nearkin", "--help"],
    "nearkin search (24,606 things)": ["-m", "nearkin", "search", "PLACE", "edit photos"],
}


def seconds(arguments: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "shop"
        Collection.build(place, samples.debian().items)
        figures = {}
        for name, arguments in COMMANDS.items():
            runs = [seconds([str(place) if word == "PLACE" else word for word in arguments]) for _ in range(8)][1:]
            figures[name] = {"median_s": round(median(runs), 3), "least_s": round(min(runs), 3), "most_s": round(max(runs), 3)}
    told = {"question": __doc__, "seconds": figures, "machine": machine()}
    (Path(__file__).parent / "results/start.json").write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
