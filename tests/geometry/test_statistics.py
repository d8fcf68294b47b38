import math

import pytest
import torch

from molinterp.errors import ShapeError
from molinterp.geometry.metric import Metric
from molinterp.geometry.output_spaces import latent
from molinterp.geometry.statistics import frechet_mean
from tests.tolerances import EXACT, SOLVER

HALF_PLANE = Metric(latent, lambda z: 1 / z[:, 1])


def sphere(z: torch.Tensor) -> torch.Tensor:
    """Inverse stereographic projection from the north pole; the unit circle is the equator."""
    square = z.square().sum(-1, keepdim=True)
    return torch.cat([2 * z, square - 1], -1) / (square + 1)


def test_without_a_metric_it_is_the_arithmetic_mean():
    z = torch.randn(7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = frechet_mean(Metric(latent), z)
    torch.testing.assert_close(found.mean, z.mean(0), atol=SOLVER, rtol=0)
    assert found.variance == pytest.approx(float((z - z.mean(0)).square().sum(1).mean()), abs=SOLVER)
    assert found.is_converged


def test_two_points_of_a_sphere_have_their_middle_on_the_great_circle():
    # Angles 0 and 1 from the south pole along a meridian: the projection of angle θ is tan(θ/2).
    angle = torch.tensor([[0.2], [1.2]], dtype=torch.float64)
    z = torch.cat([torch.tan(angle / 2), torch.zeros(2, 1, dtype=torch.float64)], 1)
    found = frechet_mean(Metric(sphere), z, tol=1e-4, n_segments=32)
    assert float(found.mean[0]) == pytest.approx(float(torch.tan(torch.tensor(0.35))), abs=1e-3)
    assert float(found.mean[1]) == pytest.approx(0.0, abs=SOLVER)
    # Each lies half an angle of 1 away.
    assert found.variance == pytest.approx(0.25, abs=1e-3)


def test_a_symmetric_ring_has_its_mean_at_the_pole():
    angles = torch.arange(5, dtype=torch.float64) * (2 * torch.pi / 5)
    z = 0.5 * torch.stack([angles.cos(), angles.sin()], 1)
    found = frechet_mean(Metric(sphere), z)
    torch.testing.assert_close(found.mean, torch.zeros(2, dtype=torch.float64), atol=SOLVER, rtol=0)


def test_one_point_is_its_own_mean():
    z = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    found = frechet_mean(Metric(sphere), z)
    torch.testing.assert_close(found.mean, z[0], atol=EXACT, rtol=0)
    assert found.variance == 0.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_points_are_their_own_mean_at_once(dtype):
    z = torch.full((3, 2), 0.1, dtype=dtype) * torch.tensor([1, 7], dtype=dtype)
    found = frechet_mean(HALF_PLANE, z)
    torch.testing.assert_close(found.mean, z[0])
    assert found.is_converged and found.iterations == 0


def test_two_points_of_the_half_plane_have_their_middle_on_the_half_circle():
    found = frechet_mean(HALF_PLANE, torch.tensor([[-1.0, 1.0], [1.0, 1.0]]).double(), n_segments=32)
    torch.testing.assert_close(found.mean, torch.tensor([0, 2**0.5]).double(), atol=1e-3, rtol=0)
    # Half of the distance, arcosh 3, squared.
    assert found.variance == pytest.approx((math.acosh(3) / 2) ** 2, abs=1e-3)


def test_no_points_have_no_mean():
    with pytest.raises(ShapeError, match=r"`zs` must have shape \(n, d\) with n >= 1; got \(0, 2\)"):
        frechet_mean(Metric(latent), torch.zeros(0, 2))
