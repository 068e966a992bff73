"""Make the vendored files of the page anew from their npm packages (needs npm): python scripts/vendor_page.py."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

BUNDLER = "esbuild@0.28.2"
FOLDER = Path(__file__).parent.parent / "src" / "nearkin" / "page" / "vendor"


@dataclass(frozen=True)
class Bundle:
    """npm packages with their versions, what is taken from them, and files of theirs that are copied as they are."""

    packages: dict[str, str]
    entry: str
    copied: dict[str, str] = field(default_factory=dict)


BUNDLES = {
    "preact.mjs": Bundle(
        {"preact": "11.2.0", "htm": "3.1.1", "@preact/signals": "2.11.4", "@preact/signals-core": "1.14.5"},
        """
export { render } from "preact";
export { useEffect, useRef, useState } from "preact/hooks";
export { computed, signal } from "@preact/signals";
import htm from "htm";
import { h } from "preact";
export const html = htm.bind(h);
""",
    ),
    "uplot.mjs": Bundle({"uplot": "1.6.32"}, 'export { default } from "uplot";', {"uplot.css": "uplot/dist/uPlot.min.css"}),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        wanted = [f"{name}@{version}" for bundle in BUNDLES.values() for name, version in bundle.packages.items()]
        subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", place, *wanted, BUNDLER], check=True)
        lock, texts = {}, []
        for name, bundle in BUNDLES.items():
            files = {name: bundled(Path(place), name, bundle.entry)}
            files |= {copy: Path(place, "node_modules", source).read_bytes() for copy, source in bundle.copied.items()}
            told = {package: {"version": version, "licence": licence(place, package)} for package, version in bundle.packages.items()}
            for each, body in files.items():
                (FOLDER / each).write_bytes(body)
                lock[each] = {"sha256": hashlib.sha256(body).hexdigest(), "packages": told}
            texts += [f"{package}\n\n{home(place, package).joinpath('LICENSE').read_text().strip()}" for package in bundle.packages]
    (FOLDER / "LICENSES.txt").write_text("\n\n".join(texts) + "\n")
    (FOLDER / "LOCK.json").write_text(json.dumps(lock, indent=1) + "\n")


def bundled(place: Path, name: str, entry: str) -> bytes:
    """One module with all that the entry needs."""
    (place / "entry.mjs").write_text(entry)
    command = ["npx", "esbuild", "entry.mjs", "--bundle", "--format=esm", "--minify", "--legal-comments=eof", f"--outfile={name}"]
    subprocess.run(command, cwd=place, check=True)
    return (place / name).read_bytes()


def home(place: str, package: str) -> Path:
    return Path(place, "node_modules", package)


def licence(place: str, package: str) -> str:
    return str(json.loads((home(place, package) / "package.json").read_text())["license"])


if __name__ == "__main__":
    main()
