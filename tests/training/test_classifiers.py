import json

import numpy as np
import pytest
from rdkit import Chem

from molinterp.errors import InputError
from molinterp.training.classifiers import (
    check_labels,
    fit_classifier,
    read_labels,
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


def write(tmp_path, text, name="labels.csv"):
    file = tmp_path / name
    file.write_text(text)
    return file


def rows(labels=(0, 1), n=20):
    return "".join(f"{'C' * (i + 1)}{'NO'[k]},{label}\n" for k, label in enumerate(labels) for i in range(n))


def test_labels_are_read_standardised_and_cleared(tmp_path):
    odd = "CCCl.Cl,1\nCCCl,0\nnonsense,1\n,1\n"
    smiles, y, n_left_out = read_labels([write(tmp_path, "smiles,y\n" + rows() + odd)])
    assert len(smiles) == 40 and y.tolist() == [0] * 20 + [1] * 20
    # Chloroethane with both labels, and one that is no molecule.
    assert n_left_out == 2


@pytest.mark.parametrize(
    ("header", "name"), [("SMILES,Active", "a.csv"), ("mol,Class", "a.csv"), ("Canonical_SMILES\ty", "a.tsv")]
)
def test_headers_as_other_programs_write_them(tmp_path, header, name):
    text = rows() if name.endswith("csv") else rows().replace(",", "\t")
    smiles, y, n_left_out = read_labels([write(tmp_path, f"{header}\n{text}", name)])
    assert (len(smiles), y.sum(), n_left_out) == (40, 20, 0)


def test_numbers_become_labels(tmp_path):
    files = [write(tmp_path, "smiles,x\n" + rows((v,)), f"{v}.csv") for v in (-5.5,)]
    files.append(write(tmp_path, "name,smiles,x\n" + "".join(f"a,{'C' * i}S,-4\n" for i in range(1, 21))))
    smiles, y, _ = read_labels(files, "x", -4.0)
    assert (len(smiles), y.sum()) == (40, 20)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("inchi,y\nx,1\n", {}, "found inchi, y. InChI and InChIKey are not read"),
        ("text,y\nCC,1\n", {}, "must have a column 'smiles'; found text, y"),
        ("smiles,y\nCC,0.7\n", {}, "must have a column of 0 and 1 beside 'smiles'; found y"),
        ("smiles,y\nCC,yes\n", {}, "Write labels as 0 and 1, or give --column and --at-least for numbers"),
        ("smiles\nCC\n", {}, "beside 'smiles'; found none"),
        ("smiles,y\nCC,1\n", {"column": "z"}, "must have a column 'z' beside 'smiles'; found y"),
        ("smiles,y,x\nCC,1,7.5\n", {"at_least": 5.0}, "one of y, x. Give --column"),
        ("smiles,y\nCC,3\n", {"column": "y"}, "must hold 0 and 1. Give --at-least"),
        ("smiles,y\nCC,high\n", {"column": "y", "at_least": 1.0}, "must hold numbers"),
        ("smiles,y\n" + rows((1, 1)), {}, "at least 20 molecules of each class; got 0 with label 0"),
        ("", {}, "cannot be read as a table"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path, text, options, message):
    with pytest.raises(InputError, match=message):
        read_labels([write(tmp_path, text)], **options, n_each=20)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="none.csv' cannot be read"):
        read_labels([tmp_path / "none.csv"])


def test_too_few_labels_are_turned_down():
    with pytest.raises(InputError, match="got 19 with label 1"):
        check_labels(np.array([0] * 30 + [1] * 19), "it", 20)
