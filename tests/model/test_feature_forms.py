from dataclasses import replace
from functools import partial

import pytest
import torch
from rdkit import Chem

from molinterp.chem.constraints import Mode, parse_constraints
from molinterp.model import feature_forms
from molinterp.model.bundle import Bundle
from molinterp.model.feature_forms import latent_term
from molinterp.realism.fitting import fit_latent_feature
from molinterp.realism.settings import NetworkFit
from molinterp.realism.terms import EPSILON

pytestmark = pytest.mark.weights

ENDS = (Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O"), Chem.MolFromSmiles("CC(C)Cc1ccc(C(C)C(=O)O)cc1"))


@pytest.fixture(scope="module")
def bundle():
    return Bundle.load()


def _term(bundle, mode, feature, ends=ENDS):
    (constraint,) = parse_constraints({mode: [feature]}, bundle.classifiers, ends)
    term = latent_term(bundle, constraint, EPSILON)
    assert term.name == constraint.name
    return term


@pytest.mark.parametrize("feature", ["smarts:c1ccccc1", "lipinski"])
def test_what_is_taught_for_one_path_follows_the_bundle_to_its_device(monkeypatch, feature):
    quick = partial(fit_latent_feature, settings=NetworkFit(n_steps=2))
    monkeypatch.setattr(feature_forms, "fit_latent_feature", quick)
    bundle = Bundle.load("default", "meta")
    untaught = replace(bundle, realism=replace(bundle.realism, features={}))
    term = _term(untaught, Mode.AVOID, feature)
    assert term(torch.zeros(3, bundle.latent_dim, device="meta")).device.type == "meta"


def test_a_batch_teaches_a_feature_once(monkeypatch, bundle):
    taught = []

    def fit(z, p):
        taught.append(p.sum().item())
        return fit_latent_feature(z, p, NetworkFit(n_steps=2))

    monkeypatch.setattr(feature_forms, "fit_latent_feature", fit)
    z = torch.randn(3, bundle.latent_dim, generator=torch.Generator().manual_seed(0))
    other = (ENDS[0], Chem.MolFromSmiles("c1ccc2ncccc2c1"))
    naphthalenes = tuple(Chem.MolFromSmiles(s) for s in ("c1ccc2ccccc2c1", "Cc1ccc2ccccc2c1"))
    first, again = (_term(bundle, Mode.KEEP, "smarts:[F]", ends)(z) for ends in (ENDS, other))
    assert torch.equal(first, again) and len(taught) == 1
    # The word is the same, the scaffold is not.
    for ends in (ENDS, naphthalenes, ENDS):
        _term(bundle, Mode.KEEP, "scaffold", ends)
    assert len(taught) == 3 and taught[1] > taught[2]
