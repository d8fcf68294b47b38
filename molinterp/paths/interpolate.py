"""From two compounds and a bundle to a path of molecules: where chemistry and geometry meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Unpack

import torch

from molinterp.chem.filters import Limits, decoded_molecule, decoded_smiles, own_fault, verdict
from molinterp.chem.identity import without_stereo
from molinterp.chem.properties import describe
from molinterp.chem.similarity import tanimoto
from molinterp.chem.standardise import Compound, standardise
from molinterp.chem.stereo.centres import Hands
from molinterp.errors import InputError, MolinterpError
from molinterp.geometry import discrete
from molinterp.geometry.metric import Metric
from molinterp.model.bundle import Bundle, loaded
from molinterp.model.inversion import Refinement
from molinterp.model.output_spaces import output_space as space_of
from molinterp.paths.candidates import Candidates
from molinterp.paths.library import Library
from molinterp.paths.objective import WEIGHTS, Restraints, restrain
from molinterp.paths.path import MoleculePath, RoundTrip, Step
from molinterp.paths.request import Options, check_compounds, check_kind
from molinterp.paths.search import Assembly, Search, Source, are_stereoisomers, assemble
from molinterp.paths.sources import N_POINTS, Neighbours, Shelf, curve_decodes, curve_points, latent_terms
from molinterp.realism.terms import EPSILON


def interpolate(
    a: str,
    b: str,
    *,
    bundle: Bundle | str | Path | None = None,
    method: str = "geodesic",
    output_space: str = "fingerprint",
    keep: Sequence[str] = (),
    gain: Sequence[str] = (),
    lose: Sequence[str] = (),
    avoid: Sequence[str] = (),
    weights: Mapping[str, float] = WEIGHTS,
    epsilon: float = EPSILON,
    steps: int | None = None,
    pointwise: bool = False,
    search: Search | None = None,
    limits: Limits | None = None,
    library: Library | None = None,
    only_library: bool = False,
    reference: frozenset[str] | None = None,
    seed: int = 0,
    device: str = "cpu",
    names: Sequence[str] = ("", ""),
) -> MoleculePath:
    """Molecules between two compounds: real-looking, makeable, each a small step from the last.

    The curve between the two latent points is the geodesic that stays where the model knows real compounds
    with the features asked for. It is cut at 64 places; each is decoded greedily, without and with the blur
    of its place, and three times at random.
    What is no molecule, is not made of familiar atom environments, raises an alert that neither
    end raises, or is harder to make than the ends, is left out. The path is the discrete geodesic through
    the rest; its gaps are filled from the latent space about them and by edits. The ends are the compounds
    themselves, never their reconstructions.

    Args:
        a: SMILES of the start.
        b: SMILES of the end.
        bundle: a loaded bundle, or the name or folder of one; None means "default".
        method: "geodesic", "linear" or "slerp".
        output_space: what counts as a change along a geodesic: one of `molinterp.model.output_spaces.NAMES`.
        keep: features that all molecules must have, in the language of `molinterp.chem.features`.
        gain: features that the start may lack; once gained they stay.
        lose: features that the start may have; once lost they stay away.
        avoid: features that no molecule may have.
        weights: of the terms of λ, by name: density, validity, feature for all features, or one asked for
            by its own name; those not named keep their defaults.
        epsilon: ε of Q = ε/2 + (1 - ε) p, in (0, 1): the larger, the less a term can weigh on one point.
        steps: molecules wanted, ends included; None leaves it open.
        pointwise: take the first good decode at each point of the curve instead of a path of small steps.
        search: how the path is sought; None means the defaults of `Search`.
        limits: what is asked of each molecule; None means the defaults of `Limits`.
        library: compounds that exist and may stand in the path too.
        only_library: let no others stand in it.
        reference: known compounds, from `known_smiles`; each step then says whether it is one.
        seed: of the sampled decodes.
        device: where the bundle is loaded, as torch names it; a loaded bundle stays where it is.
        names: what to call the two ends.

    Raises:
        InvalidMoleculeError: an end is no molecule, too large, or a mixture.
        VocabularyError: an end holds atoms that the model does not know.
        InputError: both ends are the same compound, or an option is out of range.
        BundleError: the bundle is missing or damaged.
    """
    return _solve(
        a,
        b,
        bundle=bundle,
        method=method,
        output_space=output_space,
        keep=keep,
        gain=gain,
        lose=lose,
        avoid=avoid,
        weights=weights,
        epsilon=epsilon,
        steps=steps,
        pointwise=pointwise,
        search=replace(search or Search(), n_paths=1),
        limits=limits,
        library=library,
        only_library=only_library,
        reference=reference,
        seed=seed,
        device=device,
        names=names,
    )[0]


def interpolate_several(
    a: str, b: str, n_paths: int, names: Sequence[str] = ("", ""), **options: Unpack[Options]
) -> list[MoleculePath]:
    """Up to `n_paths` paths that share no molecule between, best first.

    Args:
        a: SMILES of the start.
        b: SMILES of the end.
        n_paths: paths wanted.
        names: what to call the two ends.
        **options: those of `interpolate`.
    """
    options["search"] = replace(options.get("search") or Search(), n_paths=n_paths)
    return _solve(a, b, names=names, **options)


def interpolate_many(
    pairs: Sequence[tuple[str, str]],
    names: Sequence[Sequence[str]] | None = None,
    **options: Unpack[Options],
) -> list[MoleculePath | MolinterpError]:
    """One path, or the error that stands in its place, for each pair; the same whatever its company.

    Args:
        pairs: SMILES of the start and end of each.
        names: what to call them; None means nothing.
        **options: those of `interpolate`.

    Raises:
        BundleError: the bundle is missing or damaged.
    """
    options["bundle"] = loaded(options.get("bundle"), options.get("device", "cpu"))
    out: list[MoleculePath | MolinterpError] = []
    for k, (a, b) in enumerate(pairs):
        try:
            out.append(interpolate(a, b, names=names[k] if names else ("", ""), **options))
        except MolinterpError as error:
            out.append(error)
    return out


def _solve(
    a: str,
    b: str,
    *,
    bundle: Bundle | str | Path | None = None,
    method: str = "geodesic",
    output_space: str = "fingerprint",
    keep: Sequence[str] = (),
    gain: Sequence[str] = (),
    lose: Sequence[str] = (),
    avoid: Sequence[str] = (),
    weights: Mapping[str, float] = WEIGHTS,
    epsilon: float = EPSILON,
    steps: int | None = None,
    pointwise: bool = False,
    search: Search | None = None,
    limits: Limits | None = None,
    library: Library | None = None,
    only_library: bool = False,
    reference: frozenset[str] | None = None,
    seed: int = 0,
    device: str = "cpu",
    names: Sequence[str] = ("", ""),
) -> list[MoleculePath]:
    check_kind(method, library, only_library, pointwise)
    check_compounds(library, reference)
    if len(names) != 2:
        raise InputError(f"`names` must be two, of the start and of the end; got {len(names)}.")
    search = replace(search or Search(), n_molecules=steps)
    start, end = standardise(a), standardise(b)
    if start.smiles == end.smiles:
        raise InputError(
            f"start and end are the same compound, {start.smiles}. Choose two; "
            "salts, charges and isotopes make no other compound."
        )
    model = loaded(bundle, device)
    restraints = restrain(
        model,
        start.mol,
        end.mol,
        keep=keep,
        gain=gain,
        lose=lose,
        avoid=avoid,
        weights=weights,
        epsilon=epsilon,
    )
    judge = (limits or Limits()).judge(start.mol, end.mol, conditions=[restraints.fault])
    # Point by point, molecules are taken as they come.
    hands = None if pointwise else Hands(start.mol, end.mol)
    candidates = Candidates(
        start.mol, end.mol, judge, lambda smiles: latent_terms(model, restraints, smiles), hands
    )
    ends = model.refine([start.smiles, end.smiles])
    points = curve_points(ends.z, method, lambda: Metric(space_of(model, output_space), restraints.realism))
    decodes = curve_decodes(model, points, seed)
    if pointwise:
        chosen = _pointwise(candidates, decodes, steps)
        candidates.weigh(chosen)
        worst = min(float(candidates.similarity[i, j]) for i, j in pairwise(chosen))
        found = [Assembly(chosen, worst >= search.floor, 0, False)]
    else:
        sources: dict[str, Source] = {} if library is None else {"library": Shelf(library)}
        if only_library:
            search = replace(search, edits=False)
        else:
            sources["neighbourhood"] = Neighbours(model)
            for proposal in candidates.proposals(decodes):
                candidates.add(proposal, "curve")
        found = assemble(candidates, sources, search)
    notes = [f"start: {c}" for c in start.changes] + [f"end: {c}" for c in end.changes]
    if are_stereoisomers(candidates[0], candidates[1]):
        notes.append("start and end are the same but for stereo")
    notes += restraints.notes
    n_valid = sum(n for text, n in Counter(decodes).items() if decoded_molecule(text) is not None)
    return [
        MoleculePath(
            steps=_steps(candidates, assembly.path, restraints, library, reference),
            start_name=names[0],
            end_name=names[1],
            method=method,
            bundle=model.name,
            seed=seed,
            is_bridged=assembly.is_bridged,
            energy=discrete.energy(candidates.similarity, candidates.weights, assembly.path),
            length=discrete.length(candidates.similarity, candidates.weights, assembly.path),
            raw_validity=n_valid / len(decodes),
            n_decoded=len(decodes),
            n_candidates=len(candidates) - 2,
            rejected=dict(candidates.rejected),
            round_trips=_round_trips(model, ends, start, end),
            notes=(
                *notes,
                *_remarks(assembly, search, pointwise),
                *_broken(candidates, assembly, restraints),
            ),
        )
        for assembly in found
    ]


def _broken(candidates: Candidates, assembly: Assembly, restraints: Restraints) -> Iterable[str]:
    broken = restraints.broken_at([candidates[i].mol for i in assembly.path])
    for name, places in broken.items():
        yield f"{name}: broken at step {', '.join(str(p) for p in places)}"


def _pointwise(candidates: Candidates, decodes: Sequence[str], steps: int | None) -> tuple[int, ...]:
    """The first good new molecule at each point of the curve, in order, between the ends."""
    chosen: list[int] = []
    for point in range(N_POINTS):
        for proposal in candidates.proposals(decodes[point::N_POINTS]):
            number = candidates.add(proposal, "curve")
            if number is not None and candidates.is_clear(number):
                chosen.append(number)
                break
    if steps is not None and steps - 2 < len(chosen):
        chosen = [chosen[int((i + 0.5) * len(chosen) / (steps - 2))] for i in range(steps - 2)]
    return (0, *chosen, 1)


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


def _steps(
    candidates: Candidates,
    path: tuple[int, ...],
    restraints: Restraints,
    library: Library | None,
    reference: frozenset[str] | None,
) -> tuple[Step, ...]:
    table = candidates.similarity
    walked = [0.0, *accumulate(1.0 - float(table[i, j]) for i, j in pairwise(path))]
    start, end = candidates[0].mol, candidates[1].mol
    scores = restraints.scores([candidates[i].mol for i in path])
    out = []
    for k, number in enumerate(path):
        found = candidates[number]
        out.append(
            Step(
                smiles=found.smiles,
                t=walked[k] / walked[-1] if walked[-1] else float(k > 0),
                origin=found.origin,
                similarity=tanimoto(candidates[path[k - 1]].mol, found.mol) if k else None,
                similarity_to_start=tanimoto(start, found.mol),
                similarity_to_end=tanimoto(end, found.mol),
                properties=describe(found.mol),
                terms=found.terms,
                features=scores[k],
                verdict=verdict(candidates.fault(number)),
                verdict_alone=verdict(own_fault(found.mol)),
                is_known=None if reference is None else without_stereo(found.smiles) in reference,
                name="" if library is None or found.origin == "end" else library.name_of(found.smiles),
            )
        )
    return tuple(out)


def _round_trips(
    model: Bundle, refined: Refinement, start: Compound, end: Compound
) -> tuple[RoundTrip, RoundTrip]:
    texts = model.decode(torch.cat([refined.start, refined.z]))
    trips = []
    for compound, text, refined_text in zip((start, end), texts[:2], texts[2:], strict=True):
        smiles = decoded_smiles(text)
        mol = decoded_molecule(smiles)
        similarity = 0.0 if mol is None else tanimoto(mol, compound.mol)
        is_exact_refined = decoded_smiles(refined_text) == compound.smiles
        trips.append(RoundTrip(smiles, smiles == compound.smiles, similarity, is_exact_refined))
    return trips[0], trips[1]
