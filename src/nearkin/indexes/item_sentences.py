"""Items as sentences of keys and values, and histories as such sentences, newest first: what Recformer reads."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nearkin.errors import BadInput
from nearkin.tables import Catalog
from nearkin.training.batches import gathered

if TYPE_CHECKING:
    from nearkin.layers.recformer_net import Texts

MARK, HIDDEN, ENDS = 101, 103, 999  # rows of BERT's vocabulary: [CLS], [MASK], and the last that is no word
LONGEST = 600  # characters of a value that are looked at: far more than its tokens reach
_TAG = re.compile(r"<[^>]*>")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sentences:
    """Item i is tokens[offsets[i]:offsets[i + 1]], of kinds 1 (a key) and 2 (a value); an item without any value has none.

    offsets: int64 [n + 1]; tokens, kinds: int64 [m].
    """

    offsets: np.ndarray
    tokens: np.ndarray
    kinds: np.ndarray

    @classmethod
    def of(cls, catalog: Catalog, fields: Sequence[str], tokenizer: Any, attribute: int) -> Self:
        """For each field with a value its name and its value, cut to `attribute` tokens; fields in one order, whatever that of a row.

        Values lose tags and entities. Refused: a catalogue without text or category fields.
        """
        names = [name for name in fields or sorted(catalog.fields("text", "category")) if name in catalog.roles]
        if not names:
            raise BadInput(
                f"expected text or category fields{f' {list(fields)}' if fields else ''}, the catalogue has {dict(catalog.roles)}"
            )
        columns = [_pieces(tokenizer, name, catalog[name], attribute) for name in names]
        tokens, kinds, offsets = list[int](), list[int](), [0]
        for row in range(len(catalog)):
            for key, values in columns:
                if values[row]:
                    tokens += [*key, *values[row]]
                    kinds += [1] * len(key) + [2] * len(values[row])
            offsets.append(len(tokens))
        return cls(*(np.array(each, np.int64) for each in (offsets, tokens, kinds)))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Several catalogues as one, their rows after one another."""
        shifts = np.cumsum([0, *(part.offsets[-1] for part in parts)])
        offsets = np.concatenate([[0], *(part.offsets[1:] + shift for part, shift in zip(parts, shifts))])
        return cls(offsets, *(np.concatenate([getattr(part, name) for part in parts]) for name in ("tokens", "kinds")))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def there(self) -> np.ndarray:
        """Which items have a sentence: bool [n]."""
        return np.diff(self.offsets) > 0

    def lengths(self, rows: np.ndarray, counts: np.ndarray, most: int) -> np.ndarray:
        """How many tokens each of some packed histories has, the mark included: int64 [b]."""
        sums = np.concatenate([[0], np.cumsum(np.diff(self.offsets)[rows])])
        ends = np.cumsum(counts)
        return np.minimum(1 + sums[ends] - sums[ends - counts], most)

    def texts(self, rows: np.ndarray, counts: np.ndarray, most: int) -> Texts:
        """Histories as texts of at most `most` tokens: rows int64 [m], counts [b], each history newest first."""
        import torch

        from nearkin.layers.recformer_net import Texts

        sizes = np.diff(self.offsets)[rows]
        places = gathered(self.offsets[rows], sizes)
        person = np.repeat(np.repeat(np.arange(len(counts)), counts), sizes)
        number = np.repeat(gathered(np.ones_like(counts), counts), sizes)
        column = 1 + np.arange(len(places)) - np.searchsorted(person, person)
        kept = column < most
        width = 1 + int(column[kept].max(initial=0))
        filled = [np.zeros((len(counts), width), np.int64) for _ in range(3)]
        for grid, values in zip(filled, (self.tokens[places], self.kinds[places], number)):
            grid[person[kept], column[kept]] = values[kept]
        there = filled[0] > 0
        filled[0][:, 0], there[:, 0] = MARK, True
        return Texts(*(torch.from_numpy(each) for each in (*filled, there)))


def newest_first(rows: np.ndarray, stops: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The last `counts` items before each stop, backwards, one history after another: int64 [sum of counts]."""
    return rows[np.repeat(stops - 1, counts) - gathered(np.zeros_like(counts), counts)]


def tell_cut(sentences: Sentences, rows: np.ndarray, counts: np.ndarray, most: int) -> float:
    """The share of histories that lose their oldest items to `most`; told once, since it happens silently."""
    cut = float((sentences.lengths(rows, counts, most + 1) > most).mean()) if len(counts) else 0.0
    logger.info("%.1f %% of the histories have more than %d tokens and lose their oldest items", 100 * cut, most)
    return cut


def hidden_words(
    texts: Texts, goes_on: np.ndarray, seen: np.ndarray, random: np.random.Generator, share: float = 0.15
) -> tuple[Texts, Any]:
    """Whole words hidden with this chance, and what stood there: int64 [b, t], -1 where nothing is hidden.

    Of the hidden words' tokens 80 % become [MASK], 10 % a token of `seen` (int64 [v]), 10 % stay. goes_on: bool [vocabulary], pieces
    that go on a word.
    """
    import torch

    tokens = texts.tokens.numpy()
    able = texts.there.numpy() & (tokens > ENDS)
    word = np.cumsum(~goes_on[tokens], axis=1)
    drawn = random.random((len(tokens), int(word.max()) + 1)) < share
    hidden = np.take_along_axis(drawn, word, 1) & able
    kind = random.random(tokens.shape)
    changed = np.where(hidden & (kind < 0.8), HIDDEN, np.where(hidden & (kind < 0.9), random.choice(seen, tokens.shape), tokens))
    return texts._replace(tokens=torch.from_numpy(changed)), torch.from_numpy(np.where(hidden, tokens, -1))


def _pieces(tokenizer: Any, name: str, values: Sequence[Any], attribute: int) -> tuple[list[int], list[list[int]]]:
    key = tokenizer.encode(name.replace("_", " "), add_special_tokens=False).ids[: attribute - 1]
    found = tokenizer.encode_batch([_plain(value) for value in values], add_special_tokens=False)
    return key, [each.ids[: attribute - len(key)] for each in found]


def _plain(value: Any) -> str:
    """One text from a value or a list of them, without tags and entities."""
    if value is None:
        return ""
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return _TAG.sub(" ", html.unescape(text[: 4 * LONGEST]))[:LONGEST].strip()
