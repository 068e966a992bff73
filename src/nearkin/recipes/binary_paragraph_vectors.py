"""Find texts by short codes that were learned from nothing but texts; from "Binary Paragraph Vectors" (Grzegorczyk and Kurdziel, 2016;
the first part of Grzegorczyk's thesis "Vector representations of text data in deep learning", 2019).

A text's code foretells its words and pairs of words; rounding sits between the two, and its slope is that of the sigmoid. Binary PV-DBOW
and its PV-DM form give 128 bits; Real-Binary PV-DBOW gives a vector and, by a linear layer, 28 bits that filter what the vector ranks.
Compared on texts that training did not see: real paragraph vectors of the same training, their bits by random planes (LSH) and by
iterative quantisation (ITQ), codes of an autoencoder (semantic hashing), and TF-IDF.
The paper's 20 Newsgroups, RCV1 and Wikipedia are not here: texts are WordNet's definitions of nouns with their examples, and two are
relevant to each other when they share the fourth hypernym below the root (31 kinds such as "artifact" or "act"; the data names no
lexicographer files). A transfer run reads the descriptions of Debian's packages with words learned from WordNet; relevant is what
lies in the same section.
Differing from the paper: Adam, a penalty on bits that have one side in all texts, noise before the rounding. Left out: nothing of the
binary paragraph vectors; the disambiguated skip-gram of the same thesis is another method.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from nearkin.codecs.half_spaces import HalfSpaces
from nearkin.codecs.sign_hash import SignHash
from nearkin.data import load
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.encoders.paragraph_vectors import ParagraphVectors
from nearkin.errors import BadInput
from nearkin.indexes.bit_index import BitIndex
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.hamming_buckets import HammingBuckets
from nearkin.recipes.card import Card
from nearkin.recipes.contract import Curve, Measured, Measures
from nearkin.stage import Stage
from nearkin.tables import Catalog, Codes, Data, Vectors, unit

CARD = Card(
    paper=48,
    title="Binary paragraph vectors",
    claim="128 bits learned with the text model rank nearly as its floats (MAP 80 % at least) and above the floats' LSH bits; "
    "28 bits filter for the floats of one model with 95 % of their nDCG@10 at a tenth of the texts scored",
    kind="system",
    task="own",
    data=("dict-wordnet31",),
    metrics=("MAP", "nDCG@10"),
    beats=("LSH of PV",),
    seeds=(0, 1, 2),
    tiny_s=4.0,
)
DEPTH, LEAST = 4, 300  # which hypernym counts as the kind, and how many nouns a kind must have
AT_LEAST, FILTERED, SCORED = 0.8, 0.95, 0.1  # of the claim
TRANSFER = "catalog-debian"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The paper: 128 and 32 bits, 300 dimensions with 28 bits."""

    bits: int = 128
    short: int = 28
    dim: int = 128  # of the real vectors, ours; paper 300
    epochs: int = 15  # ours
    batch: int = 512  # ours
    rate: float = 0.02  # ours
    decay: float = 0.2  # ours; the better of .02 and .2 for real vectors and bits alike, on an earlier draw of the same texts
    window: int = 2  # ours; of PV-DM
    share: float = 0.08  # ours; of the texts, those whose codes are nearest are ranked by floats
    a_kind: int = 150  # ours; texts drawn a kind, of which the commonest has 19,573
    asked: int = 500  # ours; texts held out to ask with
    transfer: int = 900  # ours; texts of the other catalogue, a third of which ask; 0: no transfer
    seed: int = 0

    @classmethod
    def tiny(cls) -> Self:
        return cls(bits=32, short=12, dim=32, epochs=10, batch=60, rate=0.08, share=0.09, asked=60, transfer=0)


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Texts with their kinds, int [n]: those trained on and, at the end, `asked` that ask."""

    texts: Catalog
    kinds: np.ndarray
    asked: int

    @property
    def held(self) -> Catalog:
        return self.texts.take(np.arange(len(self.texts) - self.asked))

    @property
    def queries(self) -> Catalog:
        return self.texts.take(np.arange(len(self.texts) - self.asked, len(self.texts)))

    @property
    def relevant(self) -> np.ndarray:
        return self.kinds[-self.asked :, None] == self.kinds[: -self.asked]


def build(data: Data, settings: Settings = Settings()) -> Stage:
    """Search by the bits of a binary model."""
    held = drawn(data, settings).held
    model = _model(settings, bits=settings.bits).fit(held)
    return model >> BitIndex(codec=HalfSpaces.signs(settings.bits)).fit(Vectors(model.documents_, held))  # type: ignore[arg-type]


def rivals(data: Data, settings: Settings = Settings()) -> dict[str, Stage]:
    """Real vectors, and as many bits of them by random planes."""
    held = drawn(data, settings).held
    model = _model(settings).fit(held)
    vectors = Vectors(unit(model.documents_), held)  # type: ignore[arg-type]
    hashed = SignHash(bits=settings.bits, seed=settings.seed).fit(vectors)
    return {"PV": model >> FlatIndex().fit(vectors), "LSH of PV": model >> BitIndex(codec=hashed).fit(vectors)}


def _model(settings: Settings, *, bits: int | None = None, window: int = 0) -> ParagraphVectors:
    """A model of the usual sizes; one of `settings.bits` bits has as many dimensions."""
    return ParagraphVectors(
        dim=bits if bits == settings.bits else settings.dim, bits=bits, window=window, epochs=settings.epochs, batch=settings.batch,
        rate=settings.rate, decay=settings.decay, seed=settings.seed,
    )  # fmt: skip


def report(data: Data, settings: Settings = Settings()) -> Measures:
    """MAP and nDCG@10 over full rankings of the texts trained on, for texts that were not."""
    texts = drawn(data, settings)
    real, binary = _model(settings).fit(texts.held), _model(settings, bits=settings.bits).fit(texts.held)
    memory, two = (_model(settings, bits=b, window=w).fit(texts.held) for b, w in ((settings.bits, settings.window), (settings.short, 0)))
    as_real, as_binary, as_memory, as_two = (model(texts.queries) for model in (real, binary, memory, two))
    scores, balance = {}, {}
    scores["ours"], balance["Binary PV-DBOW"] = by_bits(binary, as_binary)
    scores["PV"] = by_floats(real, as_real)
    for name, codec in rotations(settings).items():
        scores[f"{name} of PV"] = by_codec(codec, real.documents_, as_real.rows)  # type: ignore[arg-type]
    scores["Binary PV-DM"], balance["Binary PV-DM"] = by_bits(memory, as_memory)
    scores["autoencoder"] = autoencoder(texts, settings)
    scores["TF-IDF"] = by_words(texts)
    scores["Real-Binary, floats"] = by_floats(two, as_two)
    scores["Real-Binary, bits"], balance["Real-Binary"] = by_bits(two, as_two)
    scores["Real-Binary, bits then floats"] = filtered(two, as_two, scores["Real-Binary, floats"], settings.share)
    found = {name: ranked(each, texts.relevant, settings.seed) for name, each in scores.items()}
    kept = {name: float(found[name][0].mean()) for name in found}
    two_levels = [float(found[f"Real-Binary, {name}"][1].mean()) for name in ("bits then floats", "floats")]
    figures = {
        "MAP of the bits over that of the floats": kept["ours"] / kept["PV"],
        "Real-Binary, nDCG@10 of bits then floats over floats": two_levels[0] / two_levels[1],
        "share of the texts scored by floats": settings.share,
        "share of texts with bit 1: least, tenth, median, nine tenths, most": {name: quantiles(each) for name, each in balance.items()},
        "bits that lie between 0.3 and 0.7": {name: float(np.mean([0.3 <= x <= 0.7 for x in each])) for name, each in balance.items()},
        "texts, kinds, terms": [len(texts.texts), len(np.unique(texts.kinds)), len(binary.terms_)],  # type: ignore[arg-type]
        "radius: share of texts within it, share of the relevant among them": radii(two, as_two, texts.relevant),
        f"transfer to {TRANSFER}: MAP, nDCG@10": transferred(real, binary, settings),
    }
    lines = [
        Measured(metric=metric, values={name: found[name][place] for name in found}, decides=place == 0)
        for place, metric in enumerate(CARD.metrics)
    ]
    holds = kept["ours"] >= AT_LEAST * kept["PV"] and kept["ours"] > kept["LSH of PV"]
    holds = holds and two_levels[0] >= FILTERED * two_levels[1] and settings.share < SCORED
    return Measures(measured=lines, figures=figures, curves=[curve(scores, texts.relevant, settings.seed)], holds=bool(holds))


def drawn(data: Data, settings: Settings) -> Texts:
    """Up to `a_kind` texts of each kind, in random order: definitions with examples, or the texts of `world` with theirs."""
    kinds = data.items["kind"] if "kind" in data.items.roles else hypernyms(data)
    names, kind, counts = np.unique(np.array(kinds, dtype=str), return_inverse=True, return_counts=True)
    random = np.random.default_rng(settings.seed)
    least = LEAST if "definition" in data.items.roles else 1
    usable = [place for place, name in enumerate(names) if name and counts[place] >= least]
    rows = np.concatenate([random.permutation(np.flatnonzero(kind == place))[: settings.a_kind] for place in usable])
    rows = random.permutation(rows)
    if len(rows) <= settings.asked:
        raise BadInput(f"{data.name} has {len(rows)} texts of known kind; {settings.asked} are to be held out")
    return Texts(texts=Catalog.of(text=plain_texts(data.items.take(rows))), kinds=kind[rows], asked=settings.asked)


def plain_texts(items: Catalog) -> list[str]:
    """Definitions with their examples, without the word itself; else all text fields."""
    if "definition" not in items.roles:
        return items.texts()
    return [f"{told} {' '.join(shown or ())}" for told, shown in zip(items["definition"], items["examples"])]


def hypernyms(data: Data) -> list[str]:
    """The id of the ancestor DEPTH steps below the root by first hypernyms, for nouns; empty for others and for what lies higher."""
    links: Any = data.need("links").links
    up = dict(zip(links.left_rows.tolist()[::-1], links.right_rows.tolist()[::-1]))  # of several hypernyms the first
    ids, found = data.items.id_list, []
    for row, pos in enumerate(data.items["pos"]):
        path = [row]
        while path[-1] in up and len(path) < 30:
            path.append(up[path[-1]])
        found.append(ids[path[-1 - DEPTH]] if pos == "noun" and len(path) > DEPTH else "")
    return found


def by_floats(model: ParagraphVectors, queries: Vectors) -> np.ndarray:
    """Cosines of inferred texts with those of training: float32 [q, n]."""
    return unit(queries.rows) @ unit(model.documents_).T  # type: ignore[arg-type]


def planes(model: ParagraphVectors) -> HalfSpaces:
    """The codec that gives a model's bits."""
    return HalfSpaces.signs(model.dim) if model.planes_ is None else HalfSpaces.of(model.planes_)


def by_bits(model: ParagraphVectors, queries: Vectors) -> tuple[np.ndarray, np.ndarray]:
    """Minus the Hamming distances, and the share of texts with each bit 1."""
    codes = planes(model)(Vectors(model.documents_))  # type: ignore[arg-type]
    return agreement(codes, planes(model)(queries)), codes.symbols.mean(0)


def rotations(settings: Settings) -> dict[str, Any]:
    bits = settings.bits
    return {"LSH": SignHash(bits=bits, seed=settings.seed), "ITQ": HalfSpaces(bits=min(bits, settings.dim), seed=settings.seed)}


def by_codec(codec: Any, items: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Both sides centred on the items, which random planes profit from, then coded."""
    mean = items.mean(0)
    codec.fit(Vectors(items - mean))
    return agreement(codec(Vectors(items - mean)), codec(Vectors(queries - mean)))


def agreement(items: Codes, queries: Codes) -> np.ndarray:
    """Minus the Hamming distance: float32 [q, n]."""
    signs = [codes.symbols.astype(np.float32) * 2 - 1 for codes in (queries, items)]
    return (signs[0] @ signs[1].T - items.levels) / 2


def by_words(texts: Texts) -> np.ndarray:
    """Cosines of TF-IDF."""
    bags = BagOfWords().fit(texts.held)
    items, queries = bags(texts.held).to_scipy().tocsr(), bags(texts.queries).to_scipy().tocsr()
    rarity = np.log((1 + len(texts.held)) / (1 + np.bincount(items.indices, minlength=items.shape[1])))
    sides = []
    for side in (queries, items):
        weighed = side.multiply(rarity[None]).tocsr()
        length = np.sqrt(weighed.multiply(weighed).sum(1)).reshape(-1, 1)
        sides.append(weighed.multiply(1 / np.maximum(length, 1e-9)).tocsr())
    return np.asarray((sides[0] @ sides[1].T).todense(), np.float32)


def filtered(model: ParagraphVectors, queries: Vectors, cosines: np.ndarray, share: float) -> np.ndarray:
    """Two levels: the share of the texts with the nearest codes ranked by floats, all others behind them by their codes."""
    items, asked = planes(model)(Vectors(model.documents_)), planes(model)(queries)  # type: ignore[arg-type]
    near = HammingBuckets(k=int(share * len(items))).fit(items)(asked)
    scores = agreement(items, asked) - 2.0
    np.put_along_axis(scores, near.rows.astype(np.int64), np.take_along_axis(cosines, near.rows.astype(np.int64), 1) + 2.0, 1)
    return scores


def radii(model: ParagraphVectors, queries: Vectors, relevant: np.ndarray) -> list[list[float]]:
    """What lies within each radius of a query's short code."""
    buckets = HammingBuckets().fit(planes(model)(Vectors(model.documents_)))  # type: ignore[arg-type]
    asked, lines = planes(model)(queries), []
    for radius in range(0, 10, 2):
        rows = buckets.within(asked, radius)
        right = [line[found].sum() / line.sum() for line, found in zip(relevant, rows)]
        lines.append([radius, float(np.mean([len(found) for found in rows])) / relevant.shape[1], float(np.mean(right))])
    return lines


def ranked(scores: np.ndarray, relevant: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Average precision over the whole ranking and nDCG@10, a query; equal scores in random order, since codes tie massively."""
    right = np.take_along_axis(relevant, in_order(scores, seed), 1)
    precision = np.cumsum(right, 1) / np.arange(1, right.shape[1] + 1)
    whole, gains = right.sum(1), 1 / np.log2(np.arange(2, 12))
    most = np.cumsum(gains)[np.clip(whole, 1, 10) - 1]
    return (precision * right).sum(1) / np.maximum(whole, 1), right[:, :10] @ gains / most


def in_order(scores: np.ndarray, seed: int) -> np.ndarray:
    """Columns best first, equal scores in random order."""
    drawn = np.random.default_rng(seed).permutation(scores.shape[1])
    return drawn[np.argsort(-scores[:, drawn], axis=1, kind="stable")]


def quantiles(shares: np.ndarray) -> list[float]:
    return np.quantile(shares, [0, 0.1, 0.5, 0.9, 1]).tolist()


def autoencoder(texts: Texts, settings: Settings) -> np.ndarray:
    """Semantic hashing (Salakhutdinov and Hinton): words to bits through one hidden layer, and back to the words; noise makes bits."""
    import torch

    bags = BagOfWords().fit(texts.held)
    matrices = [bags(each).to_scipy().tocsr() for each in (texts.held, texts.queries)]
    often = np.argsort(-np.asarray(matrices[0].sum(0)).ravel(), kind="stable")[:2000]
    held, asked = (torch.from_numpy(np.log1p(matrix[:, often].toarray()).astype(np.float32)) for matrix in matrices)
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        down = torch.nn.Sequential(torch.nn.Linear(len(often), 256), torch.nn.ReLU(), torch.nn.Linear(256, settings.bits))
        back = torch.nn.Linear(settings.bits, len(often))
        descent = torch.optim.Adam([*down.parameters(), *back.parameters()], lr=1e-3)
        for _ in range(settings.epochs):
            for rows in torch.randperm(len(held)).split(128):
                logits = down(held[rows])
                state = torch.sigmoid(logits + 2 * torch.randn_like(logits))
                loss = -(held[rows] * torch.log_softmax(back(state), 1)).sum(1).mean()
                descent.zero_grad()
                loss.backward()
                descent.step()
        with torch.no_grad():
            sides = [down(each).numpy() for each in (held, asked)]
    middle = np.median(sides[0], axis=0)
    codes = [Codes((side > middle).astype(np.uint8), [2] * settings.bits) for side in sides]
    return agreement(*codes)


def transferred(real: ParagraphVectors, binary: ParagraphVectors, settings: Settings) -> dict[str, list[float]]:
    """Another catalogue read with the words of this one: floats, bits, and what chance gives."""
    if not settings.transfer:
        return {}
    items = load(TRANSFER).items
    items = items.take(np.sort(np.random.default_rng(settings.seed).permutation(len(items))[: settings.transfer]))
    sections = np.array([str(each) for each in items["section"]])
    asked = settings.transfer // 3
    held, queries = items.take(np.arange(asked, len(items))), items.take(np.arange(asked))
    relevant = sections[:asked, None] == sections[asked:]
    some = relevant.any(1)
    scores = {"PV": unit(real(queries).rows) @ unit(real(held).rows).T, "chance": np.zeros(relevant.shape)}
    scores["Binary PV-DBOW"] = agreement(planes(binary)(binary(held)), planes(binary)(binary(queries)))
    return {name: [float(each[some].mean()) for each in ranked(score, relevant, settings.seed)] for name, score in scores.items()}


def curve(scores: Mapping[str, np.ndarray], relevant: np.ndarray, seed: int) -> Curve:
    """Mean precision where a share of the relevant texts is found."""
    recalls, lines = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0]), {}
    for name in ("ours", "PV", "LSH of PV", "ITQ of PV", "autoencoder", "TF-IDF", "Real-Binary, bits then floats"):
        right = np.cumsum(np.take_along_axis(relevant, in_order(scores[name], seed), 1), 1)
        wanted = np.maximum(np.ceil(recalls[None] * right[:, -1:]), 1)
        places = np.stack([(right < wanted[:, [at]]).sum(1) for at in range(len(recalls))], 1)
        lines[name] = (recalls.tolist(), (wanted / (places + 1)).mean(0).tolist())
    return Curve(title="texts not trained on", x="recall", y="precision", lines=lines, log_x=True)


def world() -> Data:
    """Texts of twelve kinds, each with words of its own among words that all share."""
    random, lines = np.random.default_rng(0), []
    kinds = np.arange(600) % 12
    for kind in kinds:
        words = [f"k{kind}w{word}" for word in random.integers(0, 20, 6)] + [f"shared{word}" for word in random.integers(0, 15, 5)]
        lines.append(" ".join(random.permutation(words)))
    items = Catalog.of(text=lines).with_fields({"kind": "other"}, kind=[f"kind {kind}" for kind in kinds])
    return Data(name="twelve-kinds", items=items)
