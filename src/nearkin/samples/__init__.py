"""Data that comes with the package, free to use: the Debian catalogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from nearkin.tables import Catalog, Data, Links

HERE = Path(__file__).parent
ROLES = {"id": "id", "name": "text", "short": "text", "long": "text", "section": "category", "tags": "category"}


def debian() -> Data:
    """24,606 packages of Debian 12 with English text, facet tags and a section; links: depends, recommends, suggests, enhances.

    The same catalogue each time; see LICENSE-debian.txt beside it. Cost: about 0.2 s.
    """
    items = Catalog(pq.read_table(HERE / "debian.parquet"), ROLES)
    table = pq.read_table(HERE / "debian-links.parquet")
    kind = table["kind"].combine_chunks().dictionary_decode()
    links = Links(items, items, np.asarray(table["left"]), np.asarray(table["right"]), kind=kind)
    return Data(name="debian", items=items, links=links)
