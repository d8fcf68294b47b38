"""Many minimisations at once: each row as if alone."""

import torch
from torch.testing import assert_close

from molinterp.geometry.minimise import minimise
from tests.geometry.examples import vectors
from tests.tolerances import SOLVER


def plain(q, rows):
    return q


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
        lambda q, rows: (inverse[rows] @ q[..., None])[..., 0],
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
