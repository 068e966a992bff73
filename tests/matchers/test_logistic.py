"""Logistic regression against scikit-learn."""

import numpy as np
import pytest

from nearkin.matchers.logistic import fit_logistic


@pytest.mark.parametrize("penalty", [0.1, 1.0, 10.0])
def test_scores_equal_those_of_scikit_learn(penalty):
    linear_model = pytest.importorskip("sklearn.linear_model")
    random = np.random.default_rng(0)
    values = random.normal(size=(400, 5)) * [1, 10, 0.1, 1, 1]
    values[:, 4] = 3.0  # a constant feature has no weight
    positive = values[:, 0] + 0.1 * values[:, 1] + random.normal(size=400) > 0.5
    trust = random.uniform(0.5, 3, 400)
    found = fit_logistic(values, positive, trust, penalty=penalty)
    scaled = (values - found.mean) / found.scale
    theirs = linear_model.LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=1000).fit(scaled, positive, sample_weight=trust)
    assert np.allclose(found.scores(values), theirs.decision_function(scaled), atol=1e-3)
    assert np.allclose(found.parts(values).sum(1) + found.bias, found.scores(values))


def test_separable_classes_stay_finite():
    values = np.r_[np.zeros((5, 1)), np.ones((5, 1))]
    found = fit_logistic(values, values[:, 0] > 0.5, np.ones(10))
    assert np.isfinite(found.scores(values)).all()
    assert (np.sign(found.scores(values)) == np.sign(values[:, 0] - 0.5)).all()
