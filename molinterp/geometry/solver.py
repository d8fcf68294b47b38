"""The solver behind `geodesic`: descent on finer and finer grids, second variation, new starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from molinterp.errors import InputError, NotFiniteError
from molinterp.geometry.curvature import lowest_curvature
from molinterp.geometry.curves import Curve, PiecewiseLinear
from molinterp.geometry.grid import Ends, Grid
from molinterp.geometry.measure import Measure, extent, integrals, is_near, steps
from molinterp.geometry.metric import Metric
from molinterp.geometry.minimise import Builder, Minimum, minimise
from molinterp.geometry.preconditioners import Springs, chained, halved, metrics_along
from molinterp.geometry.restarts import way_round
from molinterp.geometry.settings import SolverSettings
from molinterp.geometry.state import BAD, COARSE, CONVERGED, EQUAL, SADDLE, START, STOPPED, Part, by_level


@final
@dataclass(frozen=True)
class Solver:
    """The options of one call."""

    metric: Metric
    n_segments: int
    finest: int
    tol: float
    max_iterations: int
    kind: Callable[[Tensor], Curve]
    raises: bool
    settings: SolverSettings

    def solve(self, z0: Tensor, z1: Tensor, starts: list[Tensor], first: int) -> Part:
        """Pairs z0, z1 (p, d), the first of which is pair `first` of the call."""
        # Few curves need the finest grid; until one does, no nodes are held on it.
        solver = replace(self, finest=self.n_segments)
        begun = solver._on_grid(starts)
        measures = [solver._measure(nodes, self.n_segments, at_once=True) for nodes in begun]
        part = solver._begin(z0, z1, begun, measures, first)
        (index,) = (part.outcome == START).nonzero(as_tuple=True)
        for start, measure in zip(begun, measures, strict=True) if len(index) else ():
            solver._improve(part, start[index], measure.energy[index], index, self.n_segments)
        for left in reversed(range(1 + self.settings.n_escapes)) if self.max_iterations > 0 else ():
            if solver.finest < self.finest and (part.error[index] > self.tol).any():
                solver, begun = self, self._on_grid(starts)
                part = replace(part, nodes=self.kind(part.nodes)(steps(self.finest)))
            solver._refine(part, index, begun)
            index, nodes = solver._leave_saddles(part, index, find_ways=left > 0)
            if left == self.settings.n_escapes > 0:
                index, nodes = solver._with_ways_round(part, index, nodes)
            for n, rows in by_level(part, index):
                solver._follow(part, nodes[rows], index[rows], n)
        self._judge(part)
        return part

    def _on_grid(self, starts: list[Tensor]) -> list[Tensor]:
        return [PiecewiseLinear(start)(steps(self.finest)) for start in starts]

    def _begin(
        self, z0: Tensor, z1: Tensor, begun: list[Tensor], measures: list[Measure], first: int
    ) -> Part:
        """Take the best starts, and set pairs aside that need no solver or cannot be solved."""
        energies = torch.stack([m.energy for m in measures])
        equal, near = (z0 == z1).all(1), is_near(z0, z1)
        bad = ~torch.isfinite(energies).all(0) & ~near
        self._check_starts(begun, bad, first)
        start_energy, at = energies.min(0)
        rows = torch.arange(len(z0), device=z0.device)
        nodes = torch.stack(begun)[at, rows]
        line = PiecewiseLinear(torch.stack([z0, z1], 1))(steps(self.finest))
        nodes[near | bad] = line[near | bad]
        length = torch.stack([m.length for m in measures])[at, rows]
        error = torch.stack([m.error for m in measures])[at, rows]
        if near.any():
            with torch.no_grad():
                length[near] = self.metric.norm((z0[near] + z1[near]) / 2, z1[near] - z0[near])
            start_energy[near], error[near] = 0.5 * length[near].square(), 0
        for values in (start_energy, length, error):
            values[bad] = torch.nan
        outcome = torch.where(equal, EQUAL, torch.where(near, CONVERGED, torch.where(bad, BAD, START)))
        return Part(
            nodes=nodes,
            level=torch.full_like(outcome, self.n_segments),
            energy=start_energy.clone(),
            length=length,
            start_energy=start_energy,
            error=error,
            eigenvalue=torch.where(near, 1.0, torch.nan).to(z0),
            iterations=torch.zeros_like(outcome),
            converged=near.clone(),
            outcome=outcome,
            springs=None if self.metric.has_fields else z0.new_zeros(len(z0), z0.shape[1], z0.shape[1]),
        )

    def _with_ways_round(self, part: Part, index: Tensor, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """Starts of more pairs: paths about the line of those whose λ varies where no saddle was left."""
        ways = self.settings.restarts
        if self.metric.lambda_ is None or part.nodes.shape[2] > ways.max_dim:
            return index, nodes
        others = part.outcome < EQUAL
        others[index] = False
        (more,) = others.nonzero(as_tuple=True)
        with torch.no_grad():
            costs = self.metric.costs(part.nodes[more])
        more = more[costs.amax(1) > ways.unequal * costs.amin(1)]
        if not len(more):
            return index, nodes
        own = part.nodes[more]
        paths = PiecewiseLinear(way_round(self.metric, own[:, 0], own[:, -1], ways))(steps(self.finest))
        return torch.cat([index, more]), torch.cat([nodes, paths])

    def _follow(self, part: Part, nodes: Tensor, index: Tensor, n: int) -> None:
        """Follow new starts of hard pairs `index`, by springs and by a chain."""
        measure = self._measure(nodes, n, at_once=True)
        (better,) = (measure.energy < part.energy[index]).nonzero(as_tuple=True)
        self._take_start(part, nodes[better], index[better], measure, better)
        self._improve(part, nodes, measure.energy, index, n)
        if not self.metric.has_fields:
            self._improve(
                part, part.nodes[index].clone(), part.energy[index].clone(), index, n, by_chain=True
            )

    def _improve(
        self, part: Part, nodes: Tensor, before: Tensor, index: Tensor, n: int, by_chain: bool = False
    ) -> None:
        """Follow a start of the pairs `index`, of energy `before`, on n segments; take what costs less."""
        springs, is_varied = self._springs(nodes)
        is_varied = is_varied | by_chain
        found, iterations, converged = self._descend(nodes, self._grids(n), springs, is_varied)
        measure = self._measure(found, n)
        # A coarse grid can lead through what it does not see; then the start is followed on the last alone.
        (lost,) = (~(measure.energy <= before * (1 + self.tol))).nonzero(as_tuple=True)
        if len(lost) and len(self._grids(n)) > 1:
            mean = None if springs is None else springs[lost]
            found[lost], more, converged[lost] = self._descend(nodes[lost], [n], mean, is_varied[lost])
            iterations[lost] += more
            again = self._measure(found[lost], n)
            for whole, rows in zip(vars(measure).values(), vars(again).values(), strict=True):
                whole[lost] = rows
        if springs is not None and part.springs is not None:
            part.springs[index] = springs
        part.iterations[index] += iterations
        flat = converged & (measure.energy <= part.energy[index] * (1 + self.tol))
        part.converged[index] |= flat
        better = measure.energy < part.energy[index]
        hit = index[better]
        part.nodes[hit], part.energy[hit] = found[better], measure.energy[better]
        part.length[hit], part.error[hit] = measure.length[better], measure.error[better]
        part.converged[hit] = converged[better]
        part.outcome[hit] = torch.where(converged[better], CONVERGED, STOPPED)
        stayed = index[flat & ~better]
        part.outcome[stayed] = CONVERGED

    def _refine(self, part: Part, index: Tensor, begun: list[Tensor]) -> None:
        """Double the segments of the pairs `index` whose error is too large, and solve them again."""
        while True:
            (rows,) = ((part.error[index] > self.tol) & (2 * part.level[index] <= self.finest)).nonzero(
                as_tuple=True
            )
            if not len(rows):
                return
            part.level[index[rows]] *= 2
            for n, some in by_level(part, index[rows]):
                again = index[rows][some]
                measures = [self._measure(nodes[again], n, at_once=True) for nodes in begun]
                part.start_energy[again] = torch.stack([m.energy for m in measures]).amin(0)
                now = self._measure(part.nodes[again], n)
                part.energy[again], part.length[again], part.error[again] = vars(now).values()
                part.converged[again] = False
                self._improve(part, part.nodes[again], now.energy, again, n)
                for start, measure in zip(begun, measures, strict=True):
                    (better,) = (measure.energy < part.energy[again]).nonzero(as_tuple=True)
                    if len(better):
                        self._take_start(part, start[again[better]], again[better], measure, better)
                        self._improve(part, start[again[better]], measure.energy[better], again[better], n)

    def _take_start(self, part: Part, nodes: Tensor, index: Tensor, measure: Measure, rows: Tensor) -> None:
        """Put a start that costs less than what was found in its place."""
        part.nodes[index], part.outcome[index], part.converged[index] = nodes, START, False
        part.energy[index], part.length[index] = measure.energy[rows], measure.length[rows]
        part.error[index] = measure.error[rows]

    def _leave_saddles(self, part: Part, index: Tensor, find_ways: bool) -> tuple[Tensor, Tensor]:
        """Take the second variation of converged pairs; which are saddles, and where a way down begins."""
        found, begins = [index[:0]], [part.nodes[:0]]
        if self.settings.curvature is None:
            return found[0], begins[0]
        for n, rows in by_level(part, index[part.converged[index]]):
            some = index[part.converged[index]][rows]
            value, direction = self._lowest(part, some, n)
            ways = self._probes(part.nodes[some]) if direction is None else [direction]
            if direction is None:
                _, lower = self._way_down(part.nodes[some], ways, n)
                value = torch.where(lower, -1.0, 1.0).to(value)
            part.eigenvalue[some] = value
            (saddles,) = (value < -self.settings.flat).nonzero(as_tuple=True)
            if not find_ways or not len(saddles):
                continue
            nodes, lower = self._way_down(part.nodes[some[saddles]], [way[saddles] for way in ways], n)
            found.append(some[saddles][lower])
            begins.append(nodes[lower])
        return torch.cat(found), torch.cat(begins)

    def _probes(self, nodes: Tensor) -> list[Tensor]:
        """Bends of curves (p, finest + 1, d) in some directions, where gradients do not tell the energy."""
        d, restarts = nodes.shape[2], self.settings.restarts
        generator = torch.Generator().manual_seed(restarts.seed)
        directions = torch.eye(d, dtype=torch.float64)
        if d > restarts.max_dim:
            drawn = torch.randn(restarts.max_dim, d, generator=generator, dtype=torch.float64)
            directions = drawn / drawn.norm(dim=1, keepdim=True)
        bend = torch.sin(torch.pi * steps(nodes.shape[1] - 1))[:, None].to(nodes)
        return [extent(nodes)[:, None, None] * bend * way.to(nodes) for way in directions]

    def _lowest(self, part: Part, index: Tensor, n: int) -> tuple[Tensor, Tensor | None]:
        """Lowest relative curvature of some curves on n segments, (p,), and its direction, as nodes.

        No direction is given where charts are held fixed, for their gradients are not those of the energy.
        """
        nodes = part.nodes[index]
        # On a smooth curve half the segments tell as much.
        n = n // 2 if n == self.n_segments and n % 2 == 0 and n > 4 and not self.metric.has_fields else n
        own = nodes[:, :: self.finest // n]
        x, rows = own[:, 1:-1].flatten(1), torch.arange(len(own), device=own.device)
        problem = Grid(self.metric, Ends.of(self.metric, own[:, 0], own[:, -1]), n).at(x)
        if problem.context is not None:
            return torch.ones_like(part.energy[index]), None
        springs = None if part.springs is None else part.springs[index]
        model = self._builder(problem, springs)(x, rows)
        size = extent(own)
        found = lowest_curvature(lambda x: problem(x, rows)[1], x, size, model, self.settings.curvature)
        inner = found.direction.unflatten(1, (n - 1, -1))
        way = torch.cat([torch.zeros_like(own[:, :1]), inner, torch.zeros_like(own[:, :1])], 1)
        way = way / way.norm(dim=2).amax(1)[:, None, None].clamp_min(torch.finfo(way.dtype).tiny)
        return found.value, self.kind(way)(steps(self.finest)) * size[:, None, None]

    @torch.no_grad()
    def _way_down(self, nodes: Tensor, ways: list[Tensor], n: int) -> tuple[Tensor, Tensor]:
        """The curve of least energy beside some saddles, to either side; whether it costs less."""
        stride = self.finest // n
        moves = [s * a * way for way in ways for a in self.settings.amplitudes for s in (1, -1)]
        tried = [nodes, *(nodes + move for move in moves)]
        energies = torch.stack([self._seen(points[:, ::stride]) for points in tried]).nan_to_num(torch.inf)
        least, at = energies.min(0)
        bar = energies[0] * (1 - (self.tol if len(ways) > 1 else 0))
        return torch.stack(tried)[at, torch.arange(len(nodes), device=nodes.device)], least < bar

    def _descend(
        self, start: Tensor, grids: list[int], springs: Tensor | None, is_varied: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Nodes of least energy on the last grid from a start (p, finest + 1, d); iterations; converged."""
        nodes, iterations = start.clone(), torch.zeros(len(start), dtype=torch.long, device=start.device)
        converged = torch.zeros_like(iterations, dtype=torch.bool)
        for rows, model in ((~is_varied, springs), (is_varied, None)):
            (index,) = rows.nonzero(as_tuple=True)
            for n in grids if len(index) else ():
                tol = self.tol * (1 if n == grids[-1] else self.settings.leeway)
                found = self._minimise(nodes, index, n, model, tol)
                iterations[index] += found.iterations
                converged[index] = found.converged
        # Springs know one metric; where they lead to no end, a chain follows.
        (index,) = (~is_varied & ~converged).nonzero(as_tuple=True)
        if len(index) and not self.metric.has_fields and self.max_iterations > 0:
            found = self._minimise(nodes, index, grids[-1], None, self.tol)
            iterations[index] += found.iterations
            converged[index] = found.converged
        return nodes, iterations, converged

    def _minimise(self, nodes: Tensor, index: Tensor, n: int, springs: Tensor | None, tol: float) -> Minimum:
        """Solve some of the pairs on n segments and put what was found among the nodes."""
        own = nodes[index]
        x = own[:, self.finest // n : -1 : self.finest // n].flatten(1)
        problem = Grid(self.metric, Ends.of(self.metric, own[:, 0], own[:, -1]), n).at(x)
        build = self._builder(problem, None if springs is None else springs[index])

        def run(problem: Grid, x: Tensor) -> Minimum:
            return minimise(
                problem,
                x,
                build,
                tolerance=tol,
                max_iterations=self.max_iterations,
                settings=self.settings.minimiser,
            )

        found = run(problem, x)
        if problem.context is not None:
            found = self._until_charts_stay(problem, x, found, run, tol)
        coarse = torch.cat([own[:, :1], found.x.unflatten(1, (n - 1, -1)), own[:, -1:]], 1)
        nodes[index] = self.kind(coarse)(steps(self.finest))
        return found

    def _until_charts_stay(
        self, problem: Grid, x: Tensor, found: Minimum, run: Callable[[Grid, Tensor], Minimum], tol: float
    ) -> Minimum:
        """Go on from minima under fixed charts until the charts that hold there change nothing."""
        rows = torch.arange(len(x), device=x.device)
        value, _ = problem(x, rows)
        iterations, converged = found.iterations.clone(), torch.zeros_like(found.converged)
        for _ in range(self.settings.n_charts):
            hoped, trial = value - found.value, found.x
            for _ in range(self.settings.n_steps_back):
                seen, _ = problem.at(trial)(trial, rows)
                worse = ~(seen <= value)
                if not worse.any():
                    break
                trial = torch.where(worse[:, None], (trial + x) / 2, trial)
            else:
                seen, _ = problem.at(trial)(trial, rows)
            better = seen < value
            converged = found.converged & (hoped <= tol * value)
            if not (better & ~converged).any():
                break
            x, value = torch.where(better[:, None], trial, x), torch.where(better, seen, value)
            problem = problem.at(x)
            found = run(problem, x)
            iterations += found.iterations
        return Minimum(x, value, iterations, converged)

    def _springs(self, nodes: Tensor) -> tuple[Tensor | None, Tensor]:
        """Inverse of the mean metric along curves, (p, d, d), and which of them it fits badly, (p,)."""
        if self.metric.has_fields:
            return None, torch.ones(len(nodes), dtype=torch.bool, device=nodes.device)
        metrics = metrics_along(self.metric, nodes, self.settings.preconditioner)
        traces = metrics.diagonal(dim1=2, dim2=3).sum(2)
        return torch.linalg.inv(metrics.mean(1)), traces.amax(1) > self.settings.varied * traces.amin(1)

    def _builder(self, grid: Grid, springs: Tensor | None) -> Builder:
        if springs is not None:
            return lambda x, rows: Springs(springs[rows], grid.n)
        return lambda x, rows: chained(self.metric, grid.nodes(x, rows), self.settings.preconditioner)

    def _grids(self, n: int) -> list[int]:
        """Segments of the grids that lead to n, coarse to fine."""
        grids = [n]
        if n > self.n_segments or self.metric.has_fields:
            return grids
        while grids[0] % 2 == 0 and grids[0] // 2 >= self.settings.coarsest:
            grids.insert(0, grids[0] // 2)
        return grids

    @torch.no_grad()
    def _seen(self, nodes: Tensor) -> Tensor:
        """Energy as the solver sees it on the grid of the nodes (p, n + 1, d), (p,)."""
        return self.metric.energy(halved(nodes) if self.metric.has_fields else nodes)

    @torch.no_grad()
    def _measure(self, nodes: Tensor, n: int, at_once: bool = False) -> Measure:
        """What the curves through every so many nodes (p, finest + 1, d) cost, on n segments.

        More points are taken where a measurement does not tell, unless it is done `at_once`.
        """
        own = nodes[:, :: self.finest // n]
        k = self.settings.n_measured * n * (2 if self.metric.has_fields else 1)
        energy, length, doubt = integrals(self.metric, self.kind(own), k)
        for _ in range(0 if at_once else self.settings.n_remeasured):
            (vague,) = (doubt > self.tol).nonzero(as_tuple=True)
            if not len(vague):
                break
            k *= 4
            energy[vague], length[vague], doubt[vague] = integrals(self.metric, self.kind(own[vague]), k)
        # The energy of a grid errs with the square of the step, the place of its minimum with the fourth
        # power.
        gap = (energy - self._seen(own)) / torch.where(energy > 0, energy, 1)
        return Measure(energy, length, torch.maximum(doubt, 9 * gap.square()))

    def _judge(self, part: Part) -> None:
        """Say of each pair what is so."""
        for bad, why in (
            ((part.error > self.tol) & (self.settings.max_segments > 0), COARSE),
            (part.eigenvalue < -self.settings.flat, SADDLE),
        ):
            part.outcome[part.converged & bad] = why
            part.converged[part.converged & bad] = False

    @torch.no_grad()
    def _check_starts(self, begun: list[Tensor], bad: Tensor, first: int) -> None:
        """Make sure that the starts have an energy, unless bad pairs are kept, and λ is nowhere negative."""
        if self.raises and bad.any():
            pair = int(bad.nonzero()[0])
            middles = torch.cat([(n[pair, 1:] + n[pair, :-1]) / 2 for n in begun])
            is_field = not bool(torch.isfinite(self.metric.costs(middles)).all())
            ends_finite = all(bool(torch.isfinite(n[pair]).all()) for n in begun)
            name = ("lambda_" if is_field else "phi") if ends_finite else "z0, z1 or starts"
            raise NotFiniteError(name, first + pair)
        for nodes in begun if self.metric.lambda_ is not None else ():
            costs = self.metric.costs(nodes)
            below = (costs < 0).any(1)
            if below.any():
                # Its square would pass for a cost.
                raise InputError(
                    f"`lambda_` must be positive; got {float(costs.min()):g} at pair "
                    f"{first + int(below.nonzero()[0])}. Add a constant to it."
                )
