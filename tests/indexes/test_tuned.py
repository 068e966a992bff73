"""The search for a recommender: what it finds is better than its parts, keeps to its time, and goes on where it was cut short."""

from __future__ import annotations

import time

import numpy as np
import pytest

from nearkin import worlds
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.encoders.static_words import StaticWords
from nearkin.errors import BadInput
from nearkin.indexes.blend import held_out, weighed
from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.tuned import tune
from nearkin.metrics import next_item

WORLD = worlds.cycles(users=150, circles=4, length=8, steps=6, noise=0.3, seed=2)
LINKS = WORLD.interactions
WORDS = {"words": BagOfWords().fit(WORLD.items)}


def test_the_blend_is_no_worse_on_held_out_steps_than_the_usual_part():
    found = tune(LINKS, minutes=0.01, encoders=WORDS)
    rest, histories, targets = held_out(LINKS, 5000, 0)
    _, alone = weighed([DirectedKnn().fit(rest)], histories, targets, repeats=False)
    assert found.ndcg >= alone
    assert {trial.kind for trial in found.trials} == {"neighbours", "content by words", "ease", "attention"}
    assert all(0 <= trial.ndcg <= 1 and trial.seconds > 0 for trial in found.trials)
    assert max(trial.ndcg for trial in found.trials) <= found.ndcg + 0.02


def test_dense_vectors_are_given_to_attention_too():
    found = tune(LINKS, minutes=0.01, encoders={"meaning": StaticWords()})
    assert "attention with meaning" in {trial.kind for trial in found.trials}


def test_steps_to_choose_by_may_be_given_and_the_parts_then_learn_from_the_links_alone():
    split = LINKS.split("last")
    found = tune(split.train, valid=split.valid, minutes=0.01, encoders=WORDS)
    people, targets = split.test_histories().take(split.test.left_rows), split.test.right_rows
    hits = found.blend(people)
    assert next_item.recall(hits, targets).mean() > 0.5
    fitted = next(part for part in found.blend.parts_ if isinstance(part, DirectedKnn))
    again = DirectedKnn(decay=fitted.decay, backward=fitted.backward, smooth=fitted.smooth).fit(split.train)
    np.testing.assert_array_equal(fitted(people).rows, again(people).rows)


def test_more_time_means_more_trials_and_a_search_cut_short_goes_on(tmp_path):
    stopped = []

    def stop_after_two(message):
        if "nDCG" in message:
            stopped.append(message)
        if len(stopped) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(LINKS, minutes=0.2, folder=tmp_path, say=stop_after_two)
    begun = time.monotonic()
    found = tune(LINKS, minutes=0.2, folder=tmp_path)
    assert time.monotonic() - begun < 60
    assert sum(trial.kind == "neighbours" for trial in found.trials) <= 12 - 2 + 1  # two were made before
    assert len(found.trials) > 4


def test_nothing_to_choose_by_is_refused():
    with pytest.raises(BadInput, match="three links"):
        tune(LINKS.take(np.arange(len(LINKS)) % 6 == 0), minutes=1)
    with pytest.raises(BadInput, match="positive"):
        tune(LINKS, minutes=0)
