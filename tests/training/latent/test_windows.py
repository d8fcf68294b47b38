import pytest
import torch

from molinterp.errors import InputError
from molinterp.model.output_spaces import property_at
from molinterp.realism.reference_points import Reference
from molinterp.training.latent.windows import fit_windows
from tests.conftest import SMALL


@pytest.fixture(scope="module")
def fitted(small_bundle):
    return fit_windows(small_bundle, Reference(small_bundle.encode(SMALL), tuple(SMALL)))


def test_the_mean_is_the_heads_and_points_may_have_any_shape(fitted):
    z = torch.randn(2, 3, fitted.latent_dim)
    for j, name in enumerate(fitted.property_names):
        mean, deviation = property_at(fitted, name)(z)
        torch.testing.assert_close(mean, fitted.model.properties(z)[..., j])
        assert mean.shape == deviation.shape == (2, 3) and (deviation > 0).all()
    flat = property_at(fitted, "logp")(z.reshape(6, -1))[1]
    torch.testing.assert_close(property_at(fitted, "logp")(z)[1].flatten(), flat)


def test_the_deviation_grows_off_the_data(fitted):
    z = fitted.encode(SMALL[::2])
    for name in ("mw", "logp"):
        predict = property_at(fitted, name)
        near, far = predict(z)[1], predict(20 * z)[1]
        # A point that is a cluster of its own has the deviation of points far away.
        assert (far >= near).all() and near.median() < 0.5 * far.min()


def test_figures_are_those_of_the_head_on_the_other_compounds(fitted):
    facts = fitted.realism.facts["properties"]
    assert set(facts) == set(fitted.property_names)
    assert all(0 <= row["within_one_deviation"] <= 1 for row in facts.values())
    assert facts["heavy_atoms"]["r2"] > 0.8


def test_a_bundle_without_windows_says_so(small_bundle, fitted):
    with pytest.raises(InputError, match="has no windows of 'mw'; see `molinterp fit windows`"):
        property_at(small_bundle, "mw")
    with pytest.raises(InputError, match="has no windows of 'colour'"):
        property_at(fitted, "colour")


def test_windows_need_compounds_to_learn_and_to_measure_on(small_bundle):
    few = Reference(small_bundle.encode(SMALL[:3]), tuple(SMALL[:3]))
    with pytest.raises(InputError, match="windows need 4 held-out compounds or more; got 3"):
        fit_windows(small_bundle, few)
