"""Roles are guessed with a reason, and may be overruled."""

import pyarrow as pa
import pytest

from nearkin.readers import guess_roles

TABLE = pa.table(
    {
        "sku_id": ["a1", "a2", "a3", "a4"],
        "title": ["red shoe", "blue shoe", "hat", "sock"],
        "remarks": ["good for walking in the rain", "not good for walking anywhere at all", None, "warm and soft in winter"],
        "brand": ["Acme", "Acme", "Zed", "Acme"],
        "maker": ["x", "x", "x", "y"],
        "price": [10.0, 12.5, None, 3.0],
        "ean": ["001", "002", "003", "004"],
        "released": ["2024-01-01", "2024-02-01", None, "2023-01-01T10:00:00Z"],
        "picture": ["a.jpg", "b.png", "c.webp", "d.jpeg"],
        "html": ["<p>x</p>", "<b>x</b>", None, "<div>a\nb</div>"],
        "tags": [["a"], [], None, ["b", "c"]],
        "reviews": [["I like it very much indeed"], [], None, ["too small for me by far"]],
        "history": [["a2"], [], ["a1"], []],
        "sold": [True, False, True, None],
        "link": ["http://a.b/c", None, "https://d.e", None],
        "empty": pa.nulls(4, pa.string()),
    }
)
EXPECTED = {
    "sku_id": "id",
    "title": "text",
    "remarks": "text",
    "brand": "category",
    "maker": "category",
    "price": "number",
    "ean": "other",
    "released": "time",
    "picture": "picture",
    "html": "page",
    "tags": "category",
    "reviews": "text",
    "history": "history",
    "sold": "category",
    "link": "other",
    "empty": "other",
}


def test_roles_are_guessed_with_reasons():
    guess = guess_roles(TABLE)
    assert guess.roles == EXPECTED
    assert all(guess.reasons.values())
    assert "maker: category (2 different values in 4 rows)" in str(guess)


def test_what_is_said_is_taken():
    guess = guess_roles(TABLE, roles={"maker": "other", "title": "id"})
    assert guess.roles == EXPECTED | {"maker": "other", "title": "id", "sku_id": "other"}
    assert guess.reasons["maker"] == "as you said"


@pytest.mark.parametrize("name", ["id", "_id"])
def test_a_field_named_id_is_the_id_even_when_it_is_broken(name):
    assert guess_roles(pa.table({"other_id": ["a", "b"], name: ["x", "x"]})).roles[name] == "id"
