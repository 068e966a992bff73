"""How much one request may ask: every bound of the service, in one place."""

from __future__ import annotations

K = 1_000  # hits a query
OFFSET = 10_000
QUERIES = 256  # in one request
QUERY_LENGTH = 4_096  # characters
IDS = 1_000
ID_LENGTH = 512
HISTORY_LENGTH = 1_000
FIELDS = 256
FACETS = 16  # fields counted in one request
FACET_VALUES = 64  # shown a field
POOL = 100  # hits that facets and `relevant` are counted over, whatever k and offset are
TIMEOUT_MS = 60_000
DEFAULT_TIMEOUT_MS = 10_000
WHERE_LENGTH = 8_192
WHERE_DEPTH = 16
WHERE_NODES = 200
BODY_BYTES = 16 << 20
HEAD_BYTES = 256 << 10  # of the first line and the headers; a filter may take 100 KB once it is percent-encoded
BULK_BYTES = 256 << 20
LINE_BYTES = 1 << 20
LINKS = 10_000  # in one request
CURSOR_LENGTH = 512
MATCH_ROWS = 1_000  # of a table in one request
MATCH_PAIRS = 500  # of ids in one request
MATCH_TIMEOUT_MS = 30_000  # unless it is told otherwise; a thousand rows of long texts take that long
MATCH_TEXT = 20_000  # characters of a value of such a row
MATCH_JOB_ROWS = 100_000  # of a table that a job matches


def told() -> dict[str, int]:
    """All limits by name, as `/v1/limits` gives them."""
    return {name.lower(): value for name, value in globals().items() if name.isupper() and isinstance(value, int)}
