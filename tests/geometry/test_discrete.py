import itertools

import numpy as np
import pytest

from molinterp.errors import ShapeError
from molinterp.geometry.discrete import (
    cheapest,
    connected,
    energy,
    length,
    widest,
    widest_with_exactly,
    with_exactly,
    with_one_more,
)
from tests.tolerances import EXACT


def graph(seed: int, n: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Random similarities, and λ of each point."""
    rng = np.random.default_rng(seed)
    table = rng.random((n, n)).astype(np.float32)
    table = np.triu(table, 1) + np.triu(table, 1).T
    return table, 1 + rng.random(n)


def all_paths(n: int):
    """Every path from 0 to 1 without a point twice."""
    for k in range(n - 1):
        for middle in itertools.permutations(range(2, n), k):
            yield (0, *middle, 1)


def cost(table, weights, path, fee=0.0):
    return sum(
        (0.5 * (weights[i] + weights[j])) ** 2 * ((1 - float(table[i, j])) ** 2 + fee)
        for i, j in itertools.pairwise(path)
    )


def worst(table, path):
    return min(float(table[i, j]) for i, j in itertools.pairwise(path))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("floor", "fee"), [(0.0, 0.0), (0.3, 0.0), (0.5, 0.2)])
def test_the_cheapest_path_is_that_of_an_exhaustive_search(seed, floor, fee):
    table, weights = graph(seed)
    found = cheapest(table, weights, 0, 1, floor=floor, fee=fee)
    passing = [p for p in all_paths(7) if worst(table, p) >= floor]
    assert bool(found) == bool(passing)
    if found:
        assert worst(table, found) >= floor
        least = min(cost(table, weights, p, fee) for p in passing)
        assert cost(table, weights, found, fee) == pytest.approx(least, abs=EXACT)


@pytest.mark.parametrize("seed", range(20))
def test_the_widest_path_is_that_of_an_exhaustive_search(seed):
    table, _ = graph(seed)
    assert widest(table, 0, 1, np.ones(7, bool)) == max(worst(table, p) for p in all_paths(7))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("n_points", [2, 3, 5])
def test_a_path_of_so_many_points_is_that_of_an_exhaustive_search(seed, n_points):
    table, weights = graph(seed)
    order = np.array([-1.0, 9.0, *range(5)])
    found = with_exactly(table, weights, order, n_points, 0, 1, floor=0.1)
    passing = [
        p
        for p in all_paths(7)
        if len(p) == n_points and worst(table, p) >= 0.1 and list(p[1:-1]) == sorted(p[1:-1])
    ]
    assert bool(found) == bool(passing)
    if found:
        assert len(found) == n_points
        least = min(cost(table, weights, p) for p in passing)
        assert cost(table, weights, found) == pytest.approx(least, abs=EXACT)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("n_points", [2, 3, 5, 7, 8])
def test_the_widest_path_of_so_many_points_is_that_of_an_exhaustive_search(seed, n_points):
    table, weights = graph(seed)
    order, allowed = np.array([-1.0, 9.0, *range(5)]), np.arange(7) != 4
    found = widest_with_exactly(table, order, n_points, 0, 1, allowed)
    fit = [p for p in all_paths(7) if len(p) == n_points and 4 not in p and list(p[1:-1]) == sorted(p[1:-1])]
    assert found == max((worst(table, p) for p in fit), default=0.0)
    if fit:
        path = with_exactly(table, weights, order, n_points, 0, 1, floor=found, allowed=allowed)
        assert worst(table, path) == found


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("floor", [0.0, 0.3, 0.6])
def test_one_more_point_stands_where_an_exhaustive_search_puts_it(seed, floor):
    table, weights = graph(seed)
    path, barred = (0, 3, 1), 5
    allowed = np.arange(7) != barred
    found = with_one_more(table, weights, path, floor=floor, allowed=allowed)
    longer = [(0, i, 3, 1) for i in (2, 4, 6)] + [(0, 3, i, 1) for i in (2, 4, 6)]
    # Steps that were there before are not asked to be as similar.
    new = {p: [s for s in itertools.pairwise(p) if s not in itertools.pairwise(path)] for p in longer}
    passing = [p for p in longer if all(table[step] >= floor for step in new[p])]
    assert bool(found) == bool(passing)
    if found:
        assert found in passing
        least = min(cost(table, weights, p) for p in passing)
        assert cost(table, weights, found) == pytest.approx(least, abs=EXACT)


def test_more_points_than_there_are_give_no_path():
    table, weights = graph(0)
    assert with_exactly(table, weights, np.array([-1.0, 9.0, *range(5)]), 8, 0, 1) == ()


@pytest.mark.parametrize("seed", range(10))
def test_points_that_are_barred_are_not_visited(seed):
    table, weights = graph(seed)
    allowed = np.array([True, True, False, True, False, True, True])
    assert not {2, 4} & set(cheapest(table, weights, 0, 1, allowed=allowed))
    left = [p for p in all_paths(7) if not {2, 4} & set(p)]
    assert widest(table, 0, 1, allowed) == max(worst(table, p) for p in left)


@pytest.mark.parametrize("seed", range(10))
def test_what_is_connected_is_what_has_a_path(seed):
    table, weights = graph(seed)
    seen = connected(table, 0, 0.6, np.ones(7, bool))
    for point in range(1, 7):
        assert seen[point] == bool(cheapest(table, weights, 0, point, floor=0.6))


def test_points_on_a_line_with_equal_steps_have_twice_the_energy_of_squared_length():
    places = np.linspace(0, 1, 6)
    order = [0, 2, 3, 4, 5, 1]
    table = np.zeros((6, 6), np.float32)
    for a, i in enumerate(order):
        for b, j in enumerate(order):
            table[i, j] = 1 - abs(places[a] - places[b])
    path = tuple(order)
    assert length(table, np.ones(6), path) == pytest.approx(1.0, abs=1e-6)
    assert 2 * energy(table, np.ones(6), path) == pytest.approx(1.0, abs=1e-6)
    # λ = 3 everywhere: lengths by 3, energies by 9, the path the same.
    assert length(table, np.full(6, 3.0), path) == pytest.approx(3.0, abs=1e-6)
    assert cheapest(table, np.full(6, 3.0), 0, 1) == cheapest(table, np.ones(6), 0, 1) == path


@pytest.mark.parametrize("seed", range(10))
def test_squared_length_is_at_most_twice_the_energy(seed):
    table, weights = graph(seed)
    for path in all_paths(7):
        assert length(table, weights, path) ** 2 <= 2 * energy(table, weights, path) * (1 + EXACT)


def test_a_path_goes_round_points_that_lambda_makes_dear():
    # Two ways of equal steps; one through a point of large λ.
    table = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5], [0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0]], np.float32)
    assert cheapest(table, np.array([1.0, 1.0, 5.0, 1.0]), 0, 1, floor=0.4) == (0, 3, 1)
    assert cheapest(table, np.array([1.0, 1.0, 1.0, 5.0]), 0, 1, floor=0.4) == (0, 2, 1)


def test_arrays_that_do_not_fit_are_named():
    with pytest.raises(ShapeError, match=r"must have shape \(n, n\).*got \(3, 3\) and \(3,\), \(4,\)"):
        cheapest(np.zeros((3, 3), np.float32), np.ones(4), 0, 1)
    with pytest.raises(ShapeError, match="`n_points` must be at least 2"):
        with_exactly(np.zeros((3, 3), np.float32), np.ones(3), np.arange(3.0), 1, 0, 1)
