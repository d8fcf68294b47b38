import math

import pytest
import torch
from scipy.stats import norm

from molinterp.errors import InputError, ShapeError
from molinterp.realism.density import NormalDensity
from molinterp.realism.index import RealismIndex
from molinterp.realism.latent_network import LatentNetwork
from molinterp.realism.terms import DensityTerm, ProbabilityTerm, Realism, WindowTerm, guarded
from tests.tolerances import AUTODIFF, EXACT

DIM = 4


def points(n=10, dtype=torch.float64):
    return torch.randn(n, DIM, generator=torch.Generator().manual_seed(0), dtype=dtype)


def odds(z):
    return 3 * z[..., 0]


def window(low, high, is_wanted=True):
    return WindowTerm("w", lambda z: (z[..., 1], torch.full_like(z[..., 1], 0.5)), low, high, is_wanted)


TERMS = {
    "density": DensityTerm(RealismIndex.fit(NormalDensity(DIM))),
    "wanted": ProbabilityTerm("f", odds),
    "avoided": ProbabilityTerm("f", odds, is_wanted=False),
    "window": window(-1.0, 0.5),
    "open window": window(0.5, math.inf),
    "avoided window": window(-1.0, 0.5, is_wanted=False),
}


@pytest.mark.parametrize("epsilon", [0.01, 0.1, 0.5])
def test_guarded_is_the_formula(epsilon):
    p = torch.linspace(0, 1, 11, dtype=torch.float64)
    expected = -(epsilon / 2 + (1 - epsilon) * p).log()
    torch.testing.assert_close(guarded(p.log(), epsilon), expected, rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("name", TERMS)
def test_a_term_is_at_least_zero_finite_and_smooth(name):
    z = torch.cat([points(), 50 * points(), torch.zeros(1, DIM, dtype=torch.float64)]).requires_grad_()
    value = TERMS[name](z)
    assert value.shape == (21,)
    assert (value >= 0).all() and torch.isfinite(value).all()
    (gradient,) = torch.autograd.grad(value.sum(), z)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", [n for n in TERMS if n != "density"])
def test_gradients_are_those_of_finite_differences(name):
    z = points(3).requires_grad_()
    assert torch.autograd.gradcheck(TERMS[name], z, atol=100 * AUTODIFF)


@pytest.mark.parametrize("name", TERMS)
def test_shapes_follow_the_points(name):
    z = points(6, torch.float32)
    batch = TERMS[name](z.view(2, 3, DIM))
    assert batch.dtype == torch.float32
    torch.testing.assert_close(batch, TERMS[name](z).view(2, 3))


def test_wanted_and_avoided_share_the_probability():
    z = points()
    epsilon = 0.02
    p = torch.sigmoid(odds(z))
    for term, share in ((TERMS["wanted"], p), (TERMS["avoided"], 1 - p)):
        expected = -(epsilon / 2 + (1 - epsilon) * share).log()
        torch.testing.assert_close(term(z), expected, rtol=AUTODIFF, atol=AUTODIFF)


def test_a_window_is_the_normal_probability_of_it():
    z = points()
    expected = norm(z[:, 1].numpy(), 0.5).cdf(0.5) - norm(z[:, 1].numpy(), 0.5).cdf(-1.0)
    torch.testing.assert_close(TERMS["window"].probability(z), torch.from_numpy(expected), rtol=0, atol=EXACT)


def test_the_density_term_is_minus_the_log_of_the_index():
    index = RealismIndex.fit(NormalDensity(DIM))
    z = points(5, torch.float32)
    torch.testing.assert_close(DensityTerm(index)(z), -index(z).log(), rtol=1e-4, atol=1e-4)


def test_the_sum_is_weighted_and_floored():
    z = points()
    terms = (ProbabilityTerm("a", odds), window(-1.0, 0.5))
    realism = Realism(terms, (2.0, 0.5), floor=0.3)
    torch.testing.assert_close(realism(z), 2 * terms[0](z) + 0.5 * terms[1](z) + 0.3)
    assert list(realism.by_term(z)) == ["a", "w"] == list(realism.names)
    torch.testing.assert_close(realism.by_term(z)["w"], terms[1](z))
    assert (realism(z) > 0.3).all()


def test_no_terms_give_the_floor():
    assert torch.equal(Realism((), (), 0.5)(points()), torch.full((10,), 0.5, dtype=torch.float64))


@pytest.mark.parametrize(
    ("terms", "weights", "floor", "message"),
    [
        (("a",), (), 0.1, "`weights` must be 1 numbers >= 0"),
        (("a",), (-1.0,), 0.1, "`weights` must be 1 numbers >= 0"),
        (("a",), (math.nan,), 0.1, "`weights` must be 1 numbers >= 0"),
        (("a", "a"), (1.0, 1.0), 0.1, "different names; got a, a"),
        (("a",), (1.0,), 0.0, "`floor` must be a number > 0"),
    ],
)
def test_sums_that_make_no_metric_are_turned_down(terms, weights, floor, message):
    with pytest.raises(InputError, match=message):
        Realism(tuple(ProbabilityTerm(name, odds) for name in terms), weights, floor)


@pytest.mark.parametrize("width", [0, 16])
def test_a_network_comes_back_from_its_state_and_checks_shapes(width):
    torch.manual_seed(0)
    network = LatentNetwork(DIM, 2, width)
    network.mean.fill_(0.3)
    again = LatentNetwork.from_state(network.state_dict())
    z = points(5, torch.float32)
    assert torch.equal(again(z), network.eval()(z))
    assert not any(p.requires_grad for p in again.parameters())
    assert again(z.double()).dtype == torch.float64
    torch.testing.assert_close(again(z.double()).float(), again(z))
    with pytest.raises(ShapeError, match=r"shape \(\.\.\., 4\) to match the network; got \(5, 3\)"):
        again(z[:, :3])
