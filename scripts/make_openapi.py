"""Write tests/service/openapi.json, so that a change of the interface is seen in review; `--check` only compares."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from nearkin.collection import Collection
from nearkin.service.app import create_app
from nearkin.tables import Catalog

FILE = Path(__file__).resolve().parent.parent / "tests" / "service" / "openapi.json"


def openapi() -> str:
    """The OpenAPI of a service; which collection it serves changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        Collection.build(Path(folder) / "shop", Catalog.of(["a", "b"], title=["one", "two"])).close()
        schema = create_app(Path(folder) / "shop").app.app.openapi()
    return json.dumps(schema, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> int:
    told = openapi()
    if "--check" in sys.argv[1:]:
        same = FILE.exists() and FILE.read_text(encoding="utf-8") == told
        print("" if same else f"{FILE.name} is not up to date; run: python scripts/make_openapi.py", end="")
        return 0 if same else 1
    FILE.write_text(told, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
