import pytest
import torch

from molinterp.errors import InputError
from molinterp.realism.index import RealismIndex
from molinterp.training.latent.networks import (
    DENSITIES,
    fit_density,
    fit_network,
    rank_agreement,
    soft_cross_entropy,
    uniform_distance,
)
from tests.tolerances import FLOAT32


def two_lumps(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, 3, generator=generator) * torch.tensor([1.0, 0.3, 0.02])
    z[: n // 2, 0] += 6.0
    return z[torch.randperm(n, generator=generator)]


@pytest.mark.parametrize("kind", ["mixture", "flow"])
def test_held_out_points_have_a_uniform_index(kind):
    density = fit_density(two_lumps(20_000), kind, 4)
    index = RealismIndex.fit(density)
    assert uniform_distance(index(two_lumps(5_000, seed=1))) < 0.05
    off = torch.tensor([[0.0, 3.0, 0.0], [0.0, 0.0, 0.5]])
    assert (index(off) < 0.05).all()


def test_the_mixture_finds_the_true_likelihood():
    z, other = two_lumps(8_000), two_lumps(4_000, seed=1)
    truth = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.tensor([0.5, 0.5])),
        torch.distributions.Independent(
            torch.distributions.Normal(
                torch.tensor([[0.0, 0, 0], [6.0, 0, 0]]), torch.tensor([1.0, 0.3, 0.02])
            ),
            1,
        ),
    )
    fitted = fit_density(z, "mixture", 2).log_prob(other).mean()
    assert fitted == pytest.approx(truth.log_prob(other).mean().item(), abs=0.02)


@pytest.mark.parametrize("kind", DENSITIES)
def test_fits_repeat_and_leave_the_global_state_alone(kind):
    z = two_lumps(1_200)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    a, b = (fit_density(z, kind, 2, seed=3).log_prob(z) for _ in range(2))
    assert torch.equal(a, b)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_kind_is_turned_down():
    with pytest.raises(InputError, match="must be one of mixture, flow, prior, radial; got 'kde'"):
        fit_density(two_lumps(10), "kde")


def test_a_network_learns_calibrated_probabilities():
    z = torch.randn(6_000, 3, generator=torch.Generator().manual_seed(0))
    truth = torch.sigmoid(2 * z[:, 0] - z[:, 1])
    labels = torch.bernoulli(truth, generator=torch.Generator().manual_seed(1))
    network = fit_network(z, labels, soft_cross_entropy, width=32, n_steps=400, weight_decay=0.02)
    assert (torch.sigmoid(network(z)[:, 0]) - truth).abs().mean() < 0.05
    again = fit_network(z, labels, soft_cross_entropy, width=32, n_steps=400, weight_decay=0.02)
    assert torch.equal(network(z), again(z))


def test_uniform_distance_of_known_cases():
    assert uniform_distance(torch.linspace(0.005, 0.995, 100)) == pytest.approx(0.005, abs=FLOAT32)
    assert uniform_distance(torch.full((10,), 0.5)) == pytest.approx(0.5)
    assert uniform_distance(torch.zeros(4)) == pytest.approx(1.0)


def test_rank_agreement_is_blind_to_monotone_maps():
    a = torch.randn(50, generator=torch.Generator().manual_seed(0)).numpy()
    assert rank_agreement(a, a**3) == pytest.approx(1.0)
    assert rank_agreement(a, -a) == pytest.approx(-1.0)
