import json

import numpy as np
import pytest
from rdkit import Chem

from molinterp.training.classifiers import (
    fit_classifier,
)
from molinterp.training.settings import ClassifierFit
from tests.conftest import SMALL

ALCOHOL = Chem.MolFromSmarts("[OX2H]")
CHAINS = [f"{'C' * n}{tail}" for n in range(2, 14) for tail in ("O", "N", "CO", "CN", "(C)O", "OC")]
MOLECULES = sorted({Chem.CanonSmiles(s) for s in [*SMALL, *CHAINS]})
LABELS = np.array([int(Chem.MolFromSmiles(s).HasSubstructMatch(ALCOHOL)) for s in MOLECULES])


RINGS = [f"{'C' * n}{tail}c1ccccc1" for n in range(10) for tail in ("", "O", "N", "CO", "OC")]


@pytest.mark.parametrize("acyclic", [False, True])
def test_a_series_of_one_scaffold_has_no_figure_of_a_scaffold_split(acyclic):
    """All molecules share a scaffold, or all of one class do: no split has both classes on both sides."""
    others = [f"{'C' * n}Br" for n in range(1, 26)] if acyclic else []
    labels = np.array([1 if acyclic else i % 2 for i in range(len(RINGS))] + [0] * len(others))
    found = fit_classifier("mine", [Chem.CanonSmiles(s) for s in RINGS + others], labels)
    assert found.facts["auc_scaffold"] is None and found.facts["auc_scaffold_spread"] is None
    assert 0 <= found.facts["auc_random"] <= 1
    json.dumps(dict(found.facts), allow_nan=False)


@pytest.fixture(scope="module")
def classifier():
    return fit_classifier("alcohol", MOLECULES, LABELS, facts={"labels": ["made up"]})


def test_a_simple_feature_is_learnt(classifier):
    assert classifier.facts["auc_random"] > 0.95
    assert classifier.facts["n"] == len(MOLECULES) and classifier.facts["n_positive"] == LABELS.sum()
    assert classifier.facts["labels"] == ["made up"]
    p = classifier.probability([Chem.MolFromSmiles(s) for s in ("CCCCC(C)CO", "CCCCC(C)CN")])
    assert p[0] > 0.8 and p[1] < 0.5


def test_the_flat_trees_say_what_scikit_learn_says(classifier):
    """The linear model's half taken off, the trees are those of the boosted model."""
    from sklearn.ensemble import GradientBoostingClassifier

    from molinterp.chem.classifier import classifier_inputs

    inputs = classifier_inputs([Chem.MolFromSmiles(s) for s in MOLECULES])
    fit = ClassifierFit()
    boosted = GradientBoostingClassifier(
        n_estimators=fit.n_trees,
        max_depth=fit.max_depth,
        learning_rate=fit.learning_rate,
        subsample=fit.subsample,
        max_features=fit.max_features,
        random_state=fit.seed,
    ).fit(inputs, LABELS)
    flat = classifier.trees(inputs) + classifier.intercepts[1]
    np.testing.assert_allclose(flat, boosted.decision_function(inputs), rtol=1e-4, atol=1e-4)


def test_fits_repeat(classifier):
    again = fit_classifier("alcohol", MOLECULES, LABELS)
    for name, values in classifier.to_arrays().items():
        assert np.array_equal(values, again.to_arrays()[name]), name
