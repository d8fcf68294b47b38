from dataclasses import replace

import pytest
import torch

from molinterp.model.network import MoleculeVAE, VAEConfig
from molinterp.training.vae.loss import Batch, blurred, losses
from molinterp.training.vae.settings import LossSettings

SIZES = VAEConfig(20, 16, 3, latent_dim=5, embedding_dim=8, encoder_dim=12, decoder_dim=14, head_dim=10)
PLAIN = LossSettings(kl_weight=1.0, bit_weight=1.0, property_weight=1.0, between_weight=1.0)


@pytest.fixture
def model() -> MoleculeVAE:
    torch.manual_seed(0)
    return MoleculeVAE(SIZES).eval()


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(1)
    return Batch(torch.randint(3, 20, (6, 4)), torch.ones(6, 16), torch.randn(6, 3))


def test_gradients_reach_every_parameter(model, batch):
    losses(model, batch, PLAIN).total(PLAIN).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_blurred_points_lie_between_compounds_as_far_as_their_blur_says():
    z, others = torch.zeros(20_000, 1), torch.ones(3, 1)
    points, blur = blurred(z, others, torch.Generator().manual_seed(0))
    torch.testing.assert_close(points[:, 0], blur / 2)
    # Density 2b on [0, 1]: mean 2/3, standard error 0.0017.
    assert abs(float(blur.mean()) - 2 / 3) < 5 * 0.0017
    assert 0 <= float(blur.min()) and float(blur.max()) <= 1


def at_share(model, batch, share):
    return losses(model, batch, replace(PLAIN, low_noise_share=share), torch.Generator().manual_seed(0))


def test_molecules_with_low_noise_are_decoded_nearer_to_their_mean(model, batch):
    mean, _ = model.encode(batch.tokens)
    full, low = (at_share(model, batch, share).z - mean for share in (0.0, 1.0))
    torch.testing.assert_close(low, PLAIN.low_noise * full)
    some = ((at_share(model, batch, 0.5).z - mean) / full).detach()
    assert {round(float(row.mean()), 4) for row in some} == {PLAIN.low_noise, 1.0}


def test_the_deviation_learns_from_molecules_with_full_noise_alone(model, batch):
    """Were it to learn from the others it would grow, as their noise costs a quarter."""
    gradients = []
    for share in (0.0, 1.0):
        model.zero_grad()
        at_share(model, batch, share).total(PLAIN).backward()
        mean, log_variance = model.posterior[-1].bias.grad.chunk(2)
        assert (mean != 0).all()
        gradients.append(log_variance)
    assert (gradients[0] != 0).all() and (gradients[1] == 0).all()


def test_the_kl_divergence_is_that_of_the_posterior_whatever_the_noise(model, batch):
    assert torch.equal(at_share(model, batch, 0.0).kl, at_share(model, batch, 1.0).kl)


def test_parts_of_a_batch_are_the_batch(batch):
    parts = batch.split(4)
    assert [len(part.tokens) for part in parts] == [4, 2]
    for name in ("tokens", "bits", "properties"):
        whole = torch.cat([getattr(part, name) for part in parts])
        assert torch.equal(whole, getattr(batch, name))
    assert all(part.feature_targets is None for part in parts)
    targets = torch.randn(6, 2)
    with_targets = Batch(batch.tokens, batch.bits, batch.properties, targets).split(4)
    assert torch.equal(torch.cat([part.feature_targets for part in with_targets]), targets)


@pytest.mark.parametrize(("wanted", "first"), [(0.1, 0.05), (0.03, 0.03)])
def test_the_kl_term_rises_and_begins_no_heavier_than_it_ends(wanted, first):
    settings = LossSettings(kl_weight=wanted, kl_start=0.05, kl_ramp=0.5)
    rising = [settings.at(k / 10).kl_weight for k in range(10)]
    expected = [first + (wanted - first) * k / 5 for k in range(5)]
    assert rising == pytest.approx([*expected, *[wanted] * 5])


def test_noise_is_lowered_once_the_kl_term_is_fully_on():
    settings = LossSettings(low_noise_share=0.75, kl_ramp=0.6)
    assert [settings.at(k / 10).low_noise_share for k in range(10)] == [0.0] * 6 + [0.75] * 4
