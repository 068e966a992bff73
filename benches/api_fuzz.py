"""Does any request make the service fail? Cases that schemathesis makes from its OpenAPI, and raw bodies that nobody would send.

The service runs as `nearkin serve --workers 2` over a small collection, asked with a key that may do everything. Counted as a fault: any
5xx, a status, content type or body that the OpenAPI does not tell of, a request against the schema that is taken, one by the schema that
is refused for a reason that the schema could have told, a body that gets no answer, and a process that is not alive at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from fuzzing.bodies import fuzz
from fuzzing.cases import cases_of
from fuzzing.shop import shop_in


def children(pid: int) -> list[int]:
    """The process and all that stem from it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += children(int(child))
    return found


@contextmanager
def served(place: Path, workers: int) -> Iterator[tuple[str, int]]:
    """The address of the service and its process."""
    command = [sys.executable, "-c", "from nearkin.cli import main; main()", "serve", str(place), "--port", "0", "--workers", str(workers)]
    with (place.parent / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
    try:
        yield _address(place.parent / "log", process), process.pid
    finally:
        process.terminate()
        process.wait(30)


def _address(log: Path, process: subprocess.Popen) -> str:
    for _ in range(1200):
        assert process.poll() is None, log.read_text()
        for line in log.read_text().splitlines():
            if "serving at " in line:
                address = line.split("serving at ")[1].split(";")[0]
                if _is_ready(address):
                    return address
        time.sleep(0.1)
    raise AssertionError(f"the service did not start: {log.read_text()}")


def _is_ready(address: str) -> bool:
    import httpx2

    try:
        return httpx2.get(f"{address}/health/ready", trust_env=False, timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


def run(cases: int, bodies: int, workers: int, seed: int, only: list[str]) -> dict:
    folder = Path(tempfile.mkdtemp())
    try:
        key = shop_in(folder / "shop")
        with served(folder / "shop", workers) as (address, pid):
            before = children(pid)
            told = {"schemathesis": cases_of(address, key, cases, seed, only), "bodies": fuzz(urlsplit(address).port, key, bodies, seed)}
            told["processes"] = {
                "at the start": len(before),
                "of these alive at the end": sum(Path(f"/proc/{each}").exists() for each in before),
            }
        log = [json.loads(line) for line in (folder / "log").read_text().splitlines() if line.startswith("{")]
        told["log"] = {"lines": len(log), "by status": dict(sorted(Counter(str(line.get("status")) for line in log).items()))}
        told["log"]["tracebacks"] = (folder / "log").read_text().count("Traceback")
        if told["log"]["tracebacks"]:
            print((folder / "log").read_text()[-20000:], file=sys.stderr)
        return told
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def faults(told: dict) -> list[str]:
    """What should not have been."""
    alive = told["processes"]
    found = [*told["schemathesis"]["faults"], *told["bodies"]["faults"]]
    found += ["a process died"] if alive["at the start"] != alive["of these alive at the end"] else []
    return found + (["a traceback stands in the log"] if told["log"]["tracebacks"] else [])


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--cases", type=int, default=3000, help="of schemathesis, about so many")
    asked.add_argument("--bodies", type=int, default=10_000)
    asked.add_argument("--only", action="append", default=[], metavar="OPERATION", help="of schemathesis; may be repeated")
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "api-fuzz.json")
    given = asked.parse_args()
    began = time.perf_counter()
    told = run(given.cases, given.bodies, given.workers, given.seed, given.only)
    told |= {"seconds": round(time.perf_counter() - began, 1), "seed": given.seed, "workers": given.workers, "cores": os.cpu_count()}
    told["versions"] = {name: version(name) for name in ("schemathesis", "fastapi", "uvicorn", "nearkin")} | {
        "python": platform.python_version()
    }
    given.out.write_text(json.dumps(told, indent=1) + "\n")
    wrong = faults(told)
    print(
        json.dumps(
            {name: {key: value for key, value in part.items() if key != "faults"} for name, part in told.items() if isinstance(part, dict)},
            indent=1,
        )
    )
    print(*wrong[:40], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
