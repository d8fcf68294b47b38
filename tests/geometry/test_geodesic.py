"""Geodesics: closed forms, the laws of a minimiser, bad pairs, batches."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from molinterp.errors import InputError, NotFiniteError, ShapeError
from molinterp.geometry.curves import linear
from molinterp.geometry.geodesic import GeodesicResult, geodesic
from molinterp.geometry.graph import NeighbourGraph
from molinterp.geometry.metric import Metric
from molinterp.geometry.output_spaces import LocalSpace, from_numpy, gaussian, latent
from molinterp.geometry.settings import SolverSettings
from molinterp.geometry.state import COARSE, MESSAGES
from tests.geometry.examples import (
    COSTS,
    SPACES,
    cube_cost,
    disc_cost,
    half_sphere,
    network,
    paraboloid,
    vector,
    vectors,
)
from tests.tolerances import EXACT, FLOAT32, SOLVER

METRICS = {f"{s}, {c}": Metric(SPACES[s], COSTS[c]) for s in SPACES for c in COSTS}
metrics = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
T = torch.linspace(0, 1, 401, dtype=torch.float64)
LN2 = math.log(2)


def close(actual, expected, tolerance=EXACT):
    assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def solve(metric, z0, z1, **options):
    return geodesic(metric, z0, z1, **{"tol": 1e-6, "max_iterations": 500} | options)


# The four manifolds of Struski et al., arXiv 1904.03445, section IV.


def test_plane_gives_the_straight_line():
    found = solve(Metric(latent, lambda z: z.new_full(z.shape[:1], LN2)), vector(0, 1), vector(1, 0))
    close(found.curve(T), linear(vector(0, 1), vector(1, 0), T))
    close(float(found.length), LN2 * math.sqrt(2))
    assert found.message == ("converged",)


def test_half_sphere_gives_the_great_circle():
    metric = Metric(half_sphere)
    found = solve(metric, vector(0, 1), vector(1, 0), n_segments=32)
    # Seen from the centre (0, 0, 1) the ends are (0, 1, -1) / √2 and (1, 0, -1) / √2, 60 degrees apart.
    close(float(found.length), math.pi / 3, SOLVER)
    points = half_sphere(found.curve(T)) - vector(0, 0, 1)
    normal = torch.linalg.cross(points[0], points[-1])
    close(points @ (normal / normal.norm()), torch.zeros(401).double(), SOLVER)


@pytest.mark.parametrize("interpolation", ["cubic", "linear"])
def test_disc_is_gone_round_by_tangent_arc_tangent(interpolation):
    metric, z0, z1 = Metric(latent, disc_cost), vector(-1.3, 0), vector(1.3, 0)
    start = torch.stack([z0, vector(0, 1), z1])
    found = solve(metric, z0, z1, starts=[start], n_segments=64, interpolation=interpolation)
    tangent, angle = math.sqrt(1.3**2 - 1), math.pi - 2 * math.acos(1 / 1.3)
    # Ten times SOLVER: the cost has a kink at the rim and 64 segments resolve it to this.
    close(float(found.length) / LN2, 2 * tangent + angle, 10 * SOLVER)
    assert found.curve(T).norm(dim=1).min() > 1 - 10 * SOLVER


def test_disc_is_gone_round_from_a_graph_where_the_line_is_a_saddle():
    metric, z0, z1 = Metric(latent, disc_cost), vector(-1.3, 0), vector(1.3, 0)
    line = geodesic(metric, z0, z1, max_iterations=0)
    way = line.curve(T).requires_grad_()
    (slope,) = torch.autograd.grad(metric.energy(way), way)
    close(slope[:, 1], torch.zeros(401).double())  # nothing pushes it to either side
    path = NeighbourGraph(metric, n_neighbours=6).fit(1.2 * vectors(200, 2)).paths(z0, z1)
    both = geodesic(metric, z0, z1, starts=[torch.stack([z0, z1]), path])
    assert both.energy < 0.5 * line.energy
    assert both.start_energy <= metric.energy(path) * (1 + 0.1)


def test_cube_keeps_to_its_surface():
    z0, z1 = vector(0, 0, 1), vector(1, 0, 0)
    found = solve(Metric(latent, cube_cost), z0, z1, interpolation="linear")
    close(float(found.length), 2 * LN2, SOLVER)
    assert (1 - found.curve(T).abs().amax(1)).abs().max() < SOLVER


# Laws of a minimiser.


@metrics
def test_ends_are_exact_and_speed_is_constant(metric):
    z0, z1 = vectors(4, 3), vectors(4, 3, seed=1)
    found = solve(metric, z0, z1, n_segments=32)
    assert found.converged.all()
    assert torch.equal(found.curve(T)[:, 0], z0) and torch.equal(found.curve(T)[:, -1], z1)
    assert (found.length.square() <= 2 * found.energy * (1 + EXACT)).all()
    # 2E - L² is the variance of the speed; it goes with the solver's tolerance in energy.
    close(found.length.square(), 2 * found.energy, 10 * SOLVER)


@metrics
def test_no_end_above_the_start_whatever_the_budget(metric):
    z0, z1 = 3 * vectors(6, 3), 3 * vectors(6, 3, seed=1)
    energies = [geodesic(metric, z0, z1, max_iterations=n).energy for n in (0, 1, 3, 30)]
    line = geodesic(metric, z0, z1).start_energy
    for energy in energies:
        assert (energy <= line).all()
    assert (energies[-1] <= energies[0]).all()


def valley_cost(z):
    """A steep cost that falls to 1 far off the line between points of the first axis, in all other directions."""
    off = z[:, 1:] - 1
    return 1 + 6 * (
        1 - torch.exp(-0.25 * (off * torch.logspace(-1, 0.5, off.shape[1]).to(z)).square().sum(1))
    )


def first_axis(z):
    """An output space that hardly sees any other direction."""
    return torch.cat([z[:, :1], 0.05 * z[:, 1:]], 1)


def test_converged_means_little_is_left_to_gain_under_a_steep_lambda():
    metric, z0, z1 = Metric(first_axis, valley_cost), vectors(6, 8) / 4, vectors(6, 8, seed=1) / 4
    z0[:, 0], z1[:, 0] = -1, 1
    long, found = geodesic(metric, z0, z1, tol=1e-6, max_iterations=150), geodesic(metric, z0, z1, tol=1e-3)
    assert found.converged.all()
    assert (found.energy <= 1.03 * long.energy).all()
    assert (long.energy < 0.1 * long.start_energy).all()


def test_iterations_that_run_out_are_not_called_converged():
    metric, z0, z1 = Metric(first_axis, valley_cost), vectors(6, 8) / 4, vectors(6, 8, seed=1) / 4
    found = geodesic(metric, z0, z1, max_iterations=2)
    assert not found.converged.any()
    assert set(found.message) == {"iterations ran out or no step led down; the best curve so far"}


@metrics
def test_reversing_the_ends_reverses_the_geodesic(metric):
    z0, z1 = vectors(4, 3), vectors(4, 3, seed=1)
    there, back = solve(metric, z0, z1), solve(metric, z1, z0)
    close(there.length, back.length, SOLVER)


def test_a_neighbouring_curve_is_no_shorter():
    metric = METRICS["network, wavy"]
    z0, z1 = vectors(3, 3), vectors(3, 3, seed=1)
    found = solve(metric, z0, z1, n_segments=32)
    for seed in range(5):
        bump = 0.05 * torch.sin(torch.pi * T)[:, None] * vectors(3, 1, 3, seed=seed)
        assert (metric.energy(found.curve(T) + bump) > metric.energy(found.curve(T))).all()


def test_a_batch_is_a_loop():
    metric = METRICS["network, wavy"]
    z0, z1 = vectors(2, 3, 3), vectors(2, 3, 3, seed=1)
    batch = geodesic(metric, z0, z1)
    assert batch.curve(T).shape == (2, 3, 401, 3)
    for i in range(2):
        for j in range(3):
            alone = geodesic(metric, z0[i, j], z1[i, j])
            close(batch.curve(T)[i, j], alone.curve(T), SOLVER)
            close(batch.energy[i, j], alone.energy, SOLVER)
            assert batch.iterations[i, j] == alone.iterations


def test_many_chunks_are_one_batch():
    metric, z0, z1 = METRICS["network, wavy"], vectors(5, 3), vectors(5, 3, seed=1)
    whole = geodesic(metric, z0, z1)
    close(geodesic(metric, z0, z1, settings=SolverSettings(chunk=2)).energy, whole.energy, SOLVER)


def test_float32_agrees_with_float64():
    metric, z0, z1 = METRICS["bits, wavy"], vectors(8, 3), vectors(8, 3, seed=1)
    found = geodesic(metric, z0.float(), z1.float())
    assert found.curve(T).dtype == found.energy.dtype == found.length.dtype == torch.float32
    # Ten times SOLVER: the two may stop a step apart, at a tolerance of 1e-3.
    close(found.length.double(), geodesic(metric, z0, z1).length, 10 * SOLVER)


def test_length_does_not_change_with_the_unit_of_the_latent_space():
    phi, z0, z1 = network(3, 8), vectors(4, 3), vectors(4, 3, seed=1)
    plain = solve(Metric(phi), z0, z1)
    scaled = solve(Metric(lambda z: phi(z / 1000)), 1000 * z0, 1000 * z1)
    close(scaled.length, plain.length, SOLVER)


def test_length_does_not_change_with_a_shear_of_the_latent_space():
    phi, z0, z1 = SPACES["network"], vectors(4, 3), vectors(4, 3, seed=1)
    shear = torch.eye(3).double() + torch.diag(vector(5, -3), 1)
    sheared = solve(Metric(lambda z: phi(z @ torch.linalg.inv(shear))), z0 @ shear, z1 @ shear)
    close(sheared.length, solve(Metric(phi), z0, z1).length, SOLVER)


def test_a_constant_output_space_costs_nothing():
    found = geodesic(Metric(lambda z: 0 * z), vectors(2, 3), vectors(2, 3, seed=1))
    assert found.energy.tolist() == [0, 0] and found.converged.all()


def test_more_segments_are_taken_where_the_curve_needs_them():
    # A narrow bump of cost in the way of the second pair alone.
    metric = Metric(
        latent, lambda z: 1 + 3 * torch.exp(-((z[:, 0] - 0.1) / 0.15).square() - z[:, 1].square())
    )
    z0, z1 = vector(-1, 5, -1, 0.1).view(2, 2), vector(1, 5, 1, 0.1).view(2, 2)
    coarse = geodesic(metric, z0, z1, n_segments=4, max_segments=4)
    fine = geodesic(metric, z0, z1, n_segments=4)
    assert fine.energy[1] < coarse.energy[1] and fine.converged.all()
    assert coarse.converged.tolist() == [True, False]
    close(fine.energy[0], coarse.energy[0], SOLVER)
    assert fine.iterations[0] == coarse.iterations[0]


def test_the_best_of_several_starts_is_kept():
    metric, z0, z1 = Metric(latent, disc_cost), vector(-1.3, 0.2), vector(1.3, 0.2)
    ways = [torch.stack([z0, vector(0, y), z1]) for y in (1.2, -1.2)]
    above, below = (float(geodesic(metric, z0, z1, starts=[way], n_segments=8).length) for way in ways)
    assert below > above + 0.1
    for starts in (ways, ways[::-1]):
        assert float(geodesic(metric, z0, z1, starts=starts, n_segments=8).length) == pytest.approx(
            above, rel=SOLVER
        )


def test_a_start_that_cannot_be_beaten_is_returned():
    metric, z0, z1 = Metric(latent, disc_cost), vector(-1.3, 0), vector(1.3, 0)
    way = solve(metric, z0, z1, starts=[torch.stack([z0, vector(0, 1), z1])]).curve(T[::25])
    found = geodesic(metric, z0, z1, starts=[way], max_iterations=0)
    assert found.energy == found.start_energy
    assert found.message == ("the start could not be improved",) and not found.converged


def test_charts_of_a_local_space_lead_to_the_same_geodesic():
    phi, z0, z1 = network(3, 8), vectors(3, 3), vectors(3, 3, seed=1)
    local = LocalSpace(lambda z: z.new_zeros(len(z), 1), lambda z, context: phi(z) + context)
    close(geodesic(Metric(local), z0, z1).length, geodesic(Metric(phi), z0, z1).length, SOLVER)


def test_nothing_handed_in_is_changed_and_no_graph_is_left():
    metric, z0, z1 = METRICS["network, wavy"], vectors(2, 3).requires_grad_(), vectors(2, 3, seed=1)
    start = torch.stack([z0.detach(), vectors(2, 3, seed=2), z1], 1)
    copies = z0.clone(), z1.clone(), start.clone()
    with torch.no_grad():
        found = geodesic(metric, z0, z1, starts=[start])
    assert all(torch.equal(a, b) for a, b in zip((z0, z1, start), copies, strict=True))
    assert not found.energy.requires_grad and not found.curve(T).requires_grad


def test_a_result_is_frozen():
    found = geodesic(Metric(latent), vectors(3), vectors(3, seed=1))
    assert isinstance(found, GeodesicResult) and found.energy.shape == () and len(found.message) == 1
    with pytest.raises(AttributeError):
        found.energy = 0


# What converged means: the minimum of the continuous problem, to a stated error.


def thin_wall(z):
    """λ with a wall a fiftieth wide across the way, open above y = 0.5."""
    return 1 + 60 * torch.exp(-(z[:, 0] / 0.02).square()) * torch.sigmoid((0.5 - z[:, 1]) / 0.02)


def sphere_of_angles(z):
    """Longitude and latitude onto the unit sphere."""
    longitude, latitude = z[:, 0], z[:, 1]
    around = torch.stack([longitude.cos(), longitude.sin()], 1) * latitude.cos()[:, None]
    return torch.cat([around, latitude.sin()[:, None]], 1)


def hill(z):
    return torch.cat([z, 3 * torch.exp(-2 * z.square().sum(1, keepdim=True))], 1)


def test_what_converged_is_as_long_as_it_says_through_a_thin_wall():
    metric, z0, z1 = Metric(latent, thin_wall), vector(-1.5, 0), vector(1.5, 0)
    found = geodesic(metric, z0, z1)
    assert found.converged and found.discretisation_error < 1e-3
    points = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    close(metric.length(found.curve(points)), found.length, 10 * SOLVER)
    # Round the upper edge of the wall, where it costs no more than a few parts in a thousand.
    assert 2 * math.hypot(1.5, 0.5) < found.length < 1.02 * 2 * math.hypot(1.5, 0.6)


def test_one_grid_alone_says_that_it_does_not_see_the_wall():
    found = geodesic(
        Metric(latent, thin_wall), vector(-1.5, 0), vector(1.5, 0), settings=SolverSettings(max_segments=16)
    )
    assert not found.converged or found.discretisation_error <= 1e-3


def test_a_hill_is_gone_round_and_not_over():
    metric, z0, z1 = Metric(hill), vector(-1.5, 0), vector(1.5, 0)
    over = geodesic(metric, z0, z1, max_segments=16, settings=SolverSettings(n_escapes=0))
    assert not over.converged and not over.is_minimum and over.lowest_curvature < 0
    assert over.message[0] in MESSAGES[COARSE:]
    found = geodesic(metric, z0, z1)
    assert found.converged and found.is_minimum and found.lowest_curvature > 0
    assert found.length < 0.6 * over.length


def test_the_second_variation_of_a_great_circle_is_that_of_its_length():
    # Jacobi's equation on the unit sphere: lowest eigenvalue 1 - (L / π)² beside that of the plane.
    for length in (1.0, 2.0, 2.9, 3.4, 4.5):
        found = geodesic(
            Metric(sphere_of_angles), vector(0, 0), vector(length, 0), settings=SolverSettings(n_escapes=0)
        )
        # The ridge and a coarse grid change the ratio by some per cent.
        assert float(found.lowest_curvature) == pytest.approx(1 - (length / math.pi) ** 2, abs=0.06)
        assert bool(found.is_minimum) == (length < math.pi)


def test_the_equator_the_long_way_is_left():
    found = geodesic(Metric(sphere_of_angles), vector(0, 0), vector(6.0, 0), max_iterations=200)
    # Over the pole, where the chart is singular: two hundredths more than π.
    assert found.is_minimum and found.length < 1.02 * math.pi


def test_a_disc_between_the_ends_is_gone_round_by_default():
    cost = 5.0
    metric = Metric(latent, lambda z: 1 + cost * torch.sigmoid((0.5 - z.norm(dim=1)) / 0.02))
    found = geodesic(metric, vector(-1, 0), vector(1, 0))
    tangent = 2 * math.sqrt(1 - 0.5**2) + 0.5 * (math.pi - 2 * math.acos(0.5))
    # The rim is soft; the sharp disc of its radius is the bound from below.
    assert found.converged and tangent < found.length < 1.12 * tangent


def test_blobs_in_the_way_are_gone_round():
    centres = [(-2.0, 0.1), (-1.0, -0.2), (0.0, 0.15), (1.0, -0.1), (2.0, 0.2)]

    def cost(z):
        near = [torch.exp(-((z - vector(*c).to(z)) / 0.3).square().sum(1)) for c in centres]
        return 1 + 20 * sum(near)

    found = geodesic(Metric(latent, cost), vector(-3, 0), vector(3, 0))
    assert found.converged
    # 6.5878 from a graph of 2,000 points on 256 segments; Dijkstra on a lattice of step 0.05 gives 6.598.
    assert found.length < 6.6


# Spaces of which there is no one image.


def hyperbolic(a, b):
    """Distance in Poincaré's half-plane."""
    return torch.acosh(1 + (a - b).square().sum(-1) / (2 * a[..., 1] * b[..., 1]))


HALF_PLANE_ENDS = vector(-1, 1, 0, 1, -2, 0.5).view(3, 2), vector(1, 1, 0.5, 2, 2, 1).view(3, 2)


def test_a_matrix_of_the_half_plane_gives_the_hyperbolic_distance():
    metric = Metric.from_matrix(lambda z: torch.eye(2).to(z) / z[:, 1, None, None].square())
    z0, z1 = HALF_PLANE_ENDS
    found = geodesic(metric, z0, z1)
    assert found.converged.all() and (found.energy < 0.9 * found.start_energy)[::2].all()
    close(found.length, hyperbolic(z0, z1), 10 * SOLVER)


def test_normal_distributions_lie_in_a_hyperbolic_plane():
    # Φ = (μ, σ): √2 times the half-plane with μ / √2.
    metric = Metric(gaussian(lambda z: (z[:, :1], z[:, 1:]), "deviation"))
    z0, z1 = HALF_PLANE_ENDS
    half = torch.tensor([2**-0.5, 1.0]).double()
    expected = 2**0.5 * hyperbolic(z0 * half, z1 * half)
    close(geodesic(metric, z0, z1).length, expected, 10 * SOLVER)

    def kullback_leibler(z, y):
        moved = z[:, 1].square() + (z[:, 0] - y[:, 0]).square()
        return (y[:, 1] / z[:, 1]).log() + moved / (2 * y[:, 1].square()) - 0.5

    close(geodesic(Metric.from_divergence(kullback_leibler), z0, z1).length, expected, 10 * SOLVER)


def test_charts_that_cannot_be_differentiated_are_made_anew_until_they_stay():
    # Tenths of the height stand for strings: λ = 1 / the height, rounded.
    def chart(z, tenths):
        return 10 * z / tenths

    metric = Metric(LocalSpace(lambda z: (z[:, 1:] * 10).round().long().clamp(min=1), chart))
    z0, z1 = vector(-1, 1)[None], vector(1, 1)[None]
    found = geodesic(metric, z0, z1)
    # Fixed charts know no slope of λ, so that the straight line, of length 2, seems best to them.
    assert found.length < 0.95 * 2
    close(found.length, hyperbolic(z0, z1), 0.05)  # the rounding


def test_a_potential_bends_a_straight_line():
    # z'' = V' with V = ½ k z²: the catenary cosh of the oscillator turned over.
    metric = Metric(latent, potential=lambda z: 2.0 * z.square().sum(1))
    found = geodesic(metric, vector(1.0)[None], vector(1.0)[None] + 1e-6, tol=1e-6, max_iterations=200)
    moved = geodesic(metric, vector(1.0, 0)[None], vector(1.0, 1.0)[None], tol=1e-6, max_iterations=200)
    t = torch.linspace(0, 1, 11, dtype=torch.float64)
    first = torch.cosh(2 * (t - 0.5)) / math.cosh(1.0)
    close(moved.curve(t)[0, :, 0], first, 10 * SOLVER)
    close(moved.curve(t)[0, :, 1], torch.sinh(2 * t) / math.sinh(2.0), 10 * SOLVER)
    assert found.converged.all()


def test_a_function_of_arrays_has_geodesics():
    def bowl(z):
        return np.concatenate([z, np.square(z).sum(1, keepdims=True)], 1)

    z0, z1 = vectors(3, 2), vectors(3, 2, seed=1)
    found = geodesic(Metric(from_numpy(bowl)), z0, z1)
    close(found.length, geodesic(Metric(paraboloid), z0, z1).length, SOLVER)


def test_reversed_ends_cost_the_same_in_single_precision_under_a_lambda():
    metric, z0, z1 = METRICS["network, wavy"], vectors(8, 3).float(), vectors(8, 3, seed=1).float()
    there, back = geodesic(metric, z0, z1), geodesic(metric, z1, z0)
    # Each is converged to 1e-3 of its energy.
    close(there.energy, back.energy, 1e-3)


def test_starts_can_be_made_of_the_ends():
    metric, z0, z1 = Metric(latent, disc_cost), vectors(2, 2) * 0.1 - 1.3, vectors(2, 2, seed=1) * 0.1 + 1.3
    graph = NeighbourGraph(metric, 6).fit(1.2 * vectors(200, 2))
    made = geodesic(metric, z0, z1, starts=lambda a, b: [graph.paths(a, b)])
    close(made.energy, geodesic(metric, z0, z1, starts=[graph.paths(z0, z1)]).energy)


# Bad pairs.


def test_equal_ends_give_a_constant_curve():
    z0, z1 = vectors(3, 3), vectors(3, 3, seed=1)
    z1[1] = z0[1]
    found = geodesic(METRICS["network, wavy"], z0, z1)
    assert float(found.length[1]) == float(found.energy[1]) == 0 and bool(found.converged[1])
    close(found.curve(T)[1], z0[1].expand(401, 3))
    assert found.message == ("converged", "ends are equal; a constant curve", "converged")


def test_all_ends_equal():
    z = vectors(2, 3)
    assert geodesic(METRICS["network, wavy"], z, z).length.tolist() == [0, 0]


def broken_at(pair, phi):
    """`phi`, with NaN wherever the first coordinate is beyond 50."""
    return lambda z: torch.where(z[:, :1] > 50, torch.nan, phi(z))


@pytest.mark.parametrize("name", ["phi", "lambda_"])
def test_nan_names_the_callable_and_the_pair(name):
    z0, z1 = vectors(2, 2, 3), vectors(2, 2, 3, seed=1)
    z0[1, 0, 0] = 100
    phi = broken_at(2, network(3, 8)) if name == "phi" else latent
    cost = None if name == "phi" else (lambda z: torch.where(z[:, 0] > 50, torch.nan, 1.0))
    with pytest.raises(NotFiniteError, match=rf"`{name}` must give finite numbers; .* at pair 2\.") as caught:
        geodesic(Metric(phi, cost), z0, z1)
    assert (caught.value.name, caught.value.pair) == (name, 2)


def test_an_end_that_is_nan_is_named():
    z0 = vectors(3, 3)
    z0[1, 2] = torch.nan
    with pytest.raises(NotFiniteError, match=r"`z0, z1 or starts` must give finite numbers; .* at pair 1"):
        geodesic(Metric(latent), z0, vectors(3, 3, seed=1))


def test_a_bad_pair_leaves_the_others_as_they_were():
    z0, z1, phi = vectors(4, 3), vectors(4, 3, seed=1), network(3, 8)
    sound = geodesic(Metric(phi), z0[[0, 1, 3]], z1[[0, 1, 3]])
    z0[2, 0] = 100
    found = geodesic(Metric(broken_at(2, phi)), z0, z1, errors="keep")
    close(found.curve(T)[[0, 1, 3]], sound.curve(T), FLOAT32)
    close(found.energy[[0, 1, 3]], sound.energy, FLOAT32)
    assert found.converged.tolist() == [True, True, False, True]
    assert math.isnan(found.energy[2]) and math.isnan(found.length[2]) and math.isnan(found.start_energy[2])
    close(found.curve(T)[2], linear(z0[2], z1[2], T))
    assert found.message[2] == "a callable gave NaN or infinity; the straight line"


def test_nan_beside_the_way_is_gone_round():
    # Undefined under the line: steps that lead there count as too far.
    metric = Metric(latent, lambda z: torch.where(z[:, 1] < -0.01, torch.nan, 2 - z[:, 1].clamp(max=1)))
    found = geodesic(metric, vector(-1, 0), vector(1, 0))
    assert found.energy < found.start_energy and torch.isfinite(found.energy)


@pytest.mark.parametrize(
    ("shape0", "shape1", "message"),
    [
        ((2, 3), (2, 4), r"`z0` and `z1` must have the same shape \(\.\.\., d\); got \(2, 3\) and \(2, 4\)"),
        ((), (), r"got \(\) and \(\)"),
        ((0, 3), (0, 3), r"`z0` must hold one pair or more; got \(0, 3\)"),
    ],
)
def test_ends_of_other_shapes_are_refused(shape0, shape1, message):
    with pytest.raises(ShapeError, match=message):
        geodesic(Metric(latent), torch.ones(shape0), torch.zeros(shape1))


@pytest.mark.parametrize(
    ("end", "kind"),
    [(torch.tensor([0, 1]), "torch.int64"), (np.zeros(2), "ndarray"), ([0.0, 1.0], "list")],
)
def test_ends_that_are_no_numbers_of_a_tensor_are_refused(end, kind):
    sound = torch.ones(2)
    for ends, name in (((end, sound), "z0"), ((sound, end), "z1")):
        with pytest.raises(InputError, match=f"`{name}` must be a tensor of floating-point .* got {kind}"):
            geodesic(Metric(latent), *ends)
        # Whole numbers would be rounded down on the way.
        with pytest.raises(InputError, match=f"`{name}` must be a tensor of floating-point .* got {kind}"):
            linear(*ends, torch.linspace(0, 1, 3))


def test_a_negative_lambda_is_refused_with_its_pair():
    # -log of a density is negative where the density is above 1.
    metric = Metric(latent, lambda z: 2 - z[:, 0])
    z0 = vector(0, 0, 0, 0).view(2, 2)
    with pytest.raises(InputError, match="`lambda_` must be positive; got -1 at pair 1. Add a constant"):
        geodesic(metric, z0, z0 + vector(1, 3)[:, None])


@pytest.mark.parametrize("shape", [(5, 3), (2, 5, 4), (3, 5, 3), (2, 1, 3)])
def test_starts_of_other_shapes_are_refused(shape):
    message = r"`starts\[0\]` must have shape \(\*\(2,\), k, 3\) to match the ends; got \("
    with pytest.raises(ShapeError, match=message):
        geodesic(Metric(latent), vectors(2, 3), vectors(2, 3, seed=1), starts=[torch.ones(shape)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_segments": 1}, "`n_segments` must be at least 2; got 1"),
        ({"max_segments": 8}, "`max_segments` must be at least `n_segments`, 16; got 8"),
        ({"max_iterations": -1}, "`max_iterations` must be at least 0; got -1"),
        ({"tol": 0.0}, r"`tol` must lie between 0 and 1; got 0\.0"),
        ({"interpolation": "quintic"}, '`interpolation` must be "cubic" or "linear"; got \'quintic\''),
        ({"errors": "ignore"}, '`errors` must be "raise" or "keep"; got \'ignore\''),
        ({"starts": []}, "`starts` must hold one curve a pair or more; got none"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        geodesic(Metric(latent), vectors(2, 3), vectors(2, 3, seed=1), **options)


def test_an_output_space_without_gradient_is_refused():
    with pytest.raises(InputError, match="`phi` must be differentiable; got a tensor without a gradient"):
        geodesic(Metric(lambda z: z.detach().sin()), vectors(2, 3), vectors(2, 3, seed=1))
