"""The curve drawn by a network."""

import pytest
import torch
from torch.testing import assert_close

from molinterp.errors import InputError, ShapeError
from molinterp.geometry.curves import linear
from molinterp.geometry.geodesic import geodesic
from molinterp.geometry.metric import Metric
from molinterp.geometry.network_curve import NetworkCurve
from tests.geometry.examples import half_sphere, network, vector, vectors
from tests.tolerances import AUTODIFF

T = torch.linspace(0, 1, 101, dtype=torch.float64)


def test_it_starts_as_the_line():
    z0, z1 = vectors(2, 3), vectors(2, 3, seed=1)
    assert torch.equal(NetworkCurve(z0, z1)(T), linear(z0, z1, T))


def test_half_sphere_gives_the_great_circle():
    metric = Metric(half_sphere)
    curve = NetworkCurve(vector(0, 1), vector(1, 0)).fit(metric, n_steps=150)
    # The issue of the paper's example asks for 1e-3.
    assert float(metric.length(curve(T).detach())) == pytest.approx(torch.pi / 3, abs=1e-3)


def test_a_batch_is_drawn_towards_the_geodesics_and_keeps_its_ends():
    metric, z0, z1 = Metric(network(3, 8)), vectors(4, 3), vectors(4, 3, seed=1)
    curve = NetworkCurve(z0, z1).fit(metric, n_steps=150)
    assert torch.equal(curve(T)[:, 0], z0) and torch.equal(curve(T)[:, -1], z1)
    best = geodesic(metric, z0, z1, tol=1e-6, n_segments=32, max_iterations=500)
    gained = metric.energy(linear(z0, z1, T)) - metric.energy(curve(T))
    possible = metric.energy(linear(z0, z1, T)) - metric.energy(best.curve(T))
    assert (gained > 0.8 * possible).all() and (gained <= possible * 1.001).all()


def test_velocity_is_the_derivative():
    curve = NetworkCurve(vectors(2, 3), vectors(2, 3, seed=1)).fit(Metric(network(3, 8)), n_steps=3)
    at, h = vector(0.2, 0.7), 1e-5
    expected = (curve(at + h) - curve(at - h)) / (2 * h)
    # Central differences leave the square of the step.
    assert_close(curve.velocity(at), expected, rtol=100 * AUTODIFF, atol=100 * AUTODIFF)


def test_gradients_reach_every_weight():
    curve = NetworkCurve(vectors(2, 3), vectors(2, 3, seed=1)).fit(Metric(network(3, 8)), n_steps=1)
    Metric(network(3, 8)).energy(curve(T)).sum().backward()
    assert all(w.grad is not None and bool((w.grad != 0).any()) for w in curve.weights)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"`z0` and `z1` must have the same shape"):
        NetworkCurve(vectors(3), vectors(4))
    with pytest.raises(InputError, match=r"`hidden_dim` must be positive; got 0"):
        NetworkCurve(vectors(3), vectors(3), hidden_dim=0)
