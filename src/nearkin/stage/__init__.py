"""Composition: what a stage is, how stages join, and how they are kept on disk."""

from nearkin.stage.fuse import RankFusion, ScoreFusion, fuse, scaled, union
from nearkin.stage.pipeline import Composite, Memo, Pipeline, Top, candidate_scores, join, top, with_k
from nearkin.stage.stage import BitCodec, Codec, Encoder, Index, Matcher, Projection, Recommender, Refiner, Searcher, Stage, fitted, learned

__all__ = [
    "BitCodec",
    "Codec",
    "Composite",
    "Encoder",
    "Index",
    "Matcher",
    "Memo",
    "Pipeline",
    "Projection",
    "RankFusion",
    "Recommender",
    "Refiner",
    "ScoreFusion",
    "Searcher",
    "Stage",
    "Top",
    "candidate_scores",
    "fitted",
    "fuse",
    "join",
    "learned",
    "scaled",
    "top",
    "union",
    "with_k",
]
