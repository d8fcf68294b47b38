import pytest
import torch
from torch.testing import assert_close

from molinterp.geometry.grid import Ends, Grid, Model
from molinterp.geometry.metric import Metric
from molinterp.geometry.spaces import latent
from tests.tolerances import EXACT, SOLVER

D = 3


def steep(z: torch.Tensor) -> torch.Tensor:
    """λ with a curvature that differs by direction."""
    return 1 + (torch.tensor([0.1, 1.0, 4.0], dtype=z.dtype) * z.square()).sum(-1)


def model(masses: list[float]) -> tuple[Model, torch.Tensor, torch.Tensor]:
    """A model of one pair with its M and P."""
    basis = torch.randn(1, D, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    back = torch.linalg.inv(basis)
    diagonal = torch.tensor([masses], dtype=torch.float64)
    return Model(basis, diagonal), back.mT @ back, back.mT @ (diagonal[..., None] * back)


@pytest.mark.parametrize("masses", [[0.0, 0.0, 0.0], [0.5, 0.0, 20.0]])
@pytest.mark.parametrize("n", [2, 3, 8])
def test_the_preconditioner_is_the_inverse_of_the_chain_of_masses(n, masses):
    stand_in, m, p = model(masses)
    z = torch.zeros(1, D, dtype=torch.float64)
    grid = Grid(Metric(latent), Ends.of(Metric(latent), z, z), n, stand_in)
    second = 2 * torch.eye(n - 1, dtype=torch.float64)
    second -= torch.diag(torch.ones(n - 2, dtype=torch.float64), 1)
    second -= torch.diag(torch.ones(n - 2, dtype=torch.float64), -1)
    hessian = n * torch.kron(second, m[0]) + torch.kron(torch.eye(n - 1, dtype=torch.float64), p[0]) / n
    q = torch.randn(1, (n - 1) * D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = grid.precondition(q @ hessian, torch.tensor([0]))
    assert_close(found, q, atol=1e3 * EXACT, rtol=0)  # the matrix has a condition number of a thousand


def test_the_masses_are_the_curvature_of_half_lambda_squared_times_the_squared_speed():
    nodes = torch.tensor([[[-0.4, 0.2, 0.1], [0.5, -0.3, 0.2]]], dtype=torch.float64)
    found = Model.of(Metric(latent, steep), nodes)
    back = torch.linalg.inv(found.basis)
    masses = (back.mT @ (found.masses[..., None] * back))[0]
    t = (torch.arange(8, dtype=torch.float64) + 0.5) / 8
    points = nodes[0, :1] * (1 - t[:, None]) + nodes[0, 1:] * t[:, None]
    half = [torch.autograd.functional.hessian(lambda z: 0.5 * steep(z) ** 2, z) for z in points]
    expected = torch.stack(half).mean(0) * (nodes[0, 1] - nodes[0, 0]).square().sum()
    # Differences of gradients over a fiftieth of the way.
    assert_close(masses, expected, atol=0, rtol=0.1)


def test_a_constant_lambda_has_no_masses():
    nodes = torch.tensor([[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]], dtype=torch.float64)
    for cost in (None, lambda z: 2 + 0 * z[..., 0]):
        found = Model.of(Metric(latent, cost), nodes)
        assert_close(found.masses, torch.zeros(1, D, dtype=torch.float64), atol=SOLVER, rtol=0)
