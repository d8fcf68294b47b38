import pickle
from copy import deepcopy
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks as checks

from molinterp.errors import InputError, InvalidMoleculeError, ShapeError, VocabularyError
from molinterp.model.bundle import Bundle
from molinterp.sklearn import LatentEncoder
from tests.tolerances import FLOAT32

SMILES = ["CCO", "OCC", "CC(=O)O", "c1ccccc1", "CCCCN", "[Na+].CC(=O)[O-]"]


@pytest.fixture
def encoder(saved_bundle):
    return LatentEncoder(saved_bundle).fit(SMILES)


def test_features_are_the_posterior_means_of_standard_forms(encoder, saved_bundle):
    z, bundle = encoder.transform(SMILES), Bundle.load(saved_bundle)
    assert z.shape == (6, bundle.latent_dim) and z.dtype == np.float32
    expected = bundle.encode(["CCO", "CCO", "CC(=O)O", "c1ccccc1", "CCCCN", "CC(=O)O"]).numpy()
    np.testing.assert_allclose(z, expected, rtol=FLOAT32, atol=FLOAT32)
    np.testing.assert_array_equal(z[0], z[1])
    np.testing.assert_array_equal(z[2], z[5])


def test_compounds_come_back_from_their_points(encoder):
    found = encoder.inverse_transform(encoder.transform(SMILES))
    assert found.dtype == object
    assert found.tolist() == ["CCO", "CCO", "CC(=O)O", "c1ccccc1", "CCCCN", "CC(=O)O"]
    small = clone(encoder).set_params(batch_size=2).fit(SMILES)
    assert small.inverse_transform(encoder.transform(SMILES)).tolist() == found.tolist()


def test_a_point_that_is_none_has_no_compound(encoder):
    points = encoder.transform(SMILES[:3])
    points[1, 2] = np.nan
    assert encoder.inverse_transform(points).tolist() == ["CCO", None, "CC(=O)O"]
    assert encoder.inverse_transform(points[:0]).tolist() == []


def test_points_of_another_width_are_turned_down(encoder):
    for points in (np.zeros((2, encoder.latent_dim_ + 1)), np.zeros(encoder.latent_dim_)):
        with pytest.raises(ShapeError, match=rf"`X` must have shape \(n, {encoder.latent_dim_}\)"):
            encoder.inverse_transform(points)


def test_a_bundle_written_anew_is_read_anew(encoder, small_bundle, saved_bundle):
    before = encoder.transform(SMILES)
    model = deepcopy(small_bundle.model)
    with torch.no_grad():
        model.posterior[-1].bias[: small_bundle.latent_dim] += 1.0
    replace(small_bundle, model=model).save(saved_bundle)
    np.testing.assert_allclose(encoder.transform(SMILES), before + 1.0, atol=2e-2)


def test_batches_equal_the_whole(encoder):
    small = clone(encoder).set_params(batch_size=2).fit(SMILES)
    np.testing.assert_allclose(small.transform(SMILES), encoder.transform(SMILES), atol=FLOAT32)


@pytest.mark.parametrize(
    "make",
    [
        np.array,
        lambda s: np.array(s, object)[:, None],
        pd.Series,
        lambda s: pd.DataFrame({"smiles": s}),
        tuple,
    ],
)
def test_columns_of_all_kinds_go_in(encoder, make):
    np.testing.assert_array_equal(encoder.transform(make(SMILES)), encoder.transform(SMILES))


def test_what_is_no_molecule(encoder):
    bad = ["CCO", "c1ccc", None, "C[As](C)C"]
    with pytest.raises(InvalidMoleculeError, match="unclosed ring 1.*row 1"):
        encoder.transform(bad)
    with pytest.raises(VocabularyError, match="As"):
        encoder.transform(bad[3:])
    z = clone(encoder).set_params(invalid="nan").fit(bad).transform(bad)
    assert np.isnan(z).all(axis=1).tolist() == [False, True, True, True]
    np.testing.assert_allclose(z[0], encoder.transform(["CCO"])[0], atol=FLOAT32)


def test_a_missing_text_of_pandas_is_no_molecule(encoder):
    column = pd.Series(["CCO", pd.NA], dtype=pd.StringDtype(na_value=pd.NA))
    z = clone(encoder).set_params(invalid="nan").fit(column).transform(column)
    assert np.isnan(z).all(axis=1).tolist() == [False, True]
    with pytest.raises(InvalidMoleculeError, match="it is empty. Check row 1"):
        encoder.transform(column)


def test_arguments_are_checked(encoder):
    with pytest.raises(NotFittedError):
        clone(encoder).transform(SMILES)
    with pytest.raises(InputError, match="`invalid` must be one of raise, nan"):
        clone(encoder).set_params(invalid="drop").fit(SMILES)
    with pytest.raises(InputError, match="`batch_size` must be at least 1"):
        clone(encoder).set_params(batch_size=0).fit(SMILES)
    with pytest.raises(ShapeError, match=r"must have shape \(n,\) or \(n, 1\); got \(1, 2\)"):
        encoder.transform([["CCO", "CCN"]])
    with pytest.raises(ShapeError, match="got one text"):
        encoder.fit("CCO")
    assert encoder.transform([]).shape == (0, encoder.latent_dim_)


def test_names_and_frames(encoder):
    names = [f"latent{i}" for i in range(encoder.latent_dim_)]
    assert encoder.get_feature_names_out().tolist() == names
    framed = (
        clone(encoder)
        .set_output(transform="pandas")
        .fit(SMILES)
        .transform(pd.Series(SMILES, index=range(3, 9)))
    )
    assert framed.columns.tolist() == names and framed.index.tolist() == list(range(3, 9))


def test_a_pipeline_is_fitted_searched_and_cloned(encoder, saved_bundle):
    y = np.arange(6.0)
    model = make_pipeline(LatentEncoder(saved_bundle), Ridge())
    search = GridSearchCV(model, {"ridge__alpha": [0.1, 1.0]}, cv=2).fit(SMILES, y)
    assert search.predict(SMILES).shape == (6,)
    table = pd.DataFrame({"smiles": SMILES, "dose": y})
    mixed = ColumnTransformer([("z", LatentEncoder(saved_bundle), "smiles"), ("d", "passthrough", ["dose"])])
    assert mixed.fit_transform(table).shape == (6, encoder.latent_dim_ + 1)
    assert mixed.get_feature_names_out()[-1] == "d__dose"


def test_it_travels_without_its_weights(encoder):
    data = pickle.dumps(encoder)
    assert len(data) < 2000
    np.testing.assert_array_equal(pickle.loads(data).transform(SMILES), encoder.transform(SMILES))


def test_parts_are_encoded_in_parallel(encoder):
    parts = joblib.Parallel(2, prefer="threads")(
        joblib.delayed(encoder.transform)(SMILES[i::2]) for i in range(2)
    )
    np.testing.assert_allclose(parts[1], encoder.transform(SMILES)[1::2], atol=FLOAT32)


@pytest.mark.parametrize(
    "name",
    [
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
def test_checks_of_scikit_learn_that_bear_texts(name):
    if not hasattr(checks, name):
        pytest.skip(f"this scikit-learn has no {name}")
    getattr(checks, name)("LatentEncoder", LatentEncoder())
