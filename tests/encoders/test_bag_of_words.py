"""Words counted as they should be, in columns that stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearkin.encoders.analyser import Analyser
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.errors import BadInput, NotFitted
from nearkin.stage import Stage
from nearkin.tables import Catalog

TEXTS = st.lists(st.text(st.sampled_from("abcdé -_'XY1\n"), max_size=30), max_size=8)


def counts(encoder: BagOfWords, catalog: Catalog) -> list[dict[str, float]]:
    """The count of each term, a thing."""
    vectors, terms = encoder(catalog), encoder.terms
    rows = zip(vectors.offsets, vectors.offsets[1:])
    return [{terms[c]: float(v) for c, v in zip(vectors.columns[a:b], vectors.values[a:b])} for a, b in rows]


def test_words_are_lowered_stopped_and_stemmed():
    shop = Catalog.of(title=["The red running shoes: they run, RUNS!", "x", "Ärger mit 12 Schuhen"])
    assert counts(BagOfWords().fit(shop), shop)[0] == {"red": 1, "run": 3, "shoe": 1}
    assert counts(BagOfWords().fit(shop), shop)[1] == {}
    assert counts(BagOfWords(language="none").fit(shop), shop)[2] == {"ärger": 1, "mit": 1, "12": 1, "schuhen": 1}
    assert counts(BagOfWords(language="german").fit(shop), shop)[2] == {"arg": 1, "12": 1, "schuh": 1}


def test_reads_the_named_fields_or_all_texts():
    shop = Catalog.of(title=["red shoe"], text=["soft sole"], price=[3])
    assert BagOfWords().fit(shop).terms == ["red", "shoe", "soft", "sole"]
    assert BagOfWords(fields=("text",)).fit(shop).terms == ["soft", "sole"]
    with pytest.raises(BadInput, match="no text"):
        BagOfWords(fields=("body",)).fit(shop)


def test_unknown_words_of_queries_are_dropped():
    encoder = BagOfWords().fit(Catalog.of(title=["red shoe"]))
    assert counts(encoder, Catalog.of(title=["green shoe"])) == [{"shoe": 1}]


def test_extending_leaves_the_old_columns():
    shop, more = Catalog.of(title=["red shoe"]), Catalog.of(title=["amber shoe", "blue"])
    old = BagOfWords().fit(shop)
    new = old.extended(more)
    assert old.terms == ["red", "shoe"]
    assert new.terms == ["red", "shoe", "amber", "blue"]
    assert counts(new, more) == [{"amber": 1, "shoe": 1}, {"blue": 1}]
    np.testing.assert_array_equal(old(shop).columns, new(shop).columns)


def test_saved_equals_loaded(tmp_path):
    shop = Catalog.of(title=["red shoe", "ärger 東京 straße"])
    encoder = BagOfWords(language="none").fit(shop)
    encoder.save(tmp_path / "encoder")
    loaded = Stage.load(tmp_path / "encoder")
    assert loaded == encoder
    assert counts(loaded, shop) == counts(encoder, shop)


def test_refuses_what_it_cannot_do():
    with pytest.raises(NotFitted):
        BagOfWords()(Catalog.of(title=["red"]))
    with pytest.raises(BadInput, match="klingon"):
        BagOfWords(language="klingon").fit(Catalog.of(title=["red"]))


def test_no_words_at_all():
    empty = Catalog.of(title=["", "!"])
    encoder = BagOfWords().fit(empty)
    assert encoder.dim == 0
    assert len(encoder(empty).values) == 0
    assert len(encoder(empty.take([]))) == 0


@given(TEXTS)
def test_counts_equal_a_plain_count(texts):
    analyser, shop = Analyser("english"), Catalog.of(title=texts)
    plain = []
    for text in texts:
        terms = [analyser.term(word) for word in analyser.words(text)]
        plain.append({term: terms.count(term) for term in terms if term is not None})
    assert counts(BagOfWords().fit(shop), shop) == plain


@given(TEXTS)
def test_order_of_things_does_not_change_the_vocabulary(texts):
    assert BagOfWords().fit(Catalog.of(title=texts)).terms == BagOfWords().fit(Catalog.of(title=texts[::-1])).terms


@given(TEXTS)
def test_words_equal_those_of_bm25s(texts):
    bm25s = pytest.importorskip("bm25s")
    import Stemmer

    given_terms = bm25s.tokenize(texts, stopwords="en", stemmer=Stemmer.Stemmer("english"), return_ids=False, show_progress=False)
    analyser = Analyser("english")
    ours = [[term for term in map(analyser.term, analyser.words(text)) if term is not None] for text in texts]
    assert ours == [list(terms) for terms in given_terms]
