"""Text vectors learned from nothing but the texts themselves; with bits, short codes too."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np

from nearkin.encoders.analyser import Analyser
from nearkin.errors import BadInput, Missing
from nearkin.stage import Encoder, fitted, learned
from nearkin.tables import Catalog, Vectors

MOST_TERMS = 512  # terms read of a text; of longer ones as many, evenly spread
DRAWS = 1024  # words drawn to stand for the vocabulary
INFERENCE_STEPS, INFERENCE_RATE = 40, 0.1
BALANCE = 4.0  # what a bit costs a text that has the same side in all texts, in units of a quarter
NOISE = 1.0  # standard deviation before the rounding, in training
BLOCK = 2048  # texts inferred at once


@dataclass(kw_only=True)
class ParagraphVectors(Encoder):
    """A vector a text from which the text's words and pairs of neighbouring words are foretold; `bits` rounds it on the way.

    Catalog[n] -> Vectors[n, dim], float32; zero for a text without a known word. bits None: PV-DBOW. bits = dim: Binary PV-DBOW, the
    bit of a coordinate being its sign. Other bits: Real-Binary PV-DBOW, a vector to rank by and, through `planes_` (see the codec
    `HalfSpaces`), a code to filter by. `window` > 0: PV-DM, where that many words on both sides help.
    `fit` learns words and texts together by sampled softmax; the vectors of the texts it saw are `documents_`. Called, it freezes the
    words and finds a vector for each text alone, always the same one, by 40 steps from zero.
    Cost: training epochs * n * (1024 + terms) * width; a new text 40 * 1024 * width.
    Refused: nothing to learn from, fewer than one bit.
    Source: Le and Mikolov, ICML 2014; Grzegorczyk and Kurdziel, "Binary paragraph vectors", 2016 (arXiv 1611.01116).
    """

    fields: tuple[str, ...] = ()
    dim: int = 128
    bits: int | None = None
    window: int = 0
    least_count: int = 2  # of a term in all texts; pairs of words one more
    epochs: int = 20
    batch: int = 512
    rate: float = 0.02
    decay: float = 0.2  # pull of a text's vector to 0, a text
    seed: int = 0
    terms_: np.ndarray | None = learned()  # str [v]
    words_: dict[str, np.ndarray] | None = learned()  # float32: out [v, width], bias [v], around [v, width] where there is a window
    planes_: np.ndarray | None = learned(optional=True)  # float32 [bits, dim + 1], the last column is the offset
    drawn_: np.ndarray | None = learned()  # int64 [s]: the words that stand for all when a text is inferred
    log_counts_: np.ndarray | None = learned()  # float64 [v]: logarithm of how often each word is expected among the draws
    documents_: np.ndarray | None = learned()  # float32 [n, dim]: the texts of fit

    def __post_init__(self) -> None:
        if self.dim < 1 or (self.bits is not None and self.bits < 1) or self.window < 0:
            raise BadInput(f"expected dim and bits of 1 or more and a window of 0 or more, got {self.dim}, {self.bits} and {self.window}")

    def fit(self, catalog: Catalog) -> Self:
        torch = _torch()
        counted = self._counted(catalog)
        self.terms_ = np.array(sorted(counted), dtype=str)
        if not len(self.terms_):
            raise BadInput(f"no term stands in the texts {self.least_count} times; give more texts, or a lower least_count")
        often = np.array([counted[term] for term in self.terms_.tolist()], float) ** 0.75
        shares, count = often / often.sum(), min(DRAWS, 4 * len(often))
        self.log_counts_ = np.log(shares * count)
        random = np.random.default_rng(self.seed)
        self.drawn_ = random.choice(len(shares), count, p=shares)
        owner, words = self._read(catalog)
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            net, documents = self._net(len(self.terms_)), torch.nn.Parameter(torch.randn(len(catalog), self.dim) * 0.1)
            self._train(net, documents, owner, words, shares, random)
        self._keep(net, documents, np.unique(owner))
        return self

    def __call__(self, catalog: Catalog, /) -> Vectors:
        torch, net = _torch(), self._restored()
        owner, words = self._read(catalog)
        rows = np.zeros((len(catalog), self.dim), np.float32)
        drawn = torch.from_numpy(np.array(self.drawn_))
        starts = np.searchsorted(owner, np.arange(0, len(catalog) + BLOCK, BLOCK))
        for start, stop in pairwise(starts.tolist()):
            if start < stop:
                texts, place = np.unique(owner[start:stop], return_inverse=True)
                rows[texts] = self._inferred(net, torch.from_numpy(words[start:stop]), torch.from_numpy(place), len(texts), drawn)
        return Vectors(rows, catalog)

    def _inferred(self, net: Any, words: Any, owner: Any, count: int, drawn: Any) -> np.ndarray:
        """Vectors of texts under frozen words: each text's steps depend on its own words only."""
        torch = _torch()
        vectors = torch.nn.Parameter(torch.full((count, self.dim), 1e-3, dtype=torch.float64))
        descent = torch.optim.Adam([vectors], lr=INFERENCE_RATE)
        for _ in range(INFERENCE_STEPS):
            descent.zero_grad()
            self._loss(net, vectors, words, owner, drawn, noise=0.0).backward()
            descent.step()
        return vectors.detach().numpy().astype(np.float32)

    def _train(self, net: Any, documents: Any, owner: np.ndarray, words: np.ndarray, shares: np.ndarray, random: Any) -> None:
        torch, offsets = _torch(), np.searchsorted(owner, np.arange(len(documents) + 1))
        known = np.flatnonzero(np.diff(offsets))
        descent = torch.optim.Adam([documents, *net.parameters()], lr=self.rate)
        steps = self.epochs * -(-len(known) // self.batch)
        slowing = torch.optim.lr_scheduler.LinearLR(descent, 1.0, 0.05, steps)
        for _ in range(self.epochs):
            order = random.permutation(known)
            for start in range(0, len(order), self.batch):
                texts = order[start : start + self.batch]
                lengths = np.diff(offsets)[texts]
                places = np.repeat(offsets[texts] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
                drawn = torch.from_numpy(random.choice(len(shares), len(self.drawn_), p=shares))  # type: ignore[arg-type]
                descent.zero_grad()
                own = torch.from_numpy(np.repeat(np.arange(len(texts)), lengths))
                loss = self._loss(
                    net, documents.index_select(0, torch.from_numpy(texts)), torch.from_numpy(words[places]), own, drawn, noise=NOISE
                )
                (loss / len(texts)).backward()
                descent.step()
                slowing.step()

    def _loss(self, net: Any, vectors: Any, words: Any, owner: Any, drawn: Any, *, noise: float) -> Any:
        """The loss of a batch; in training (with noise) bits that most texts share are held against it too."""
        log_counts = _torch().from_numpy(np.array(self.log_counts_))[drawn].to(vectors.dtype)
        codes = net.code(vectors, noise)
        given = (codes, words, owner, drawn, log_counts)
        each = net.memory_loss(*given, self.window) if self.window else net.text_loss(*given)
        one_sided = BALANCE * len(vectors) * (codes.mean(0) ** 2).sum() if noise and self.bits else 0.0
        return each.sum() + self.decay * (vectors**2).sum() + one_sided

    def _net(self, vocabulary: int) -> Any:
        from nearkin.layers.paragraph_net import ParagraphNet

        return ParagraphNet(vocabulary, self.dim, self.bits, words_around=self.window > 0)

    def _keep(self, net: Any, documents: Any, known: np.ndarray) -> None:
        """The learned arrays; texts without a known word have the vector 0."""
        names = [name for name in ("out", "bias", "around") if getattr(net, name) is not None]
        self.words_ = {name: getattr(net, name).detach().numpy().copy() for name in names}
        self.planes_ = None
        if net.plane is not None:
            weight, offset = (each.detach().numpy() for each in (net.plane.weight, net.plane.bias))
            self.planes_ = np.concatenate([weight, offset[:, None]], 1)
        self.documents_ = np.zeros(tuple(documents.shape), np.float32)
        self.documents_[known] = documents.detach().numpy()[known]

    def _restored(self) -> Any:
        """The network in float64 with frozen words, so that a text's vector hangs on no other text of its batch."""
        torch, held = _torch(), fitted(self).words_
        net = self._net(len(self.terms_)).double().requires_grad_(False)  # type: ignore[arg-type]
        for name, values in held.items():  # type: ignore[union-attr]
            getattr(net, name).copy_(torch.from_numpy(np.array(values)))
        if self.planes_ is not None:
            net.plane.weight.copy_(torch.from_numpy(np.array(self.planes_[:, :-1])))
            net.plane.bias.copy_(torch.from_numpy(np.array(self.planes_[:, -1])))
        return net

    def _counted(self, catalog: Catalog) -> dict[str, int]:
        """The terms that occur often enough, and how often."""
        counts = Counter(term for terms in self._terms(catalog) for term in terms)
        return {term: count for term, count in counts.items() if count >= self.least_count + (" " in term)}

    def _terms(self, catalog: Catalog) -> list[list[str]]:
        """Words of each text in order, stop words out and stemmed; then, without a window, the pairs of neighbours."""
        analyser, found = Analyser("english"), []
        for text in catalog.texts(*self.fields):
            terms = [term for word in analyser.words(text) if (term := analyser.term(word)) is not None]
            pairs = [] if self.window else [f"{first} {second}" for first, second in pairwise(terms)]
            terms = terms + pairs
            found.append(terms if len(terms) <= MOST_TERMS else [terms[place] for place in _spread(len(terms))])
        return found

    def _read(self, catalog: Catalog) -> tuple[np.ndarray, np.ndarray]:
        """Known terms of all texts, text after text: int64 [m] text and int64 [m] term."""
        place = {term: row for row, term in enumerate(fitted_terms(self))}
        found = [[place[term] for term in terms if term in place] for terms in self._terms(catalog)]
        owner = np.repeat(np.arange(len(found)), [len(terms) for terms in found])
        return owner, np.array([row for terms in found for row in terms], np.int64)


def fitted_terms(encoder: ParagraphVectors) -> list[str]:
    """The vocabulary; while fitting it is there before the rest."""
    return encoder.terms_.tolist() if encoder.terms_ is not None else fitted(encoder).terms_.tolist()


def _spread(length: int) -> list[int]:
    return np.linspace(0, length - 1, MOST_TERMS).astype(int).tolist()


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise Missing("torch", "torch") from error
    return torch
