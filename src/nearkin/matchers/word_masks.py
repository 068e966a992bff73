"""Which segment of a picture each word belongs to, from the boxes of the words and the masks of the segments."""

from __future__ import annotations

import numpy as np

from nearkin.errors import ShapeError


def words_in_masks(boxes: np.ndarray, masks: np.ndarray, *, least: float = 0.1) -> np.ndarray:
    """The mask that covers most of each word's box: int32 [w], -1 where none covers a share of `least`.

    boxes: [w, 4] as left, top, right, bottom in pixels (right and bottom excluded), clipped to the picture; masks: bool [s, h, w].
    Equal shares: the first mask. Cost: one running sum over the masks, then four look-ups a word and mask.
    Source: the assignment of OCR words to segments in the demo of paper 69.
    """
    boxes, masks = np.asarray(boxes), np.asarray(masks, bool)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or masks.ndim != 3:
        raise ShapeError(f"expected boxes [words, 4] and masks [segments, height, width], got {list(boxes.shape)} and {list(masks.shape)}")
    if not len(masks) or not len(boxes):
        return np.full(len(boxes), -1, np.int32)
    shares = covered(boxes, masks)
    found = shares.argmax(1)
    return np.where(shares.max(1) >= max(least, 1e-9), found, -1).astype(np.int32)


def covered(boxes: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The share of each box that each mask covers: float64 [words, segments]; 0 for a box without area."""
    _, height, width = masks.shape
    sums = np.zeros((len(masks), height + 1, width + 1))
    sums[:, 1:, 1:] = masks.cumsum(1).cumsum(2)
    left, right = (np.clip(np.rint(boxes[:, side]).astype(int), 0, width) for side in (0, 2))
    top, bottom = (np.clip(np.rint(boxes[:, side]).astype(int), 0, height) for side in (1, 3))
    inside = sums[:, bottom, right] - sums[:, top, right] - sums[:, bottom, left] + sums[:, top, left]
    area = np.maximum((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), 0)
    return inside.T / np.where(area > 0, area, np.inf)[:, None]


def readings(words: list[str], segments: np.ndarray, count: int) -> list[str]:
    """The words of each of `count` segments in the order given, joined by spaces; words without a segment are left out."""
    texts: list[list[str]] = [[] for _ in range(count)]
    for word, segment in zip(words, segments, strict=True):
        if segment >= 0:
            texts[segment].append(word)
    return [" ".join(parts) for parts in texts]
