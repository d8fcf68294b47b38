"""Discrete geodesics: shortest paths over points of which only the similarities are known.

Between points i and j the step costs λ̄(i, j)² (d(i, j)² + fee), with d = 1 - similarity and λ̄ the mean of
their λ: the energy of a curve, taken on a graph, plus a fee a step that keeps the path from dwelling. Steps
below a least similarity are no edges. Graphs are dense and small (a few thousand points), so all methods
are dense and exact: O(n²) with one vector operation a point.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from molinterp.errors import ShapeError

Similarity = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def connected(similarity: Similarity, root: int, floor: float, allowed: Mask) -> Mask:
    """Which points can be reached from `root` by steps of at least `floor`, (n,).

    Args:
        similarity: (n, n), in [0, 1], symmetric.
        root: where the steps begin.
        floor: least similarity of a step.
        allowed: (n,) points that may be visited.

    Raises:
        ShapeError: the arrays do not fit each other.
    """
    _check(similarity, allowed)
    seen = np.zeros(len(similarity), bool)
    seen[root] = True
    front = np.array([root])
    while len(front):
        new = (similarity[front] >= floor).any(0) & allowed & ~seen
        seen |= new
        front = np.flatnonzero(new)
    return seen


def widest(similarity: Similarity, start: int, end: int, allowed: Mask) -> float:
    """Largest similarity that every step of some path from `start` to `end` can have: the minimax path.

    Grown as a maximum spanning tree, Prim 1957. Shapes as in `connected`.

    Raises:
        ShapeError: the arrays do not fit each other.
    """
    _check(similarity, allowed)
    width = np.where(allowed, similarity[start], -1.0).astype(np.float64)
    todo = allowed.copy()
    todo[start] = False
    while todo.any():
        best = int(np.argmax(np.where(todo, width, -2.0)))
        if best == end:
            break
        todo[best] = False
        np.maximum(width, np.minimum(width[best], similarity[best]), out=width, where=todo)
    return float(width[end])


def cheapest(
    similarity: Similarity,
    weights: Weights,
    start: int,
    end: int,
    *,
    floor: float = 0.0,
    fee: float = 0.0,
    allowed: Mask | None = None,
) -> tuple[int, ...]:
    """Path of least energy from `start` to `end`, both included; empty where there is none.

    Dijkstra 1959, on the dense graph.

    Args:
        similarity: (n, n), in [0, 1], symmetric.
        weights: (n,) λ of each point, positive.
        start: first point.
        end: last point.
        floor: least similarity of a step.
        fee: what a step costs beside its squared distance, dimensionless.
        allowed: (n,) points that may be visited; None means all.

    Raises:
        ShapeError: the arrays do not fit each other.
    """
    n = len(similarity)
    todo = np.ones(n, bool) if allowed is None else allowed.copy()
    _check(similarity, todo, weights)
    todo[[start, end]] = True
    cost = np.full(n, np.inf)
    cost[start] = 0.0
    before = np.full(n, -1)
    while True:
        here = int(np.argmin(np.where(todo, cost, np.inf)))
        if not todo[here] or not np.isfinite(cost[here]):
            return ()
        if here == end:
            return _traced(before, start, end)
        todo[here] = False
        onward = cost[here] + _step_costs(similarity, weights, here, fee)
        better = todo & (similarity[here] >= floor) & (onward < cost)
        cost[better] = onward[better]
        before[better] = here


def with_exactly(
    similarity: Similarity,
    weights: Weights,
    order: Weights,
    n_points: int,
    start: int,
    end: int,
    *,
    floor: float = 0.0,
    allowed: Mask | None = None,
) -> tuple[int, ...]:
    """Path of least energy with `n_points` points, ends included, along `order`; empty where there is none.

    Every step leads to a larger value of `order`, so no point stands twice. Layered dynamic programming,
    O(n_points n²). Arguments as in `cheapest`; `order` (n,) is smallest at `start` and largest at `end`.

    Raises:
        ShapeError: the arrays do not fit each other, or `n_points` is below 2.
    """
    usable = np.ones(len(similarity), bool) if allowed is None else allowed
    _check(similarity, usable, weights, order)
    kept = _in_order(order, n_points, start, end, usable)
    lam, near = weights[kept], similarity[np.ix_(kept, kept)]
    forward = (order[kept][:, None] < order[kept]) & (near >= floor)
    steps = np.where(forward, (0.5 * (lam[:, None] + lam)) ** 2 * (1.0 - near) ** 2, np.inf)
    cost = np.full(len(kept), np.inf)
    cost[0] = 0.0
    trace = []
    for _ in range(n_points - 1):
        through = cost[:, None] + steps
        trace.append(through.argmin(0))
        cost = through.min(0)
    if not np.isfinite(cost[-1]):
        return ()
    path = [len(kept) - 1]
    for best in reversed(trace):
        path.append(int(best[path[-1]]))
    return tuple(int(kept[i]) for i in reversed(path))


def widest_with_exactly(
    similarity: Similarity, order: Weights, n_points: int, start: int, end: int, allowed: Mask
) -> float:
    """Largest similarity that every step of some path of `with_exactly` can have; 0 where there is none.

    Raises:
        ShapeError: the arrays do not fit each other, or `n_points` is below 2.
    """
    _check(similarity, allowed, order)
    kept = _in_order(order, n_points, start, end, allowed)
    near = np.where(order[kept][:, None] < order[kept], similarity[np.ix_(kept, kept)], 0.0)
    width = np.zeros(len(kept))
    width[0] = 1.0
    for _ in range(n_points - 1):
        width = np.minimum(width[:, None], near).max(0)
    return float(width[-1])


def _in_order(order: Weights, n_points: int, start: int, end: int, allowed: Mask) -> npt.NDArray[np.intp]:
    """Points that a path with `n_points` may visit, in their order, the ends among them."""
    if n_points < 2:
        raise ShapeError(f"`n_points` must be at least 2, the ends included; got {n_points}.")
    kept = np.flatnonzero(allowed & (order > order[start]) & (order < order[end]))
    return np.array([start, *kept[np.argsort(order[kept], kind="stable")], end])


def with_one_more(
    similarity: Similarity,
    weights: Weights,
    path: tuple[int, ...],
    *,
    floor: float = 0.0,
    allowed: Mask | None = None,
) -> tuple[int, ...]:
    """The path with the point between two of its neighbours that adds least energy; empty where none fits.

    A path along which an order grows, as `with_exactly` gives it, may lack the points for one more where a
    detour has them. Arguments as in `cheapest`, but for `path`, which has two points or more.

    Raises:
        ShapeError: the arrays do not fit each other.
    """
    usable = np.ones(len(similarity), bool) if allowed is None else allowed.copy()
    _check(similarity, usable, weights)
    usable[list(path)] = False
    best, found = np.inf, tuple[int, ...]()
    for place, (a, b) in enumerate(pairwise(path), 1):
        cost = _step_costs(similarity, weights, a, 0.0) + _step_costs(similarity, weights, b, 0.0)
        cost -= _step_costs(similarity, weights, a, 0.0)[b]
        fits = usable & (similarity[a] >= floor) & (similarity[b] >= floor)
        cost = np.where(fits, cost, np.inf)
        point = int(cost.argmin())
        if cost[point] < best:
            best, found = float(cost[point]), (*path[:place], point, *path[place:])
    return found


def energy(similarity: Similarity, weights: Weights, path: tuple[int, ...]) -> float:
    """½ (n - 1) Σ λ̄² d² over the n - 1 steps of a path, dimensionless."""
    rows, columns = np.array(path[:-1]), np.array(path[1:])
    distance = 1.0 - similarity[rows, columns].astype(np.float64)
    mean = 0.5 * (weights[rows] + weights[columns])
    return float(0.5 * len(rows) * np.sum(mean**2 * distance**2))


def length(similarity: Similarity, weights: Weights, path: tuple[int, ...]) -> float:
    """Σ λ̄ d over the steps of a path, dimensionless; its square is at most twice the energy."""
    rows, columns = np.array(path[:-1]), np.array(path[1:])
    distance = 1.0 - similarity[rows, columns].astype(np.float64)
    return float(np.sum(0.5 * (weights[rows] + weights[columns]) * distance))


def _step_costs(similarity: Similarity, weights: Weights, here: int, fee: float) -> Weights:
    distance = 1.0 - similarity[here].astype(np.float64)
    return (0.5 * (weights + weights[here])) ** 2 * (distance**2 + fee)


def _traced(before: npt.NDArray[np.int64], start: int, end: int) -> tuple[int, ...]:
    path = [end]
    while path[-1] != start:
        path.append(int(before[path[-1]]))
    return tuple(reversed(path))


def _check(similarity: Similarity, *vectors: npt.NDArray[np.generic]) -> None:
    n = len(similarity)
    if similarity.shape != (n, n) or any(v.shape != (n,) for v in vectors):
        shapes = ", ".join(str(v.shape) for v in vectors)
        raise ShapeError(
            f"`similarity` must have shape (n, n) and the vectors beside it (n,); got {similarity.shape} "
            f"and {shapes}. Give one entry a point."
        )
