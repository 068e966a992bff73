"""How many frames a second does the map draw while it is moved and zoomed, without a GPU, at 25,000 and at 1,000,000 points?

    python benches/map_frames.py [--seconds 6] [--repeats 5]      -> benches/results/map-frames.json

The page's own element in headless Chromium with software rendering, over made-up points (a mixture of 60 clusters, seed 0, coloured by
eight values, 40 words as labels). A frame: the time between two of the browser's animation frames, as the map is dragged, or zoomed about
its middle from the whole to sixteen times and back. `draw_ms`: from the start to the end of the element's own drawing, by the clock.
`cpu_ms`: processor time of the page's thread a frame, its drawing, script and compositing together; a frame of 60 a second has 16.7.
Only this is the map's alone where the machine is shared: `busy` is the share of the processors that other work used meanwhile, and what
is taken away lengthens frames and drawing by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Route, sync_playwright

import nearkin
from nearkin.evaluation.machine import machine

RESULT = Path(__file__).parent / "results" / "map-frames.json"
PAGE = Path(nearkin.__file__).parent / "page"
SIZES = {"25,000": 25_000, "1,000,000": 1_000_000}
VIEW = {"width": 900, "height": 560}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
KINDS = {".js": "text/javascript", ".css": "text/css"}
HTML = """<!doctype html><link rel="icon" href="data:," /><link rel="stylesheet" href="page/css/page.css" />
<style>body { margin: 0 } nk-map { height: 100vh; border: 0 }</style><nk-map></nk-map>
<script type="module">
  import "./page/js/map/nk-map.js";
  import { decoded } from "./page/js/map/points.js";
  const map = document.querySelector("nk-map");
  map.points = decoded(await (await fetch("points")).arrayBuffer());
  map.paintBy(0);
  map.addEventListener("painted", () => (document.title = "drawn"), { once: true });
</script>"""
# Moves the map in every animation frame; a drag was begun with the mouse. Answers with times of frames and of drawing.
MOVES = """async ({ seconds, way }) => {
  const map = document.querySelector("nk-map"), canvas = map.querySelector("canvas"), frames = [], draws = [];
  const heard = (event) => draws.push(event.detail);
  map.addEventListener("painted", heard);
  const drag = (clientX, clientY) => new PointerEvent("pointermove", { clientX, clientY });
  const turn = (deltaY) => new WheelEvent("wheel", { deltaY, clientX: 450, clientY: 280, cancelable: true });
  let turned = 0;
  const does = {
    pan: (at) => drag(450 + 300 * Math.sin(3 * at), 280 + 180 * Math.sin(4 * at)),
    zoom: (at) => {
      const by = -1109 * Math.sin(at) ** 2 - turned; // 400 of these are a factor of e
      turned += by;
      return turn(by);
    },
  }[way];
  await new Promise((end) => {
    let first = null, last = null;
    const frame = (now) => {
      first ??= now;
      if (last !== null) frames.push(now - last);
      canvas.dispatchEvent(does((now - first) / 1000));
      last = now;
      if (now - first < 1000 * seconds) requestAnimationFrame(frame);
      else end();
    };
    requestAnimationFrame(frame);
  });
  map.removeEventListener("painted", heard);
  canvas.dispatchEvent(way === "pan" ? drag(450, 280) : turn(-turned)); // back to where it began
  return { frames, draws };
}"""


def points_of(count: int) -> bytes:
    """Made-up points in the form of /v1/map."""
    random = np.random.default_rng(0)
    centres, widths = random.uniform(0.08, 0.92, (60, 2)), random.uniform(0.01, 0.06, 60)
    group = random.integers(0, 60, count)
    places = np.clip(centres[group] + random.normal(size=(count, 2)) * widths[group, None], 0, 1) * 65535
    words = [[f"region {at}", *map(int, centres[at] * 65535)] for at in range(40)]
    columns = [{"field": "kind", "values": [f"kind {at}" for at in range(8)]}]
    header = json.dumps({"count": count, "words": words, "columns": columns, "fields": ["kind"], "version": 1, "whole": count}).encode()
    header += b" " * (-len(header) % 4)
    x, y = places.astype("<u2").T
    return len(header).to_bytes(4, "little") + header + x.tobytes() + y.tobytes() + (group % 8).astype(np.uint8).tobytes()


def answering(points: bytes) -> Callable[[Route], None]:
    """Answers for the page, its files and these points."""

    def answer(route: Route) -> None:
        path = route.request.url.partition(".example/")[2]
        if path.startswith("page/"):
            route.fulfill(body=(PAGE / path.removeprefix("page/")).read_bytes(), content_type=KINDS[Path(path).suffix])
        elif path == "points":
            route.fulfill(body=points, content_type="application/octet-stream")
        else:
            route.fulfill(body=HTML, content_type="text/html")

    return answer


def moved(tab: Any, way: str, seconds: float) -> dict[str, Any]:
    """Times of frames and of drawing, and the processor time of the page's thread, while the map is moved in this way."""
    session = tab.context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    if way == "pan":
        tab.mouse.move(450, 280)
        tab.mouse.down()
    before = _thread_s(session)
    found = tab.evaluate(MOVES, {"seconds": seconds, "way": way})
    found["cpu_ms"] = 1000 * (_thread_s(session) - before) / max(1, len(found["frames"]))
    if way == "pan":
        tab.mouse.up()
    session.detach()
    return dict(found)


def _thread_s(session: Any) -> float:
    told = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return float(told["TaskDuration"])


def others(own: Callable[[], Any]) -> tuple[Any, float]:
    """What this gives, and the share of the processors that processes other than this one and its children used meanwhile."""
    me = psutil.Process(os.getpid())

    def spent() -> tuple[float, float]:
        every = psutil.cpu_times()
        mine = sum(sum(each.cpu_times()[:2]) for each in [me, *me.children(recursive=True)])
        return sum(every) - every.idle - every.iowait, mine

    psutil.cpu_times()
    (all_before, own_before), wall = spent(), sum(psutil.cpu_times())
    found = own()
    all_after, own_after = spent()
    return found, max(0.0, (all_after - all_before - own_after + own_before) / (sum(psutil.cpu_times()) - wall))


def told(runs: list[tuple[dict[str, Any], float]]) -> dict[str, Any]:
    frames, draws = ([value for run, _ in runs for value in run[name]] for name in ("frames", "draws"))
    a_run = [1000 / median(run["frames"]) for run, _ in runs]
    return {
        "frames": len(frames),
        "frames_a_second_median": round(1000 / median(frames), 1),
        "frames_a_second_each_run": [round(each, 1) for each in a_run],
        "frames_a_second_worst_5_percent": round(1000 / float(np.percentile(frames, 95)), 1),
        "draw_ms_median": round(median(draws), 2),
        "draw_ms_worst_5_percent": round(float(np.percentile(draws, 95)), 2),
        "cpu_ms_median": round(median(run["cpu_ms"] for run, _ in runs), 2),
        "cpu_ms_each_run": [round(run["cpu_ms"], 2) for run, _ in runs],
        "busy": round(median(busy for _, busy in runs), 2),
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--seconds", type=float, default=6)
    asked.add_argument("--repeats", type=int, default=5)
    given = asked.parse_args()
    rows = []
    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, count in SIZES.items():
            tab = chromium.new_page(viewport=VIEW)
            tab.route("**/*", answering(points_of(count)))
            tab.goto("http://map.example/")
            tab.wait_for_function("document.title === 'drawn'")
            for way in ("pan", "zoom"):
                moved(tab, way, 1)  # what is compiled while it runs is compiled by then
                runs = [others(partial(moved, tab, way, given.seconds)) for _ in range(given.repeats)]
                rows.append({"points": name, "way": way, **told(runs)})
                print(json.dumps(rows[-1]))
            tab.close()
        browser = chromium.version
        chromium.close()
    found = {
        "question": __doc__,
        "seconds": given.seconds,
        "repeats": given.repeats,
        "view": VIEW,
        "chromium": browser,
        "rows": rows,
        "machine": machine(),
    }
    RESULT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
