from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from rdkit import Chem

from molinterp.errors import InputError
from molinterp.model.bundle import Bundle
from molinterp.model.likelihood import token_cross_entropy
from molinterp.model.tokens import pad
from molinterp.realism.fitting import silent
from molinterp.realism.settings import Descent
from molinterp.training.vae import self_training as module
from molinterp.training.vae.self_training import FROZEN, Ends, _harvest, _verdict, self_train
from molinterp.training.vae.settings import SelfTraining
from tests.conftest import SMALL

SETTINGS = SelfTraining(
    n_compounds=160, n_rounds=2, n_points=32, n_steps=5, noise=0.0, compound_noise=0.0, bf16=False
)
ASPIRIN, IBUPROFEN = "CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(C(C)C(=O)O)cc1"


def test_points_lie_between_their_ends(small_bundle, small_corpus):
    points, around = Ends(small_bundle, small_corpus, SETTINGS).between(np.random.default_rng(1), 40)
    assert {Chem.CanonSmiles(end) for pair in around for end in pair} <= set(SMALL)
    a, b = (small_bundle.encode([pair[side] for pair in around]) for side in (0, 1))
    direct = (a - b).norm(dim=1)
    to_a, to_b = (points.z - a).norm(dim=1), (points.z - b).norm(dim=1)
    torch.testing.assert_close(to_a + to_b, direct, rtol=1e-4, atol=1e-4)
    # The nearer end is blur / 2 of the way off: none at a compound, half at the middle.
    torch.testing.assert_close(torch.minimum(to_a, to_b), points.blur / 2 * direct, rtol=1e-4, atol=1e-4)
    assert (points.deviation > 0).all()


def test_points_of_the_prior_lie_between_no_compounds(small_bundle, small_corpus):
    points, around = Ends(small_bundle, small_corpus, SETTINGS).of_the_prior(np.random.default_rng(1), 4_000)
    assert around == [()] * 4_000 and (points.blur == 1).all()
    assert float(points.z.mean()) == pytest.approx(0, abs=0.05)
    assert float(points.z.std()) == pytest.approx(1, abs=0.05)


def test_the_encoder_stays_and_the_decoder_moves(saved_bundle, small_corpus):
    bundle = Bundle.load(saved_bundle)
    before = {k: v.clone() for k, v in bundle.model.state_dict().items()}
    trained = self_train(bundle, small_corpus, SETTINGS)
    after = trained.model.state_dict()
    for name, value in before.items():
        if name.startswith((*FROZEN, "property_mean", "property_scale")):
            assert torch.equal(value, after[name]), name
    assert not torch.equal(before["output.weight"], after["output.weight"])
    assert all(0 <= r["first_passed"] <= r["passed"] <= 1 for r in trained.training["self_training"])
    assert len(trained.training["self_training"]) == 2 and trained.figures == {}
    assert all(p.requires_grad for p in trained.model.parameters())
    again = self_train(trained, small_corpus, replace(SETTINGS, n_rounds=1))
    assert (
        again.training["self_training"][:2] == trained.training["self_training"]
        and len(again.training["self_training"]) == 3
    )


def test_what_passes_becomes_more_probable_at_its_point(saved_bundle, small_corpus):
    bundle = Bundle.load(saved_bundle)
    settings = replace(SETTINGS, n_rounds=1, n_steps=40, n_points=64, descent=Descent(3e-3))
    ends = Ends(bundle, small_corpus, settings)
    with ThreadPoolExecutor(1) as executor:
        points, targets, _ = _harvest(bundle, ends, settings, 0, executor, silent)
    tokens = torch.from_numpy(pad(targets))

    @torch.no_grad()
    def entropy():
        return float(token_cross_entropy(bundle.model, points.z, tokens, points.blur).mean())

    before = entropy()
    self_train(bundle, small_corpus, settings)  # draws the same points, and changes the weights in place
    assert entropy() < 0.8 * before


@pytest.mark.parametrize("moved", ["compounds", "points"])
def test_compounds_and_points_have_a_noise_each(small_bundle, small_corpus, monkeypatch, moved):
    seen = []

    def recorded(model, z, *others):
        seen.append(z)
        return torch.zeros(len(z))

    monkeypatch.setattr(module, "token_cross_entropy", recorded)
    points, around = Ends(small_bundle, small_corpus, SETTINGS).between(np.random.default_rng(1), 8)
    targets = small_bundle.tokenizer.encode([ends[0] for ends in around])
    noises = {"compounds": {"compound_noise": 1.0}, "points": {"noise": 1.0}}
    for settings in (SETTINGS, replace(SETTINGS, **noises[moved])):
        module._Trainer(small_bundle, small_corpus, settings)._loss(points, targets)
    still, noisy = (z.split([len(z) - SETTINGS.n_between, SETTINGS.n_between]) for z in seen)
    same = [torch.equal(a, b) for a, b in zip(still, noisy, strict=True)]
    assert same == [moved == "points", moved == "compounds"]


@pytest.mark.weights
def test_the_target_is_the_first_of_those_wanted_that_passes_between_the_ends():
    nitro, anilide = "O=[N+]([O-])c1ccccc1", "CC(=O)Nc1ccccc1"
    # An alert that neither end raises, then nothing against it.
    assert _verdict((nitro, [nitro, anilide], (ASPIRIN, IBUPROFEN))) == (False, 1)
    assert _verdict((anilide, [nitro, anilide], (ASPIRIN, IBUPROFEN))) == (True, 1)
    assert _verdict((nitro, [nitro, anilide], ("O=[N+]([O-])c1ccccc1C", IBUPROFEN))) == (True, 0)
    assert _verdict(("", [nitro, anilide], ())) == (False, 1)
    assert _verdict((nitro, [nitro], ())) == (False, None)


def test_a_model_of_which_nothing_passes_is_turned_down(saved_bundle, small_corpus, monkeypatch):
    monkeypatch.setattr(module, "_verdict", _never)
    with pytest.raises(InputError, match="train the bundle for longer"):
        self_train(Bundle.load(saved_bundle), small_corpus, SETTINGS)


def _never(job):
    return False, None
