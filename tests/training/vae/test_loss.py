import pytest
import torch

from molinterp.model.network import MoleculeVAE, VAEConfig
from molinterp.training.vae.loss import QUIET, Batch, blurred, losses

SIZES = VAEConfig(20, 16, 3, latent_dim=5, embedding_dim=8, encoder_dim=12, decoder_dim=14, head_dim=10)


@pytest.fixture
def model() -> MoleculeVAE:
    torch.manual_seed(0)
    return MoleculeVAE(SIZES).eval()


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(1)
    return Batch(torch.randint(3, 20, (6, 4)), torch.ones(6, 16), torch.randn(6, 3))


def test_gradients_reach_every_parameter(model, batch):
    losses(model, batch).total(1.0, 1.0, 1.0, 1.0).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_blurred_points_lie_between_compounds_as_far_as_their_blur_says():
    z, others = torch.zeros(20_000, 1), torch.ones(3, 1)
    points, blur = blurred(z, others, torch.Generator().manual_seed(0))
    torch.testing.assert_close(points[:, 0], blur / 2)
    # Density 2b on [0, 1]: mean 2/3, standard error 0.0017.
    assert abs(float(blur.mean()) - 2 / 3) < 5 * 0.0017
    assert 0 <= float(blur.min()) and float(blur.max()) <= 1


def at_share(model, batch, quiet_share):
    return losses(model, batch, torch.Generator().manual_seed(0), quiet_share=quiet_share)


def test_quiet_molecules_are_decoded_nearer_to_their_mean(model, batch):
    mean, _ = model.encode(batch.tokens)
    loud, quiet = (at_share(model, batch, share).z - mean for share in (0.0, 1.0))
    torch.testing.assert_close(quiet, QUIET * loud)
    some = ((at_share(model, batch, 0.5).z - mean) / loud).detach()
    assert {round(float(row.mean()), 4) for row in some} == {QUIET, 1.0}


def test_the_deviation_learns_of_loud_molecules_alone(model, batch):
    """Were it to learn of the quiet ones it would grow, as their noise costs a quarter."""
    gradients = []
    for share in (0.0, 1.0):
        model.zero_grad()
        at_share(model, batch, share).total(1.0, 1.0, 1.0, 1.0).backward()
        mean, log_variance = model.posterior[-1].bias.grad.chunk(2)
        assert (mean != 0).all()
        gradients.append(log_variance)
    assert (gradients[0] != 0).all() and (gradients[1] == 0).all()


def test_the_kl_divergence_is_that_of_the_posterior_whatever_is_quiet(model, batch):
    assert torch.equal(at_share(model, batch, 0.0).kl, at_share(model, batch, 1.0).kl)


def test_parts_of_a_batch_are_the_batch(batch):
    parts = batch.split(4)
    assert [len(part.tokens) for part in parts] == [4, 2]
    for name in ("tokens", "bits", "properties"):
        whole = torch.cat([getattr(part, name) for part in parts])
        assert torch.equal(whole, getattr(batch, name))
    assert all(part.odds is None for part in parts)
    odds = torch.randn(6, 2)
    with_odds = Batch(batch.tokens, batch.bits, batch.properties, odds).split(4)
    assert torch.equal(torch.cat([part.odds for part in with_odds]), odds)
