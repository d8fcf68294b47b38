import copy
from dataclasses import replace

import pytest
import torch

from molinterp.model.bundle import Bundle
from molinterp.model.likelihood import token_cross_entropy
from molinterp.model.tokens import pad
from molinterp.training.vae.encoder_tuning import TAUGHT, EncoderConfig, encoder_loss, fit_encoder
from tests.conftest import SMALL

CONFIG = EncoderConfig(n_steps=4, batch_size=32, n_warm=1, bf16=False)


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
    shares = []
    taught = fit_encoder(bundle, small_corpus, CONFIG, shares.append)
    moved = {k for k, v in taught.model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {k for k in before if k.startswith(TAUGHT)}
    assert shares == [0, 0.25, 0.5, 0.75]
    assert taught.figures == {} and taught.training["encoder_lessons"][-1]["n_steps"] == 4
    assert all(p.requires_grad for p in taught.model.parameters()) and not taught.model.training


def test_an_encoder_finds_back_to_its_decoder(saved_bundle, small_corpus):
    bundle = Bundle.load(saved_bundle)
    with torch.no_grad():
        bundle.model.posterior[-1].bias[: bundle.latent_dim] += 1.0
    astray = entropy(bundle)
    fit_encoder(bundle, small_corpus, replace(CONFIG, n_steps=30, learning_rate=3e-3, keep=0.0))
    assert entropy(bundle) < 0.5 * astray


def test_a_second_lesson_is_of_other_compounds(saved_bundle, small_corpus):
    first, again = Bundle.load(saved_bundle), Bundle.load(saved_bundle)
    config = replace(CONFIG, noise=0.0)
    fit_encoder(first, small_corpus, config)
    again = replace(again, training={**again.training, "encoder_lessons": [{"n_steps": 4}]})
    again = fit_encoder(again, small_corpus, config)
    tokens = tokens_of(first)
    assert not torch.equal(means(first, tokens), means(again, tokens))
    assert [lesson["n_steps"] for lesson in again.training["encoder_lessons"]] == [4, 4]


def test_what_is_kept_stays_in_place(saved_bundle, small_corpus):
    moved = []
    for keep in (0.0, 100.0):
        bundle = Bundle.load(saved_bundle)
        tokens = tokens_of(bundle)
        before = means(bundle, tokens)
        fit_encoder(bundle, small_corpus, replace(CONFIG, n_steps=12, keep=keep))
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
        found = encoder_loss(model, small_bundle.model, tokens, noise, EncoderConfig(noise=0.5, keep=2.0))
        at = mean + way + 0.5 * (0.5 * log_variance).exp() * noise
        nats = token_cross_entropy(model, at, tokens)
    far = (way**2 * (-log_variance).exp()).sum(1) + n * widening**2
    torch.testing.assert_close(found, nats + 2.0 * far, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("n_parts", [2, 3])
def test_parts_of_a_batch_teach_what_the_whole_teaches(saved_bundle, small_corpus, n_parts):
    whole, parted = (
        fit_encoder(
            Bundle.load(saved_bundle), small_corpus, replace(CONFIG, n_parts=n, n_steps=2)
        ).model.posterior[0]
        for n in (1, n_parts)
    )
    torch.testing.assert_close(whole.weight, parted.weight, rtol=1e-3, atol=1e-4)
