"""Shortest paths in a graph of neighbours."""

import pytest
import torch
from torch.testing import assert_close

from molinterp.errors import InputError, NotFittedError, ShapeError
from molinterp.geometry.graph import GraphSettings, NeighbourGraph
from molinterp.geometry.metric import Metric
from molinterp.geometry.output_spaces import latent
from tests.geometry.examples import disc_cost, vector, vectors
from tests.tolerances import EXACT, SOLVER

PLANE = Metric(latent)


def grid(n=5):
    line = torch.arange(n, dtype=torch.float64)
    return torch.cartesian_prod(line, line)


def test_edges_join_nearest_neighbours_once():
    graph = NeighbourGraph(PLANE, n_neighbours=1).fit(vector(0, 1, 3, 3.5)[:, None])
    assert graph.edges_.tolist() == [[0, 1], [2, 3]]
    assert graph.lengths_.tolist() == [1, 0.5]


def test_edges_are_as_long_as_the_metric_says():
    dear = Metric(latent, lambda z: z.new_full(z.shape[:1], 3.0))
    graph, plain = (NeighbourGraph(m, 4).fit(grid()) for m in (dear, PLANE))
    assert_close(graph.lengths_, 3 * plain.lengths_, rtol=EXACT, atol=EXACT)


def test_a_path_keeps_to_the_points():
    # Along two sides of a square, for there are no points on its diagonal.
    way = torch.stack([vector(i, 0) for i in range(11)] + [vector(10, i) for i in range(1, 11)])
    path = NeighbourGraph(PLANE, n_neighbours=1).fit(way).paths(vector(0, 0), vector(10, 10), n_nodes=21)
    assert_close(path, way, rtol=SOLVER, atol=SOLVER)


def test_a_path_goes_round_what_costs_much():
    metric = Metric(latent, disc_cost)
    graph = NeighbourGraph(metric, 8).fit(1.2 * vectors(300, 2))
    z0, z1 = vector(-1.3, 0), vector(1.3, 0)
    path = graph.paths(z0, z1, n_nodes=33)
    assert path.norm(dim=1).min() > 0.7
    assert torch.equal(path[0], z0) and torch.equal(path[-1], z1)
    assert metric.length(path) < 0.7 * metric.length(
        torch.lerp(z0, z1, torch.linspace(0, 1, 33)[:, None].double())
    )


def test_nodes_stand_at_equal_steps_of_length():
    graph = NeighbourGraph(PLANE, 4).fit(grid())
    chords = PLANE.chords(graph.paths(vector(0, 0), vector(0, 4), n_nodes=9))
    assert_close(chords, torch.full((8,), 0.5).double(), rtol=EXACT, atol=EXACT)


def test_a_batch_is_a_loop_and_pairs_do_not_meet():
    graph = NeighbourGraph(PLANE, 3).fit(vectors(60, 2))
    z0, z1 = vectors(2, 3, 2, seed=1), vectors(2, 3, 2, seed=2)
    batch = graph.paths(z0, z1, 7)
    assert batch.shape == (2, 3, 7, 2)
    assert torch.equal(batch[1, 2], graph.paths(z0[1, 2], z1[1, 2], 7))


def test_many_calls_are_one():
    graph = NeighbourGraph(PLANE, 3).fit(vectors(60, 2))
    z0, z1 = vectors(7, 2, seed=1), vectors(7, 2, seed=2)
    small = NeighbourGraph(PLANE, 3, settings=GraphSettings(n_pairs=3)).fit(vectors(60, 2))
    assert torch.equal(small.paths(z0, z1), graph.paths(z0, z1))


def test_pairs_without_a_path_get_the_line():
    islands = torch.cat([vectors(10, 2), vectors(10, 2) + 100])
    path = NeighbourGraph(PLANE, 2).fit(islands).paths(islands[0], islands[-1], 3)
    assert_close(path[1], (islands[0] + islands[-1]) / 2, rtol=EXACT, atol=EXACT)


def test_ends_among_the_points_and_equal_ends():
    points = grid()
    graph = NeighbourGraph(PLANE, 4).fit(points)
    assert_close(PLANE.length(graph.paths(points[0], points[4])), vector(4)[0], rtol=EXACT, atol=EXACT)
    assert torch.equal(graph.paths(points[3], points[3], 4), points[3].expand(4, 2))


def test_what_does_not_fit_is_refused():
    with pytest.raises(NotFittedError, match="`NeighbourGraph` must be fitted before `paths`"):
        NeighbourGraph(PLANE).paths(vector(0, 0), vector(1, 1))
    with pytest.raises(ShapeError, match=r"`points` must have shape \(n, d\) with n >= 2; got \(1, 2\)"):
        NeighbourGraph(PLANE).fit(vectors(1, 2))
    with pytest.raises(InputError, match="`points` must be finite; got NaN or infinity"):
        NeighbourGraph(PLANE).fit(vectors(4, 2) / 0)
    with pytest.raises(ShapeError, match=r"must have the same shape \(\.\.\., 2\); got \(3,\) and \(3,\)"):
        NeighbourGraph(PLANE).fit(vectors(9, 2)).paths(vectors(3), vectors(3))
    with pytest.raises(ShapeError, match=r"`z0` must hold one pair or more; got \(0, 2\)"):
        NeighbourGraph(PLANE).fit(vectors(9, 2)).paths(vectors(0, 2), vectors(0, 2))
    for name in ("n_neighbours", "n_points"):
        with pytest.raises(InputError, match=f"`{name}` must be at least 1; got 0"):
            NeighbourGraph(PLANE, **{name: 0})
