import pytest
import torch

from molinterp.errors import InputError
from molinterp.metrics import uniform_distance
from molinterp.realism.index import RealismIndex
from molinterp.training.latent.density import fit_density
from molinterp.training.latent.settings import DENSITIES, DensityFit


def two_lumps(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, 3, generator=generator) * torch.tensor([1.0, 0.3, 0.02])
    z[: n // 2, 0] += 6.0
    return z[torch.randperm(n, generator=generator)]


@pytest.mark.parametrize("kind", ["mixture", "flow"])
def test_held_out_points_have_a_uniform_index(kind):
    density = fit_density(two_lumps(20_000), DensityFit(kind, 4))
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
    fitted = fit_density(z, DensityFit(n_components=2)).log_prob(other).mean()
    assert fitted == pytest.approx(truth.log_prob(other).mean().item(), abs=0.02)


@pytest.mark.parametrize("kind", DENSITIES)
def test_fits_repeat_and_leave_the_global_state_alone(kind):
    z = two_lumps(1_200)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    a, b = (fit_density(z, DensityFit(kind, 2), seed=3).log_prob(z) for _ in range(2))
    assert torch.equal(a, b)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_kind_is_turned_down():
    with pytest.raises(InputError, match="`kind` must be one of mixture, flow, prior, radial; got 'kde'"):
        DensityFit("kde")


def test_a_mixture_needs_as_many_points_as_components():
    with pytest.raises(InputError, match="mixture of 8 components needs as many points or more; got 6"):
        fit_density(two_lumps(6), DensityFit())
