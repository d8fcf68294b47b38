"""Lowest curvature of functions with known Hessians."""

import pytest
import torch
from torch.testing import assert_close

from molinterp.geometry.curvature import CurvatureSettings, lowest_curvature
from tests.geometry.examples import vectors
from tests.geometry.test_minimise import Matrices
from tests.tolerances import SOLVER


def plain(p, n):
    return Matrices(torch.eye(n).double().expand(p, n, n))


def of(hessian, model=None, **options):
    """Lowest curvature of quadratics with Hessians (p, n, n)."""
    x = vectors(*hessian.shape[:2], seed=3)
    return lowest_curvature(
        lambda x: (hessian @ x[..., None])[..., 0],
        x,
        torch.ones(len(x)).double(),
        model or plain(*x.shape),
        CurvatureSettings(**options),
    )


def test_as_many_steps_as_unknowns_give_the_lowest_eigenvalue():
    roots = vectors(5, 6, 6)
    hessian = roots + roots.mT
    found = of(hessian, n_steps=6)
    values, turns = torch.linalg.eigh(hessian)
    assert_close(found.value, values[:, 0], rtol=SOLVER, atol=SOLVER)
    assert_close(
        (found.direction * turns[:, :, 0]).sum(1).abs(), torch.ones(5).double(), rtol=1e-3, atol=1e-3
    )


def test_an_eigenvalue_that_stands_apart_is_found_in_few_steps():
    values = torch.linspace(0.8, 1.2, 200).double()
    values[17] = -0.3
    found = of(torch.diag(values)[None], n_steps=6)
    assert float(found.value) == pytest.approx(-0.3, abs=0.02)
    assert int(found.direction[0].abs().argmax()) == 17


def test_it_is_measured_beside_the_model():
    hessian = torch.diag(torch.tensor([2.0, -30.0, 400.0]).double())[None]
    model = Matrices(torch.diag(torch.tensor([0.5, 0.1, 0.0025]).double())[None])
    assert float(of(hessian, model).value) == pytest.approx(-3, abs=SOLVER)


def test_a_multiple_of_the_model_is_exhausted_at_once():
    found = of(3 * torch.eye(20).double().expand(2, -1, -1))
    assert_close(found.value, torch.full((2,), 3.0).double(), rtol=SOLVER, atol=SOLVER)


def test_a_gradient_that_is_not_finite_gives_nan():
    x = vectors(2, 4)
    found = lowest_curvature(
        lambda x: torch.where(x[:, :1] > x[1, 0] - 1, torch.nan, x), x, torch.ones(2).double(), plain(2, 4)
    )
    assert torch.isnan(found.value[1])
