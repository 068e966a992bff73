"""Make the vendored file of the page anew from its npm packages (needs npm): python scripts/vendor_page.py."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

PACKAGES = {"preact": "11.2.0", "htm": "3.1.1", "@preact/signals": "2.11.4", "@preact/signals-core": "1.14.5"}
BUNDLER = "esbuild@0.28.2"
ENTRY = """
export { render } from "preact";
export { useEffect, useRef, useState } from "preact/hooks";
export { computed, signal } from "@preact/signals";
import htm from "htm";
import { h } from "preact";
export const html = htm.bind(h);
"""
FOLDER = Path(__file__).parent.parent / "src" / "nearkin" / "page" / "vendor"


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
        subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", place, *wanted, BUNDLER], check=True)
        Path(place, "entry.mjs").write_text(ENTRY)
        command = ["npx", "esbuild", "entry.mjs", "--bundle", "--format=esm", "--minify", "--legal-comments=eof", "--outfile=preact.mjs"]
        subprocess.run(command, cwd=place, check=True)
        body = Path(place, "preact.mjs").read_bytes()
        homes = {name: Path(place, "node_modules", name) for name in PACKAGES}
        licences = {name: json.loads((home / "package.json").read_text())["license"] for name, home in homes.items()}
        texts = "\n\n".join(f"{name}\n\n{(home / 'LICENSE').read_text().strip()}" for name, home in homes.items())
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "preact.mjs").write_bytes(body)
    (FOLDER / "LICENSES.txt").write_text(texts + "\n")
    packages = {name: {"version": version, "licence": licences[name]} for name, version in PACKAGES.items()}
    lock = {"preact.mjs": {"sha256": hashlib.sha256(body).hexdigest(), "packages": packages}}
    (FOLDER / "LOCK.json").write_text(json.dumps(lock, indent=1) + "\n")


if __name__ == "__main__":
    main()
