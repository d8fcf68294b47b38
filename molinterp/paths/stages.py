"""The stages of a path: pose the problem, connect the ends, propose candidates, search, describe.

Each stage takes the value of the one before and gives a value; `interpolate.solve` runs them in order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from rdkit import Chem

from molinterp.chem.filters import Filters, decoded_molecule, decoded_smiles, verdict
from molinterp.chem.filters.base import Condition
from molinterp.chem.identity import without_stereo
from molinterp.chem.properties import describe as properties_of
from molinterp.chem.similarity import tanimoto
from molinterp.chem.standardise import Compound, standardise
from molinterp.chem.stereo.centres import EndChirality
from molinterp.errors import InputError
from molinterp.geometry.metric import Metric
from molinterp.model.inversion import Inversion
from molinterp.model.protocol import LatentModel
from molinterp.paths.candidates import Candidates
from molinterp.paths.found import FoundMolecule, FoundPath
from molinterp.paths.hybrid_search import find_hybrid_paths
from molinterp.paths.library import Library
from molinterp.paths.objective import PathObjective, objective_of
from molinterp.paths.path import LatentCurve, MoleculePath, PathMolecule, RoundTrip, StepChange
from molinterp.paths.request import PathRequest
from molinterp.paths.similarity_search import Assembly, Search, Source, assemble
from molinterp.paths.sources import N_POINTS, Neighbours, Shelf, curve_decodes, latent_curve

LEAST_SIMILARITY = 0.5
"""Smallest similarity of a step of a path without hybrids, if none is asked for."""


@final
@dataclass(frozen=True)
class Problem:
    """A request made concrete for its two ends and a model."""

    request: PathRequest
    """What was asked."""
    model: LatentModel
    """The model."""
    start: Compound
    """The start, standardised."""
    end: Compound
    """The end, standardised."""
    objective: PathObjective
    """λ and constraints."""
    filters: Filters
    """Filters between these ends."""
    library: Library | None
    """Compounds that may stand between."""
    reference: frozenset[str] | None
    """Known compounds, without stereo."""


@final
@dataclass(frozen=True)
class Connection:
    """The two ends joined in latent space."""

    ends: Inversion
    """Latent points of the start and of the end."""
    curve: LatentCurve
    """Curve between them."""


@final
@dataclass(frozen=True)
class CandidatePool:
    """Molecules that may stand between the ends where the model leads."""

    candidates: Candidates
    """The molecules; a search adds to them."""
    decodes: tuple[str, ...]
    """What the curve was decoded to, molecules or not."""


@final
@dataclass(frozen=True)
class Routes:
    """Paths that were found, best first, and what was done for them."""

    paths: tuple[FoundPath, ...]
    """The paths."""
    n_candidates: int
    """Different molecules that they could choose from."""
    rejected: Mapping[str, int]
    """Reason to number of different molecules that were left out."""
    connection: Connection | None = None
    """The ends joined in latent space; None if the curve was not needed."""
    decodes: tuple[str, ...] = ()
    """What the curve was decoded to, molecules or not."""


def pose(
    request: PathRequest,
    model: LatentModel,
    library: Library | None = None,
    reference: frozenset[str] | None = None,
) -> Problem:
    """Standardise the ends and make λ, constraints and filters of a request.

    Raises:
        InvalidMoleculeError: an end is no molecule, too large, or a mixture.
        InputError: both ends are the same compound, or an option names nothing.
    """
    start, end = standardise(request.start), standardise(request.end)
    if start.smiles == end.smiles:
        raise InputError(
            f"start and end are the same compound, {start.smiles}. Choose two; "
            "salts, charges and isotopes make no other compound."
        )
    objective = objective_of(model, start.mol, end.mol, request)
    filters = filters_of(request, model, (start.mol, end.mol), [objective.fault])
    return Problem(request, model, start, end, objective, filters, library, reference)


def filters_of(
    request: PathRequest, model: LatentModel, ends: Sequence[Chem.Mol], conditions: Sequence[Condition] = ()
) -> Filters:
    """Filters for what lies between compounds, as a request asks.

    Raises:
        InputError: an element does not exist.
    """
    return Filters.between(
        *ends,
        familiar=model.familiar,
        max_sa_score=request.max_sa,
        catalogues=request.alerts,
        elements=request.elements,
        conditions=conditions,
    )


def connect(problem: Problem) -> Connection:
    """Invert the ends and join them by the curve that was asked for.

    Raises:
        VocabularyError: an end holds atoms that the model does not know.
        InputError: the model has no such output space.
    """
    request, model = problem.request, problem.model
    ends = model.invert([problem.start.smiles, problem.end.smiles])
    curve = latent_curve(
        ends.z,
        request.method,
        lambda: Metric(model.output_space(request.output_space), problem.objective.realism),
    )
    return Connection(ends, curve)


def propose(problem: Problem, connection: Connection) -> CandidatePool:
    """Decode the curve; the molecules are added to the pool when a search asks for them."""
    request, model = problem.request, problem.model
    candidates = Candidates(
        problem.start.mol,
        problem.end.mol,
        problem.filters,
        lambda smiles: problem.objective.weighted_terms(model, smiles),
        # Point by point, molecules are taken as they come.
        None if request.pointwise else EndChirality(problem.start.mol, problem.end.mol),
        request.term_weights,
    )
    decodes = curve_decodes(model, connection.curve, connection.ends.z.device, request.seed)
    return CandidatePool(candidates, tuple(decodes))


def search(problem: Problem) -> Routes:
    """Find the paths of least energy: through hybrids of the ends, or by the model if these do not join."""
    request = problem.request
    if request.hybrids and not (request.pointwise or request.only_library):
        found = find_hybrid_paths(
            problem.start.mol,
            problem.end.mol,
            request,
            problem.filters,
            problem.objective,
            problem.model,
        )
        if found is not None and _is_similar_enough(found.paths, request):
            return Routes(found.paths, found.n_candidates, found.rejected)
    connection = connect(problem)
    pool = propose(problem, connection)
    paths = _by_the_model(problem, pool)
    n_candidates, rejected = len(pool.candidates) - 2, dict(pool.candidates.rejected)
    return Routes(tuple(paths), n_candidates, rejected, connection, pool.decodes)


def _is_similar_enough(paths: Iterable[FoundPath], request: PathRequest) -> bool:
    """Whether every step of paths is as similar as a request asks, if it does."""
    least = request.min_step_similarity
    return least is None or all(
        tanimoto(a.mol, b.mol) >= least for path in paths for a, b in pairwise(path.molecules)
    )


def _by_the_model(problem: Problem, pool: CandidatePool) -> list[FoundPath]:
    """Paths through decodes of the curve, neighbours and edits, in steps of small Tanimoto distance."""
    request, candidates = problem.request, pool.candidates
    settings = Search(
        request.min_step_similarity or LEAST_SIMILARITY,
        request.objective.value,
        request.n_molecules,
        request.n_paths,
        request.edits and not request.only_library,
        timeout=math.inf if request.timeout is None else request.timeout,
    )
    if request.pointwise:
        chosen = _pointwise(candidates, pool.decodes, request.n_molecules)
        candidates.weigh(chosen)
        worst = min(float(candidates.similarity[i, j]) for i, j in pairwise(chosen))
        found = [Assembly(chosen, worst >= settings.floor, 0, False)]
    else:
        sources: dict[str, Source] = {} if problem.library is None else {"library": Shelf(problem.library)}
        if not request.only_library:
            sources["neighbourhood"] = Neighbours(problem.model)
            for proposal in candidates.proposals(pool.decodes):
                candidates.add(proposal, "curve")
        found = assemble(candidates, sources, settings)
    return [_of_candidates(candidates, assembly, settings, request.pointwise) for assembly in found]


def _of_candidates(
    candidates: Candidates, assembly: Assembly, settings: Search, pointwise: bool
) -> FoundPath:
    molecules = tuple(
        FoundMolecule(c.smiles, c.mol, c.origin, c.terms, candidates.fault(i))
        for i in assembly.path
        for c in (candidates[i],)
    )
    notes = tuple(_remarks(assembly, settings, pointwise))
    return FoundPath(molecules, (), notes, assembly.is_bridged)


def _pointwise(candidates: Candidates, decodes: Sequence[str], n_molecules: int | None) -> tuple[int, ...]:
    """The first good new molecule at each point of the curve, in order, between the ends."""
    chosen: list[int] = []
    for point in range(N_POINTS):
        for proposal in candidates.proposals(decodes[point::N_POINTS]):
            number = candidates.add(proposal, "curve")
            if number is not None and candidates.is_clear(number):
                chosen.append(number)
                break
    if n_molecules is not None and n_molecules - 2 < len(chosen):
        n = n_molecules - 2
        chosen = [chosen[int((i + 0.5) * len(chosen) / n)] for i in range(n)]
    return (0, *chosen, 1)


def describe(problem: Problem, routes: Routes) -> list[MoleculePath]:
    """Take similarities, properties, features, verdicts and notes of the paths found."""
    notes = [f"start: {c}" for c in problem.start.changes] + [f"end: {c}" for c in problem.end.changes]
    if without_stereo(problem.start.smiles) == without_stereo(problem.end.smiles):
        notes.append("start and end are the same but for stereo")
    notes += problem.objective.notes
    for which, compound in (("start", problem.start), ("end", problem.end)):
        if not problem.model.can_encode(compound.smiles):
            notes.append(
                f"model '{problem.model.name}' cannot encode the {which}; λ lacks its latent terms there"
            )
    connection, decodes = routes.connection, routes.decodes
    n_valid = sum(n for text, n in Counter(decodes).items() if decoded_molecule(text) is not None)
    trips = None if connection is None else _round_trips(problem, connection.ends)
    out = []
    for found in routes.paths:
        distances = np.array([1.0 - tanimoto(a.mol, b.mol) for a, b in pairwise(found.molecules)])
        weights = np.array([m.weight for m in found.molecules])
        costs = (weights[1:] + weights[:-1]) / 2 * distances
        out.append(
            MoleculePath(
                request=problem.request,
                molecules=_molecules(problem, found, distances),
                curve=None if connection is None else connection.curve,
                model=problem.model.name,
                is_bridged=found.is_bridged,
                energy=float(0.5 * len(costs) * (costs**2).sum()),
                length=float(costs.sum()),
                raw_validity=n_valid / len(decodes) if decodes else None,
                n_decoded=len(decodes),
                n_candidates=routes.n_candidates,
                rejected=dict(routes.rejected),
                round_trips=trips,
                notes=(*notes, *found.notes, *_broken(problem.objective, found)),
            )
        )
    return out


def _broken(objective: PathObjective, found: FoundPath) -> Iterable[str]:
    for name, places in objective.broken_at([m.mol for m in found.molecules]).items():
        yield f"{name}: broken at step {', '.join(str(p) for p in places)}"


def _remarks(assembly: Assembly, search: Search, pointwise: bool) -> Iterable[str]:
    wanted, n = search.n_molecules, len(assembly.path)
    if wanted is not None and n != wanted:
        yield f"{wanted} molecules were asked for; {n} were found"
    if not assembly.is_bridged:
        missed = f"no path with every step at {search.min_step_similarity:g} or above"
        if pointwise:
            yield f"{missed}: what is decoded point by point is taken as it comes"
        elif wanted is not None:
            yield f"{missed} was found in {assembly.n_rounds} rounds; ask for more molecules"
        else:
            yield (
                f"{missed} was found in {assembly.n_rounds} rounds; "
                "its worst step is as good as the candidates allow"
            )
    if assembly.is_timed_out:
        yield "the time limit ended the search; this is the best path until then"


def _molecules(
    problem: Problem, found: FoundPath, distances: npt.NDArray[np.float64]
) -> tuple[PathMolecule, ...]:
    library, reference = problem.library, problem.reference
    walked = [0.0, *np.cumsum(distances).tolist()]
    start, end = found.molecules[0].mol, found.molecules[-1].mol
    scores = problem.objective.scores([m.mol for m in found.molecules])
    alone = Filters.alone(problem.model.familiar)
    steps: list[StepChange | None] = [None, *(StepChange.of(c) for c in found.changes)]
    steps += [None] * (len(found.molecules) - len(steps))
    out = []
    for k, one in enumerate(found.molecules):
        fault = one.fault if one.origin != "end" else problem.objective.fault(one.mol)
        out.append(
            PathMolecule(
                smiles=one.smiles,
                t=walked[k] / walked[-1] if walked[-1] else float(k > 0),
                origin=one.origin,
                similarity=tanimoto(found.molecules[k - 1].mol, one.mol) if k else None,
                similarity_to_start=tanimoto(start, one.mol),
                similarity_to_end=tanimoto(end, one.mol),
                properties=properties_of(one.mol),
                terms=one.terms,
                features=scores[k],
                verdict=verdict(fault),
                verdict_alone=verdict(alone.fault(one.mol)),
                is_known=None if reference is None else without_stereo(one.smiles) in reference,
                name="" if library is None or one.origin == "end" else library.name_of(one.smiles),
                change=steps[k],
            )
        )
    return tuple(out)


def _round_trips(problem: Problem, inverted: Inversion) -> tuple[RoundTrip, RoundTrip]:
    texts = problem.model.decode(torch.cat([inverted.start, inverted.z]))
    trips = []
    for compound, text, again in zip((problem.start, problem.end), texts[:2], texts[2:], strict=True):
        smiles = decoded_smiles(text)
        mol = decoded_molecule(smiles)
        similarity = 0.0 if mol is None else tanimoto(mol, compound.mol)
        trips.append(
            RoundTrip(smiles, smiles == compound.smiles, similarity, decoded_smiles(again) == compound.smiles)
        )
    return trips[0], trips[1]
