"""Fields as packed codes, and the layers that read them, against loops over plain Python values."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from nearkin.errors import BadInput  # noqa: E402
from nearkin.layers.content_items import ContentItems  # noqa: E402
from nearkin.layers.field_table import FieldTable  # noqa: E402
from nearkin.layers.field_values import Bags, FieldValues  # noqa: E402
from nearkin.layers.grid import Grid  # noqa: E402
from nearkin.layers.pooling import mean_pool  # noqa: E402
from nearkin.layers.session_net import SessionNet  # noqa: E402
from nearkin.layers.text_column import TextColumn  # noqa: E402
from nearkin.tables import Catalog  # noqa: E402

TITLES = ["Red <b>shoe</b>", "red, red hat &amp; coat", "", None, "Größe 40 shoe"]
KINDS = [["a", "b"], ["b"], [], None, ["c", "a", "a"]]
PRICES = [1.0, 2.0, None, 4.0, float("nan")]
SHOP = Catalog.of(title=TITLES, kind=KINDS, price=PRICES)


def bag(bags: Bags, thing: int, field: int) -> list[int]:
    """One bag, counted from its field's first code."""
    place = thing * bags.fields + field
    return (bags.codes[bags.offsets[place] : bags.offsets[place + 1]] - bags.nothing[field]).tolist()


def words(title: str | None) -> set[str]:
    return {word for word in re.split(r"[\W_]+", re.sub(r"<[^<>]*>|&\w+;", " ", title or "").lower()) if word}


def test_words_categories_and_numbers_become_codes():
    values = FieldValues.of(SHOP, least=1, bins=2)
    bags = values(SHOP)
    assert values.known["title"] == sorted({word for title in TITLES for word in words(title)})
    assert values.known["kind"] == ["a", "b", "c"]
    for thing in range(5):
        want = sorted(values.known["title"].index(word) + 2 for word in words(TITLES[thing])) or [0]
        assert bag(bags, thing, 0) == want
        assert bag(bags, thing, 1) == (sorted(values.known["kind"].index(kind) + 2 for kind in set(KINDS[thing] or ())) or [0])
    assert [bag(bags, thing, 2) for thing in range(5)] == [[2], [3], [0], [3], [0]]
    np.testing.assert_array_equal(bags.filled[:, 2], [True, True, False, True, False])


def test_unknown_values_share_a_bucket_and_rare_ones_are_not_learned():
    values = FieldValues.of(SHOP, least=2, bins=2)
    assert values.known["kind"] == ["a", "b"]
    assert values.known["title"] == ["red", "shoe"]
    bags = values(Catalog.of(title=["blue shoe"], kind=[["z", "a", "y"]], price=[99.0]))
    assert [bag(bags, 0, field) for field in range(3)] == [[1, 3], [1, 2], [3]]
    assert bag(values(Catalog.of(kind=[["a"]])), 0, 0) == [0]  # a field that is not there


def test_the_commonest_values_are_kept():
    assert FieldValues.of(SHOP, ["kind"], least=1, most=2).known == {"kind": ["a", "b"]}


def test_fields_that_are_no_fields_are_refused():
    with pytest.raises(BadInput, match="size"):
        FieldValues.of(SHOP, ["size"])
    with pytest.raises(BadInput, match="none"):
        FieldValues.of(Catalog.of(["x"]))


def test_a_catalogue_without_things_and_constant_fields_are_no_error():
    values = FieldValues.of(SHOP)
    assert len(values(SHOP.take([]))) == 0
    same = FieldValues.of(Catalog.of(price=[3.0, 3.0], kind=[["x"], ["x"]]))
    assert same.sizes == [3, 3]
    assert FieldValues.of(Catalog.of(price=[None, float("nan")])).sizes == [3]


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_packed_bags_are_lists_of_lists(data):
    kinds = data.draw(st.lists(st.lists(st.sampled_from("abcdef"), max_size=4), min_size=1, max_size=6))
    more = data.draw(st.lists(st.lists(st.sampled_from("xyz"), max_size=3), min_size=len(kinds), max_size=len(kinds)))
    catalog = Catalog.of(one=kinds, two=more).with_fields({"one": "category", "two": "category"})
    values = FieldValues.of(catalog, least=1)
    bags = values(catalog)
    plain = [[bag(bags, thing, field) for field in range(2)] for thing in range(len(kinds))]
    for thing, (left, right) in enumerate(zip(kinds, more)):
        for field, (name, given_) in enumerate((("one", left), ("two", right))):
            assert plain[thing][field] == (sorted(list(values.known[name]).index(value) + 2 for value in set(given_)) or [0])
    rows = np.array(data.draw(st.lists(st.integers(0, len(kinds) - 1), max_size=8)), int)
    taken = bags.take(rows)
    assert [[bag(taken, place, field) for field in range(2)] for place in range(len(rows))] == [plain[row] for row in rows]
    hidden = np.array(data.draw(st.lists(st.booleans(), min_size=2 * len(kinds), max_size=2 * len(kinds)))).reshape(-1, 2)
    shown = bags.hiding(hidden)
    for thing in range(len(kinds)):
        for field in range(2):
            assert bag(shown, thing, field) == ([0] if hidden[thing, field] else plain[thing][field])
    assert (np.diff(shown.offsets) > 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_field_table_is_means_of_rows(seed):
    values = FieldValues.of(SHOP, least=1, bins=2)
    bags = values(SHOP)
    torch.manual_seed(seed)
    table = FieldTable(values.sizes, 4)
    found = table(torch.from_numpy(bags.codes), torch.from_numpy(bags.offsets))
    for thing in range(5):
        for field in range(3):
            rows = [table.rows[code + int(bags.nothing[field])] for code in bag(bags, thing, field)]
            torch.testing.assert_close(found[thing, field], torch.stack(rows).mean(0))


@pytest.mark.parametrize("seed", range(3))
def test_items_of_content_are_sums_of_fields_and_a_map_of_text(seed):
    values = FieldValues.of(SHOP, least=1, bins=2)
    bags, random = values(SHOP), torch.Generator().manual_seed(seed)
    text = torch.randn(5, 3, generator=random)
    text[2] = 0
    items = ContentItems(bags, values.sizes, 4, text)
    items.text.turn.weight.data = torch.randn(4, 3, generator=random)
    found, (centre, turn) = items(), items.text.as_map()
    table = FieldTable(values.sizes, 4)
    table.rows.data = items.rows.data
    by_field = table(torch.from_numpy(bags.codes), torch.from_numpy(bags.offsets))
    for thing in range(5):
        want = by_field[thing].sum(0)
        if thing != 2:
            want = want + (text[thing] - text[[0, 1, 3, 4]].mean(0)) @ turn
        torch.testing.assert_close(found[thing], want)
    torch.testing.assert_close(centre, text[[0, 1, 3, 4]].mean(0))
    weight = torch.randn(5, 4, generator=random)
    (found * weight).sum().backward()
    (by_field.sum(1) * weight).sum().backward()
    torch.testing.assert_close(items.rows.grad, table.rows.grad)
    assert not any(parameter.shape[0] == 5 for parameter in items.parameters())  # nothing of an item's own


def test_text_columns_of_some_rows_and_of_none_at_all():
    column = TextColumn(torch.randn(4, 3), 2)
    assert (column() == 0).all()
    column.turn.weight.data.normal_()
    torch.testing.assert_close(column(torch.tensor([2, 0, 2])), column()[[2, 0, 2]])
    assert (TextColumn(torch.zeros(2, 3), 2)() == 0).all()


@pytest.mark.parametrize("lengths", [[3], [2, 4, 1], [1, 1]])
def test_mean_pool_is_a_mean_a_sequence(lengths):
    states = torch.randn(sum(lengths), 3, dtype=torch.float64)
    found, start = mean_pool(states, Grid.of(torch.tensor(lengths))), 0
    for row, length in enumerate(lengths):
        torch.testing.assert_close(found[row], states[start : start + length].mean(0))
        start += length


def test_a_session_is_read_alike_alone_and_beside_others_and_order_matters():
    net = SessionNet(4, 2, 2, length=5, dropout=0.3)
    for each in net.parameters():
        each.data = torch.randn(each.shape, generator=torch.Generator().manual_seed(each.numel())) * 0.5
    net.eval()
    states, lengths = torch.randn(9, 4), torch.tensor([2, 6, 1])
    together = net.pooled(states, Grid.of(lengths))
    for row, (start, stop) in enumerate(((0, 2), (2, 8), (8, 9))):
        alone = Grid.of(torch.tensor([stop - start]))
        torch.testing.assert_close(net.pooled(states[start:stop], alone)[0], together[row], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(net(states[start:stop], alone)[-1], together[row], rtol=1e-4, atol=1e-5)
    turned = net.pooled(states[[1, 0]], Grid.of(torch.tensor([2])))
    assert not torch.allclose(turned[0], together[0], atol=1e-3)
