"""Product quantisation whose centres a loss has trained, not the squared error."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from nearkin.codecs import sub_codebooks
from nearkin.codecs.part_codec import PartCodec
from nearkin.codecs.product_quantiser import ProductQuantiser
from nearkin.errors import BadInput, Missing, ShapeError
from nearkin.stage import fitted, learned
from nearkin.tables import Vectors

if TYPE_CHECKING:
    from nearkin.layers.differentiable_pq import DifferentiablePq


@dataclass(kw_only=True)
class LearnedPq(PartCodec):
    """Codes and scores as of `ProductQuantiser`; `fit` gives the start, `module` what trains, `trained` the codec afterwards.

    Vectors[n, d] -> Codes[n, levels]. init: the centres at the start: of OPQ (with its rotation, which stays fixed), of PQ, or "none":
    rows drawn at random, cut into parts. The codes of `trained(module)` equal `module.symbols` bit for bit: both choose in float64.
    Refused: what `ProductQuantiser` refuses; a module of other sizes. Needs faiss-cpu to fit (but for "none"), torch to train.
    Source: the contrastive quantisation of BiDR (WWW 2022), whose authors found the start by OPQ to matter on one corpus of two.
    """

    levels: int = 8
    codebook_size: int = 256
    init: Literal["none", "pq", "opq"] = "opq"
    temperature: float = 1.0  # of the soft choice in training, in units of squared distance
    seed: int = 0
    centres_: np.ndarray | None = learned()  # float32 [levels, codebook_size, d / levels]
    rotation_: np.ndarray | None = learned(optional=True)  # float32 [d, d]

    def __post_init__(self) -> None:
        if self.init not in ("none", "pq", "opq") or not self.temperature > 0:
            raise BadInput(f"expected init none, pq or opq and a temperature above 0; got {self.init!r}, {self.temperature}")

    def fit(self, vectors: Vectors) -> Self:
        start = ProductQuantiser(levels=self.levels, codebook_size=self.codebook_size, rotate=self.init == "opq", seed=self.seed)
        if self.init == "none":
            self.centres_, self.rotation_ = self._drawn(vectors.rows), None
        else:
            self.centres_, self.rotation_ = start.fit(vectors).centres_, start.rotation_
        return self

    def module(self) -> DifferentiablePq:
        """A torch module with these centres and this rotation, to be trained."""
        try:
            import torch
        except ImportError as error:
            raise Missing("torch", "torch") from error
        from nearkin.layers.differentiable_pq import DifferentiablePq

        rotation = None if self.rotation_ is None else torch.from_numpy(np.array(self.rotation_))
        return DifferentiablePq(torch.from_numpy(np.array(fitted(self).centres_)), rotation, temperature=self.temperature)

    def trained(self, module: DifferentiablePq) -> Self:
        """A codec with the centres that the module has now."""
        centres, other = module.centres.detach().cpu().numpy(), copy(fitted(self))
        if centres.shape != self.centres_.shape:
            raise ShapeError(f"expected centres {list(self.centres_.shape)}, got {list(centres.shape)}; train what .module() gave")
        other.centres_ = centres.astype(np.float32)
        return other

    def _drawn(self, rows: np.ndarray) -> np.ndarray:
        """Different rows at random, cut into parts: float32 [levels, codebook_size, d / levels]."""
        sub_codebooks.check_parts(rows.shape[1], self.levels, self.codebook_size)
        sub_codebooks.check_rows(len(rows), self.codebook_size)
        chosen = np.random.default_rng(self.seed).choice(len(rows), self.codebook_size, replace=False)
        parts = rows[np.sort(chosen)].astype(np.float32).reshape(self.codebook_size, self.levels, -1)
        return np.ascontiguousarray(parts.transpose(1, 0, 2))
