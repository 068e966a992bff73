"""Files to tables: catalogues and links from Parquet, CSV, JSON Lines, BEIR, RecBole and Debian package indexes."""

from nearkin.readers.beir import read_beir
from nearkin.readers.links import read_links
from nearkin.readers.memory import from_arrow, from_pandas, from_polars
from nearkin.readers.read import read, read_batches, read_guessed
from nearkin.readers.roles import Guess, guess_roles

__all__ = [
    "Guess",
    "from_arrow",
    "from_pandas",
    "from_polars",
    "guess_roles",
    "read",
    "read_batches",
    "read_beir",
    "read_guessed",
    "read_links",
]
