"""Many minimisations at once: each row as if alone."""

import torch
from torch.testing import assert_close

from molinterp.geometry.minimise import Preconditioner, minimise
from tests.geometry.examples import vectors
from tests.tolerances import SOLVER


class Matrices(Preconditioner):
    """Given inverses (p, n, n)."""

    def __init__(self, inverse, is_local=False):
        self.inverse, self.is_local = inverse, is_local

    def solve(self, q):
        return (self.inverse @ q[..., None])[..., 0]

    def rows(self, index):
        return Matrices(self.inverse[index], self.is_local)

    def with_rows(self, index, other):
        return Matrices(self.inverse.index_copy(0, index, other.inverse), self.is_local)


def plain(x, rows):
    return Matrices(torch.eye(x.shape[1], dtype=x.dtype).expand(len(x), -1, -1))


def rosenbrock(x, rows):
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        value = (1 - at[:, 0]).square() + 100 * (at[:, 1] - at[:, 0].square()).square()
        (gradient,) = torch.autograd.grad(value.sum(), at)
    return value.detach(), gradient


def test_rosenbrock_from_many_starts():
    found = minimise(rosenbrock, 2 * vectors(20, 2), plain, tolerance=1e-9, max_iterations=500)
    assert_close(found.x, torch.ones(20, 2).double(), rtol=SOLVER, atol=SOLVER)


def test_a_quadratic_with_its_own_inverse_takes_one_step():
    roots = vectors(4, 6, 6)
    matrix = roots @ roots.mT + torch.eye(6).double()
    inverse = torch.linalg.inv(matrix)

    def objective(x, rows):
        image = (matrix[rows] @ x[..., None])[..., 0]
        return 1 + 0.5 * (x * image).sum(1), image

    found = minimise(
        objective,
        vectors(4, 6, seed=1),
        lambda x, rows: Matrices(inverse[rows]),
        tolerance=1e-12,
        max_iterations=10,
    )
    assert found.iterations.tolist() == [1] * 4 and found.converged.all()
    assert_close(found.x, torch.zeros(4, 6).double(), rtol=SOLVER, atol=SOLVER)


def test_rows_go_their_own_ways():
    starts = 2 * vectors(6, 2)
    together = minimise(rosenbrock, starts, plain, tolerance=1e-6, max_iterations=40)
    for i in range(6):
        alone = minimise(rosenbrock, starts[i : i + 1], plain, tolerance=1e-6, max_iterations=40)
        assert torch.equal(alone.x[0], together.x[i])
        assert int(alone.iterations) == int(together.iterations[i])


def test_a_row_never_ends_above_its_start_and_the_start_is_left_alone():
    starts = 2 * vectors(20, 2)
    copy = starts.clone()
    found = minimise(rosenbrock, starts, plain, tolerance=1e-9, max_iterations=3)
    assert (found.value <= rosenbrock(starts, None)[0]).all()
    assert not found.converged.any()
    assert torch.equal(starts, copy)


def test_a_trial_that_is_not_finite_is_too_far():
    def objective(x, rows):
        value = torch.where(x[:, 0] > 0, x[:, 0] - x[:, 0].log(), torch.nan)
        return value, torch.where(x > 0, 1 - 1 / x, torch.nan)

    starts = torch.tensor([[0.01], [30.0]]).double()
    found = minimise(objective, starts, plain, tolerance=1e-10, max_iterations=100)
    assert_close(found.x, torch.ones(2, 1).double(), rtol=SOLVER, atol=SOLVER)


def test_a_row_that_starts_at_nan_is_left_where_it_is():
    starts = vectors(3, 2)
    starts[1] = torch.nan
    found = minimise(rosenbrock, starts, plain, tolerance=1e-9, max_iterations=500)
    assert found.converged.tolist() == [True, False, True]
    assert found.iterations[1] == 0


def stretched(x, rows):
    """A quadratic with curvatures from 1e-4 to 1 and the value 0.1 at its lowest point."""
    curvature = torch.logspace(-4, 0, x.shape[1]).to(x)
    return 0.1 + 0.5 * (curvature * x.square()).sum(1), curvature * x


def test_what_a_short_sighted_model_promises_is_not_believed():
    # The model takes every direction for a hundred times as stiff as the stiffest.
    def build(x, rows):
        return Matrices(0.01 * torch.eye(x.shape[1], dtype=x.dtype).expand(len(x), -1, -1))

    starts = torch.full((1, 5), 0.3, dtype=torch.float64)
    value, gradient = stretched(starts, None)
    assert 0.005 * gradient.square().sum(1) < 0.01 * value  # the first promise, 0.4 % of the value
    found = minimise(stretched, starts, build, tolerance=1e-2, max_iterations=100)
    assert found.converged.all()
    assert float(found.value) < 0.1 * 1.02


def test_a_local_model_is_made_anew_where_the_row_stands_and_for_that_row_alone():
    asked = []

    def build(x, rows):
        asked.append(rows.tolist())
        return Matrices(newton(x), is_local=True)

    def newton(x):
        with torch.enable_grad():
            hessian = torch.func.vmap(torch.func.hessian(lambda at: rosenbrock_value(at)))(x)
        values, turns = torch.linalg.eigh(hessian)
        return turns @ torch.diag_embed(1 / values.abs().clamp_min(1e-3)) @ turns.mT

    starts = 2 * vectors(4, 2)
    starts[1] = torch.tensor([1.0, 1.0])
    found = minimise(rosenbrock, starts, build, tolerance=1e-9, max_iterations=100)
    assert_close(found.x, torch.ones(4, 2).double(), rtol=SOLVER, atol=SOLVER)
    assert found.converged.all() and found.iterations[1] == 0
    assert asked[0] == [0, 1, 2, 3] and len(asked) > 1
    assert all(1 not in rows for rows in asked[1:])


def rosenbrock_value(at):
    return (1 - at[0]).square() + 100 * (at[1] - at[0].square()).square()
