"""The language of filters: what it means (as Lance reads it), what it refuses, and where it says the fault stands."""

from __future__ import annotations

import datetime as dt

import lance
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearkin.service.filtering import mask
from nearkin.service.where import BadWhere, parse

DAYS = [dt.date(2020, 1, 1), dt.date(2021, 6, 5), None, dt.date(2023, 2, 3), dt.date(2024, 9, 9), None]
TABLE = pa.table(
    {
        "kind": ["wear", "music", None, "it's", "wear", ""],
        "price": pa.array([10, 25, None, 40, -3, 2**40], pa.int64()),
        "size of it": pa.array([0.5, None, 2.0, 1e9, -1.5, 0.0], pa.float64()),
        "new": pa.array([True, False, None, True, None, False]),
        "day": pa.array(DAYS, pa.date32()),
        "tags": [["a", "b"], [], None, ["c"], ["a"], ["b", None]],
    }
)
TYPES = {name: TABLE.schema.field(name).type for name in TABLE.column_names}


def rows(where: str) -> list[int]:
    return np.flatnonzero(mask(parse(where, TYPES), TABLE)).tolist()


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("kind = 'wear'", [0, 4]),
        ("kind != 'wear'", [1, 3, 5]),
        ("NOT kind = 'wear'", [1, 3, 5]),
        ("kind = 'it''s' or kind IS NULL", [2, 3]),
        ("kind LIKE '%e%' AND price < 20", [0, 4]),
        ("price in (10, 25.0, 40.5)", [0, 1]),
        ("price NOT IN (10)", [1, 3, 4, 5]),
        ("price between -3 and 25", [0, 1, 4]),
        ("`size of it` >= 0.5 and (new or day > '2022-01-01')", [0, 3]),
        ("new = false", [1, 5]),
        ("day BETWEEN '2020-01-01' AND Date '2021-06-05'", [0, 1]),
        ("array_has(tags, 'a')", [0, 4]),
        ("NOT array_has(tags, 'a')", [1, 3, 5]),
        ("day IS NOT NULL AND NOT (price > 20 OR new)", []),
    ],
)
def test_it_means_what_sql_means(where, found):
    assert rows(where) == found


@pytest.mark.parametrize(
    ("where", "says", "at"),
    [
        ("prize < 3", "no field 'prize'", 1),
        ("price < 'cheap'", "cannot be compared", 9),
        ("kind = ", "expected a text", 8),
        ("kind = 'wear", "no closing quote", 8),
        ('kind = "wear"', "single quotes", 8),
        ("kind = 'wear' price > 3", "expected AND, OR", 15),
        ("kind = NULL", "IS NULL", 8),
        ("kind", "stands alone", 1),
        ("tags = 'a'", "array_has", 8),
        ("array_has(kind, 'a')", "one value", 17),
        ("price LIKE 'a'", "LIKE looks into texts", 12),
        ("length(kind) > 3", "no field 'length'", 1),
        ("kind = 'a'; drop table x", "';' has no meaning", 11),
        ("kind = '\x00' \x00", "has no meaning", 12),
        ("(" * 20 + "new" + ")" * 20, "levels deep", 18),
        (" OR ".join(["new"] * 300), "parts", 1401),
        ("day > 'tomorrow'", "cannot be compared", 7),
        ("", "the name of a field", 1),
        ("day > date 3", "cannot be compared", 12),
        ("kind = date 'x'", "expected a text", 8),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(where, says, at):
    with pytest.raises(BadWhere, match="at character") as refused:
        parse(where, TYPES)
    assert says in str(refused.value)
    assert refused.value.at == at


def test_a_field_nearly_named_is_suggested_and_a_long_filter_refused():
    with pytest.raises(BadWhere) as refused:
        parse("prise = 3", TYPES)
    assert refused.value.did_you_mean == "price"
    with pytest.raises(BadWhere, match="8,192 bytes"):
        parse("kind = '" + "é" * 5000 + "'", TYPES)


PLAIN = st.sampled_from(
    [
        "kind = 'wear'",
        "kind <> ''",
        "price > 10",
        "price <= 10",
        "`size of it` < 2",
        "price IS NULL",
        "new",
        "new = false",
        "kind LIKE 'w%'",
    ]
    + ["price IN (10, 40)", "price NOT IN (10, 40)", "price BETWEEN 0 AND 30", "day >= date '2021-01-01'", "array_has(tags, 'b')"]
)
WHERES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        inner.map(lambda one: f"NOT ({one})"),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    numbered = TABLE.append_column("row", pa.array(range(len(TABLE))))
    return lance.write_dataset(numbered, str(tmp_path_factory.mktemp("where") / "t.lance"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=WHERES)
def test_lance_finds_the_same_rows(dataset, where):
    theirs = dataset.to_table(columns=["row"], filter=where)["row"].to_pylist()
    assert rows(where) == theirs


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(max_size=60)
    | st.lists(st.sampled_from(["kind", "price", "(", ")", "and", "not", "in", "'a'", "3", "=", ",", "is", "null"])).map(" ".join)
)
def test_any_text_is_read_or_refused(text):
    try:
        found = mask(parse(text, TYPES), TABLE)
    except BadWhere as error:
        refused = error
    else:
        refused = None
        assert found.shape == (len(TABLE),)
    assert refused is None or 1 <= refused.at <= len(text) + 1
