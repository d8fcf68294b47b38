"""What stands for the Hessian of the energy: inverses, masses and springs."""

import pytest
import torch
from torch.testing import assert_close

from molinterp.geometry.grid import Ends, Grid
from molinterp.geometry.metric import Metric
from molinterp.geometry.output_spaces import latent
from molinterp.geometry.preconditioners import (
    Chain,
    Dense,
    PreconditionerSettings,
    Springs,
    chained,
    halved,
    metrics_along,
)
from tests.geometry.examples import vectors
from tests.tolerances import EXACT, SOLVER

D = 3


def steep(z: torch.Tensor) -> torch.Tensor:
    """λ with a curvature that differs by direction."""
    return 1 + (torch.tensor([0.1, 1.0, 4.0], dtype=z.dtype) * z.square()).sum(-1)


def matrix_of(solve, size):
    """The matrix whose inverse `solve` applies."""
    inverse = torch.stack([solve(row[None])[0] for row in torch.eye(size, dtype=torch.float64)])
    return torch.linalg.inv(inverse)


def hessian_of(metric, nodes):
    """Of the energy of the halved steps in the inner nodes (n - 1)·d of one curve (n + 1, d)."""

    def energy(x):
        inner = x.view(-1, nodes.shape[1])
        return metric.energy(halved(torch.cat([nodes[:1], inner, nodes[-1:]])[None]))[0]

    return torch.autograd.functional.hessian(energy, nodes[1:-1].flatten())


@pytest.mark.parametrize("n", [2, 3, 8])
def test_springs_are_the_inverse_of_the_second_difference_times_the_metric(n):
    roots = vectors(1, D, D)
    m = roots @ roots.mT + torch.eye(D).double()
    second = 2 * torch.eye(n - 1, dtype=torch.float64)
    second -= torch.diag(torch.ones(n - 2, dtype=torch.float64), 1)
    second -= torch.diag(torch.ones(n - 2, dtype=torch.float64), -1)
    springs = Springs(torch.linalg.inv(m), n)
    assert_close(
        matrix_of(springs.solve, (n - 1) * D), n * torch.kron(second, m[0]), atol=1e3 * EXACT, rtol=0
    )


@pytest.mark.parametrize("n", [2, 3, 8])
def test_a_chain_in_one_piece_is_the_chain(n):
    metric, nodes, q = Metric(latent, steep), vectors(4, n + 1, D), vectors(4, (n - 1) * D, seed=1)
    whole, pieces = (chained(metric, nodes, PreconditionerSettings(dense=size)) for size in (10**6, 0))
    assert isinstance(whole, Dense) and isinstance(pieces, Chain)
    assert_close(whole.solve(q), pieces.solve(q), rtol=SOLVER, atol=SOLVER)
    index = torch.tensor([1, 3])
    assert_close(whole.rows(index).solve(q[index]), whole.solve(q)[index], rtol=EXACT, atol=EXACT)
    turned = chained(metric, nodes.flip(0), PreconditionerSettings())
    mixed = whole.with_rows(index, turned.rows(index)).solve(q)
    assert_close(mixed[index], turned.solve(q)[index], rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("n", [2, 3, 8])
def test_a_chain_under_a_constant_lambda_is_the_hessian(n):
    nodes = vectors(1, n + 1, D)
    metric = Metric(latent, lambda z: 2 + 0 * z[:, 0])
    found = matrix_of(Chain.of(metric, nodes).solve, (n - 1) * D)
    # The ridge is a hundredth of the metric.
    assert_close(found, 1.01 * hessian_of(metric, nodes[0]), atol=SOLVER, rtol=SOLVER)


def test_a_chain_is_the_hessian_where_the_way_is_short_beside_the_slope_of_lambda():
    # At rest in a valley of λ: no slope along the way, and curvature across it.
    nodes = torch.zeros(1, 5, D, dtype=torch.float64)
    nodes[0, :, 0] = torch.linspace(-0.1, 0.1, 5)
    metric = Metric(latent, lambda z: 1 + (torch.tensor([0.0, 1.0, 4.0]).to(z) * z.square()).sum(-1))
    found = matrix_of(Chain.of(metric, nodes).solve, 3 * D)
    expected = hessian_of(metric, nodes[0])
    # A ridge of a hundredth on the springs.
    assert_close(found, expected, atol=0.015 * float(expected.abs().max()), rtol=0)


def test_a_chain_is_symmetric_and_positive_where_lambda_is_concave_and_steep():
    metric = Metric(latent, lambda z: 3 + 2 * torch.sin(3 * z).sum(1) / D)
    for curve in vectors(5, 9, D):
        found = matrix_of(Chain.of(metric, curve[None]).solve, 7 * D)
        assert_close(found, found.mT, atol=1e-6 * float(found.abs().max()), rtol=0)
        assert torch.linalg.eigvalsh(found).min() > 0


def test_rows_of_a_chain_are_chains_of_the_rows():
    metric, nodes, q = Metric(latent, steep), vectors(4, 6, D), vectors(4, 4 * D, seed=1)
    whole, index = Chain.of(metric, nodes), torch.tensor([1, 3])
    some = Chain.of(metric, nodes[index])
    assert_close(whole.rows(index).solve(q[index]), some.solve(q[index]), atol=EXACT, rtol=EXACT)
    turned = Chain.of(metric, nodes.flip(0))
    mixed = whole.with_rows(index, turned.rows(index)).solve(q)
    assert_close(mixed[index], turned.solve(q)[index], atol=EXACT, rtol=EXACT)
    assert_close(mixed[[0, 2]], whole.solve(q)[[0, 2]], atol=EXACT, rtol=EXACT)


def test_what_is_not_finite_leaves_a_sound_matrix():
    nodes, q = vectors(2, 5, D), vectors(2, 3 * D, seed=1)
    nodes[1, 2, 0] = 100
    metric = Metric(latent, lambda z: torch.where(z[:, 0] > 10, torch.nan, steep(z)))
    found = Chain.of(metric, nodes).solve(q)
    assert torch.isfinite(found).all() and ((found * q).sum(1) > 0).all()
    assert_close(found[0], Chain.of(metric, nodes[:1]).solve(q[:1])[0], atol=EXACT, rtol=EXACT)


def test_the_mean_metric_of_a_linear_map_is_its_own():
    image = vectors(D, 5)
    found = metrics_along(Metric(lambda z: z @ image), vectors(1, 2, D))[0].mean(0)
    own = image @ image.mT
    assert_close(found, own + 0.01 * own.diagonal().mean() * torch.eye(D).double(), atol=SOLVER, rtol=SOLVER)


def test_a_zigzag_of_the_nodes_costs_where_lambda_rises_beside_the_way():
    metric = Metric(latent, steep)
    z0, z1 = torch.tensor([[-1.0, 0, 0]]).double(), torch.tensor([[1.0, 0, 0]]).double()
    flat = Metric(lambda z: z[:, :1], steep)  # Φ does not see the zigzag
    rows, line = torch.tensor([0]), torch.linspace(-1, 1, 9).double()[1:-1]
    inner = torch.stack([line, 0 * line, 0 * line], 1)
    bent = inner.clone()
    bent[:, 2] = 0.5 * torch.tensor([1.0, -1.0] * 4)[:7]
    for m in (metric, flat):
        straight, _ = Grid(m, Ends.of(m, z0, z1), 8)(inner.flatten()[None], rows)
        zigzag, _ = Grid(m, Ends.of(m, z0, z1), 8)(bent.flatten()[None], rows)
        assert zigzag > 1.2 * straight
