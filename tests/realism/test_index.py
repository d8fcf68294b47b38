import pytest
import torch
from scipy.stats import chi2, norm

from molinterp.errors import InputError, ShapeError
from molinterp.metrics import uniform_distance
from molinterp.realism.density import CallableDensity, NormalDensity, RadialGammaDensity
from molinterp.realism.index import RealismIndex
from molinterp.realism.settings import IndexFit


@pytest.fixture(scope="module")
def index():
    return RealismIndex.fit(NormalDensity(8), IndexFit(n_samples=100_000))


def test_the_index_of_the_prior_is_the_chi_square_tail(index):
    z = torch.randn(2_000, 8, generator=torch.Generator().manual_seed(1))
    expected = torch.from_numpy(chi2(8).sf(z.square().sum(1).numpy())).float()
    assert (index(z) - expected).abs().max() < 0.01


def test_the_index_of_its_own_samples_is_uniform(index):
    z = index.density.sample(20_000, torch.Generator().manual_seed(5))
    assert uniform_distance(index(z)) < 0.02


def test_other_samples_are_not_uniform(index):
    z = 1.2 * index.density.sample(20_000, torch.Generator().manual_seed(5))
    assert uniform_distance(index(z)) > 0.1


def test_far_points_have_an_index_near_zero_and_a_gradient(index):
    z = torch.full((1, 8), 3.0, requires_grad=True)
    value = index.log_index(z)
    assert value.exp() < 1e-4
    (gradient,) = torch.autograd.grad(value.sum(), z)
    assert (gradient < -0.1).all()


def test_the_mode_has_index_one(index):
    assert index(torch.zeros(1, 8)).item() == pytest.approx(1.0, abs=0.01)


def test_the_index_rises_with_the_density(index):
    log_q = torch.linspace(-200, 0, 5_000)
    rises = index.of_log_prob(log_q).diff()
    assert (rises >= 0).all() and (rises > 0).sum() > 100


def test_the_index_is_continuous(index):
    log_q = torch.linspace(float(index.knots[0]) - 5, float(index.knots[-1]) + 1, 20_001)
    assert index.of_log_prob(log_q).diff().abs().max() < 0.05


def test_the_index_is_blind_to_a_constant():
    """An unnormalised density does as well."""
    normal = NormalDensity(3)
    shifted = CallableDensity(3, lambda z: normal.log_prob(z) + 7.0, normal.sample)
    z = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    a, b = RealismIndex.fit(normal)(z), RealismIndex.fit(shifted)(z)
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def normals(n, generator):
    return torch.randn(n, 1, generator=generator)


def test_all_of_a_plateau_has_the_index_of_its_top():
    steps = CallableDensity(1, lambda z: (z[..., 0].abs() < 0.5).float(), normals)
    middle, edge = RealismIndex.fit(steps)(torch.tensor([[0.0], [3.0]]))
    assert middle == 1
    # P[|Y| >= 1/2] of a standard normal Y, up to the error of 20,000 samples.
    assert edge == pytest.approx(2 * norm.sf(0.5), abs=0.02)


def test_a_uniform_density_has_index_one_inside_and_near_zero_outside():
    box = CallableDensity(
        1, lambda z: -5.0 * (z[..., 0].abs() > 1).float(), lambda n, g: 2 * torch.rand(n, 1, generator=g) - 1
    )
    inside, outside = RealismIndex.fit(box)(torch.tensor([[0.3], [1.5]]))
    assert inside == 1 and outside < 1e-3


def test_few_samples_still_rise():
    index = RealismIndex.fit(NormalDensity(2), IndexFit(n_samples=100))
    assert (index.knots.diff() > 0).all() and (index.log_levels.diff() > 0).all()
    assert index(torch.zeros(1, 2)) == 1


@pytest.mark.parametrize(
    ("log_density", "n_samples", "error", "message"),
    [
        (lambda z: -z[..., 0].square(), 99, InputError, "`n_samples` must be at least 100; got 99"),
        (lambda z: z[..., 0].log(), 500, InputError, "`density` must give a finite log q at its own samples"),
        (lambda z: -z.square(), 500, ShapeError, r"log q of shape \(500,\) for 500 points; got \(500, 1\)"),
    ],
)
def test_a_density_that_makes_no_table_is_refused(log_density, n_samples, error, message):
    with pytest.raises(error, match=message):
        RealismIndex.fit(CallableDensity(1, log_density, normals), IndexFit(n_samples=n_samples))


def test_the_radial_prior_calls_the_middle_realistic():
    generator = torch.Generator().manual_seed(0)
    radial = RadialGammaDensity(64)
    index = RealismIndex.fit(radial)
    a, b = radial.sample(300, generator), radial.sample(300, generator)
    assert index(0.5 * (a + b)).mean() > torch.minimum(index(a), index(b)).mean()
