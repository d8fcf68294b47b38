from dataclasses import replace
from functools import partial

import pytest
import torch
from rdkit import Chem

from molinterp.errors import InputError
from molinterp.model.bundle import Bundle
from molinterp.paths import objective as restraints
from molinterp.paths.objective import WEIGHTS, restrain
from molinterp.realism.fitting import fit_latent_feature
from molinterp.realism.settings import NetworkFit

ENDS = (Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O"), Chem.MolFromSmiles("CC(C)Cc1ccc(C(C)C(=O)O)cc1"))


@pytest.fixture(scope="module")
def bundle():
    return Bundle.load()


def test_weights_that_are_not_named_keep_their_defaults(bundle):
    found = restrain(bundle, *ENDS, keep=["bbb", "logp<5"], weights={"density": 0.7, "bbb": 2.5})
    weights = dict(zip(found.realism.names, found.realism.weights, strict=True))
    assert weights == {
        "density": 0.7,
        "validity": WEIGHTS["validity"],
        "keep bbb": 2.5,
        "keep logp<5": WEIGHTS["feature"],
    }


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"densty": 1.0}, "`weights` must name some of density, validity, feature, bbb; got 'densty'"),
        ({"bbb": -1.0}, "`weights` must be at least 0 and finite; got -1.0 for"),
        ({"bbb": "2"}, "at least 0 and finite; got '2' for bbb"),
        ({"validity": float("inf")}, "at least 0 and finite; got inf for validity"),
    ],
)
def test_weights_that_make_no_sense_are_named(bundle, weights, message):
    with pytest.raises(InputError, match=message):
        restrain(bundle, *ENDS, keep=["bbb"], weights=weights)


def test_one_text_is_no_list_of_features(bundle):
    with pytest.raises(InputError, match=r"`keep` must be a list of features; got 'bbb'\. Write \['bbb'\]"):
        restrain(bundle, *ENDS, keep="bbb")


@pytest.mark.parametrize("feature", ["smarts:c1ccccc1", "lipinski"])
def test_what_is_taught_for_one_path_follows_the_bundle_to_its_device(monkeypatch, feature):
    monkeypatch.setattr(
        restraints, "fit_latent_feature", partial(fit_latent_feature, settings=NetworkFit(n_steps=2))
    )
    bundle = Bundle.load("default", "meta")
    untaught = replace(bundle, realism=replace(bundle.realism, features={}))
    term = restrain(untaught, *ENDS, avoid=[feature], density=False, validity=False).realism.terms[0]
    assert term(torch.zeros(3, bundle.latent_dim, device="meta")).device.type == "meta"


def test_a_batch_teaches_a_feature_once(monkeypatch, bundle):
    taught = []

    def fit(z, p):
        taught.append(p.sum().item())
        return fit_latent_feature(z, p, NetworkFit(n_steps=2))

    monkeypatch.setattr(restraints, "fit_latent_feature", fit)
    z = torch.randn(3, bundle.latent_dim, generator=torch.Generator().manual_seed(0))
    other = (ENDS[0], Chem.MolFromSmiles("c1ccc2ncccc2c1"))
    naphthalenes = tuple(Chem.MolFromSmiles(s) for s in ("c1ccc2ccccc2c1", "Cc1ccc2ccccc2c1"))
    plain = {"density": False, "validity": False}
    first, again = (
        restrain(bundle, *ends, keep=["smarts:[F]"], **plain).realism(z) for ends in (ENDS, other)
    )
    assert torch.equal(first, again) and len(taught) == 1
    # The word is the same, the scaffold is not.
    for ends in (ENDS, naphthalenes, ENDS):
        restrain(bundle, *ends, keep=["scaffold"], **plain)
    assert len(taught) == 3 and taught[1] > taught[2]
