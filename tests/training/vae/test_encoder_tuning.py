import copy
from dataclasses import replace

import pytest
import torch

from molinterp.model.bundle import Bundle
from molinterp.model.likelihood import token_cross_entropy
from molinterp.model.tokens import pad
from molinterp.realism.settings import Descent
from molinterp.training.data.settings import BatchOrder
from molinterp.training.vae.encoder_tuning import TRAINED, encoder_loss, tune_encoder
from molinterp.training.vae.settings import EncoderTuning
from tests.conftest import SMALL

SETTINGS = EncoderTuning(n_steps=4, order=BatchOrder(32, 1.0), descent=Descent(5e-4), bf16=False)


def tokens_of(bundle):
    return torch.from_numpy(pad(bundle.tokenizer.encode(SMALL[:40])))


@torch.no_grad()
def means(bundle, tokens):
    return bundle.model.encode(tokens)[0]


@torch.no_grad()
def entropy(bundle):
    tokens = tokens_of(bundle)
    return float(token_cross_entropy(bundle.model, means(bundle, tokens), tokens).mean())


def test_the_encoder_moves_and_all_else_stays(saved_bundle, small_corpus):
    bundle = Bundle.load(saved_bundle)
    before = {k: v.clone() for k, v in bundle.model.state_dict().items()}
    tuned = tune_encoder(bundle, small_corpus, SETTINGS)
    moved = {k for k, v in tuned.model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {k for k in before if k.startswith(TRAINED)}
    assert tuned.figures == {} and tuned.training["encoder_tuning"][-1]["n_steps"] == 4
    assert all(p.requires_grad for p in tuned.model.parameters()) and not tuned.model.training


def test_an_encoder_finds_back_to_its_decoder(saved_bundle, small_corpus):
    bundle = Bundle.load(saved_bundle)
    with torch.no_grad():
        bundle.model.posterior[-1].bias[: bundle.latent_dim] += 1.0
    astray = entropy(bundle)
    tune_encoder(bundle, small_corpus, replace(SETTINGS, n_steps=30, descent=Descent(3e-3), keep=0.0))
    assert entropy(bundle) < 0.5 * astray


def test_a_second_tuning_sees_other_compounds(saved_bundle, small_corpus):
    first, again = Bundle.load(saved_bundle), Bundle.load(saved_bundle)
    settings = replace(SETTINGS, noise=0.0)
    tune_encoder(first, small_corpus, settings)
    again = replace(again, training={**again.training, "encoder_tuning": [{"n_steps": 4}]})
    again = tune_encoder(again, small_corpus, settings)
    tokens = tokens_of(first)
    assert not torch.equal(means(first, tokens), means(again, tokens))
    assert [one["n_steps"] for one in again.training["encoder_tuning"]] == [4, 4]


def test_what_is_kept_stays_in_place(saved_bundle, small_corpus):
    moved = []
    for keep in (0.0, 100.0):
        bundle = Bundle.load(saved_bundle)
        tokens = tokens_of(bundle)
        before = means(bundle, tokens)
        tune_encoder(bundle, small_corpus, replace(SETTINGS, n_steps=12, keep=keep))
        moved.append(float((means(bundle, tokens) - before).square().mean()))
    assert moved[1] < 0.2 * moved[0]


def test_the_loss_is_the_nats_at_the_mean_and_the_squared_way_from_where_it_was(small_bundle):
    model, tokens = copy.deepcopy(small_bundle.model), tokens_of(small_bundle)
    n, way, widening = small_bundle.latent_dim, 0.3, 0.2
    with torch.no_grad():
        mean, log_variance = model.encode(tokens)
        model.posterior[-1].bias[:n] += way
        model.posterior[-1].bias[n:] += widening
        noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(0))
        found = encoder_loss(model, small_bundle.model, tokens, noise, EncoderTuning(noise=0.5, keep=2.0))
        at = mean + way + 0.5 * (0.5 * log_variance).exp() * noise
        nats = token_cross_entropy(model, at, tokens)
    far = (way**2 * (-log_variance).exp()).sum(1) + n * widening**2
    torch.testing.assert_close(found, nats + 2.0 * far, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("n_parts", [2, 3])
def test_parts_of_a_batch_give_what_the_whole_gives(saved_bundle, small_corpus, n_parts):
    whole, parted = (
        tune_encoder(
            Bundle.load(saved_bundle), small_corpus, replace(SETTINGS, n_steps=2), threads=n
        ).model.posterior[0]
        for n in (1, n_parts)
    )
    torch.testing.assert_close(whole.weight, parted.weight, rtol=1e-3, atol=1e-4)
