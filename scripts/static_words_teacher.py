"""The teacher pass of the static word table: MiniLM over all texts, resumable, keeping sentence vectors and token states.

What is kept in the work folder: `texts.jsonl`, `vectors.f16` [n, 384] (mean-pooled, length 1), `states.npz` (for each vocabulary entry
the sum over all places where it stood of its last hidden state, divided by the length of its sentence's pooled vector; and the number
of places), `done.json`. Since a sentence vector IS the mean of these states, their mean is the best first guess at a static row.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

CHUNK = 4_096  # texts sorted by length and encoded together; the step at which a pass resumes
TOKENS = 1_024  # a batch, padding counted; larger ones leave the cache and are a third slower
DIM = 384
FAST_BFLOAT16 = any(name in torch.backends.cpu.get_cpu_capability() for name in ("AVX512", "SVE"))  # with AVX2 alone it is 8 times slower


class Teacher:
    """MiniLM with its own mean pooling, in bfloat16 where that is fast (cosine to float32 0.99995)."""

    def __init__(self, folder: Path, max_tokens: int = 128) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModel.from_pretrained(folder, dtype=torch.bfloat16 if FAST_BFLOAT16 else torch.float32).eval()
        self.max_tokens = max_tokens
        self.outside = sorted(self.tokenizer.all_special_ids)

    @torch.inference_mode()
    def states(self, ids: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Padded ids [b, t], states [b, t, 384] float32 (zero at padding), lengths [b]."""
        lengths = torch.tensor([len(each) for each in ids])
        padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(each) for each in ids], batch_first=True)
        mask = torch.arange(padded.shape[1]) < lengths[:, None]
        states = self.model(input_ids=padded, attention_mask=mask.long()).last_hidden_state.float()
        return padded, states * mask[:, :, None], lengths

    def tokens(self, texts: list[str]) -> list[list[int]]:
        return self.tokenizer(texts, truncation=True, max_length=self.max_tokens)["input_ids"]  # type: ignore[no-any-return]

    def alone(self) -> np.ndarray:
        """For each vocabulary entry w the state at w of [CLS] w [SEP], divided by the length of the pooled vector: float32 [v, 384]."""
        first, last = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        rows = []
        for start in range(0, len(self.tokenizer), 1_024):
            entries = range(start, min(start + 1_024, len(self.tokenizer)))
            _, states, _ = self.states([[first, entry, last] for entry in entries])
            rows.append(states[:, 1] / states.mean(1).norm(dim=1, keepdim=True))
        return torch.cat(rows).numpy()


def teach(teacher: Teacher, texts: list[str], work: Path, minutes: float) -> int:
    """Encode as many texts as the minutes allow, a chunk at a time; returns how many are done, those of earlier calls included."""
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "done.json").exists():
        (work / "texts.jsonl").write_text("\n".join(json.dumps(text) for text in texts))
        np.lib.format.open_memmap(work / "vectors.npy", "w+", np.float16, (len(texts), DIM)).flush()
        _keep(work, 0, np.zeros((len(teacher.tokenizer), DIM), np.float32), np.zeros(len(teacher.tokenizer), np.int64))
    vectors, (done, sums, counts) = np.load(work / "vectors.npy", mmap_mode="r+"), _kept(work)
    end = time.monotonic() + 60 * minutes
    while done < len(texts) and time.monotonic() < end:
        chunk = texts[done : done + CHUNK]
        vectors[done : done + len(chunk)] = _chunk(teacher, chunk, torch.from_numpy(sums), counts)
        vectors.flush()
        done += len(chunk)
        _keep(work, done, sums, counts)
        print(f"{done:,} of {len(texts):,} texts, {(end - time.monotonic()) / 60:.1f} minutes left", flush=True)
    return done


def _chunk(teacher: Teacher, texts: list[str], sums: torch.Tensor, counts: np.ndarray) -> np.ndarray:
    """Unit vectors [n, 384] of the texts; the states of their tokens are added to `sums`, their numbers to `counts`."""
    tokens = teacher.tokens(texts)
    order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
    found = np.zeros((len(texts), DIM), np.float32)
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * len(tokens[order[stop]]) <= TOKENS:
            stop += 1
        places = order[start:stop]
        ids, states, lengths = teacher.states([tokens[place] for place in places])
        pooled = states.sum(1) / lengths[:, None]
        scale = pooled.norm(dim=1, keepdim=True)
        found[places] = (pooled / scale).numpy()
        inner = (torch.arange(ids.shape[1]) < lengths[:, None]) & ~torch.isin(ids, torch.tensor(teacher.outside))
        sums.index_add_(0, ids[inner], (states / scale[:, :, None])[inner])
        counts += np.bincount(ids[inner].numpy(), minlength=len(counts))
        start = stop
    return found


def _keep(work: Path, done: int, sums: np.ndarray, counts: np.ndarray) -> None:
    np.savez(work / "states.new.npz", done=done, sums=sums, counts=counts)
    (work / "states.new.npz").replace(work / "states.npz")
    (work / "done.json").write_text(json.dumps({"texts": done}))


def _kept(work: Path) -> tuple[int, np.ndarray, np.ndarray]:
    held: Any = np.load(work / "states.npz")
    return int(held["done"]), held["sums"], held["counts"]
