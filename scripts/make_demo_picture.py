"""Run the demo and keep what it shows as `docs/images/demo.svg`: `python scripts/make_demo_picture.py`."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from nearkin import demo

PICTURE = Path(__file__).parents[1] / "docs/images/demo.svg"


def main() -> None:
    console = Console(record=True, width=100, force_terminal=True)
    console.status = lambda *_: nullcontext()  # type: ignore[method-assign,assignment] # a spinner does not stand still for a picture
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        demo.show(console)
    svg = console.export_svg(title="make demo")
    # The picture must not ask the network for a font.
    PICTURE.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


if __name__ == "__main__":
    main()
