"""Readings of things as a camera and an OCR program would give them: what a matcher for noisy text is trained on."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from nearkin.stage import Stage
from nearkin.tables import Catalog

LOOKALIKES = {
    "o": "0",
    "0": "o",
    "i": "l",
    "l": "i",
    "1": "i",
    "e": "c",
    "c": "e",
    "a": "o",
    "s": "5",
    "b": "h",
    "n": "m",
    "m": "n",
    "u": "v",
    "t": "f",
}


@dataclass(frozen=True, kw_only=True)
class Misread(Stage):
    """Catalog[n] -> Catalog[n] with one text field `ocr`: the fields of each thing, noisily read; ids stay.

    Each field is lost with its own probability, a subtitle (after ":") often; "Last, First, dates" is turned around; fields come in any
    order.
    Each reading has a quality q in [0, 1]; a word is dropped with drop * 2q, cut short, swapped with the next or merged with it likewise,
    and letters become look-alikes. Randomness comes from `seed`. Source: the noise of paper 69 (drop, swap, merge); rates are ours.
    """

    takes = Catalog
    gives = Catalog

    fields: tuple[str, ...] = ("title", "author", "tag")
    lost: tuple[float, ...] = (0.02, 0.2, 0.3)
    subtitle_lost: float = 0.6
    drop: float = 0.15
    swap: float = 0.08
    merge: float = 0.08
    cut: float = 0.1  # words that lose a letter or more at an end
    letters: float = 0.04
    seed: int = 0

    def __call__(self, catalog: Catalog) -> Catalog:
        random = np.random.default_rng(self.seed)
        columns = [catalog.texts(name) for name in self.fields]
        texts = [self._read([column[row] for column in columns], random) for row in range(len(catalog))]
        return Catalog.of(catalog.id_list, ocr=texts)

    def _read(self, values: list[str], random: np.random.Generator) -> str:
        kept = [value for value, lost in zip(values, self.lost, strict=True) if value.strip() and random.random() >= lost]
        kept = [turned(self._short(value, random)) for value in kept or values]
        words = " ".join(kept[place] for place in random.permutation(len(kept))).split()
        quality = 2 * random.random()
        return " ".join(merged(swapped(self._blurred(words, quality, random), self.swap * quality, random), self.merge * quality, random))

    def _short(self, value: str, random: np.random.Generator) -> str:
        return value.split(" : ")[0] if random.random() < self.subtitle_lost else value

    def _blurred(self, words: list[str], quality: float, random: np.random.Generator) -> list[str]:
        kept = [word for word in words if random.random() >= self.drop * quality] or words[:1]
        return [self._letters(self._cut(word, quality, random), quality, random) for word in kept]

    def _cut(self, word: str, quality: float, random: np.random.Generator) -> str:
        if len(word) < 3 or random.random() >= self.cut * quality:
            return word
        away = int(random.integers(1, max(2, len(word) // 2)))
        return word[away:] if random.random() < 0.5 else word[:-away]

    def _letters(self, word: str, quality: float, random: np.random.Generator) -> str:
        wrong = random.random(len(word)) < self.letters * quality
        return "".join(LOOKALIKES.get(sign.lower(), "") if bad else sign for sign, bad in zip(word, wrong, strict=True))


def turned(value: str) -> str:
    """ "Guindal, Mariano, 1950-" as a spine shows it: "Mariano Guindal"; other texts as they are."""
    value = re.sub(r",?\s*\b\d{4}-(\d{4})?", "", value)
    parts = value.split(", ")
    return f"{parts[1]} {parts[0]}" if len(parts) == 2 else value


def swapped(words: list[str], chance: float, random: np.random.Generator) -> list[str]:
    """Neighbouring words in the wrong order, each pair with this chance."""
    words = list(words)
    for place in range(len(words) - 1):
        if random.random() < chance:
            words[place], words[place + 1] = words[place + 1], words[place]
    return words


def merged(words: list[str], chance: float, random: np.random.Generator) -> list[str]:
    """The space between two words lost, each with this chance."""
    found: list[str] = []
    for word in words:
        if found and random.random() < chance:
            found[-1] += word
        else:
            found.append(word)
    return found
