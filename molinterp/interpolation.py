"""From two compounds and a bundle to a path of molecules: where chemistry and geometry meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from types import MappingProxyType
from typing import final

import torch
from rdkit import Chem
from torch import Tensor

from molinterp.assemble import Assembly, Search, assemble
from molinterp.bundle import Bundle
from molinterp.chem.candidates import Candidates
from molinterp.chem.judge import Limits, decoded_molecule
from molinterp.chem.properties import describe
from molinterp.chem.similarity import tanimoto
from molinterp.chem.standardise import Compound, standardise
from molinterp.errors import InputError, MolinterpError, VocabularyError
from molinterp.geometry import discrete
from molinterp.geometry.curves import linear, slerp
from molinterp.path import MoleculePath, RoundTrip, Step

Curve = Callable[[Tensor, Tensor, Tensor], Tensor]
METHODS: Mapping[str, Curve] = MappingProxyType({"linear": linear, "slerp": slerp})
"""Name of a method to its curve (z0, z1, t) -> (n, d)."""
N_POINTS = 64
"""Points of the curve that are decoded."""
N_SAMPLES = 4
"""Sampled decodes of a point, beside the greedy one."""
N_BETWEEN = 6
"""Points decoded on the line between two molecules of a gap."""
N_ABOUT = 6
"""Points decoded about a molecule at a gap, drawn from its posterior."""
TEMPERATURE = 0.7


def interpolate(
    a: str,
    b: str,
    *,
    bundle: Bundle | str | Path | None = None,
    method: str = "linear",
    steps: int | None = None,
    pointwise: bool = False,
    search: Search | None = None,
    limits: Limits | None = None,
    seed: int = 0,
    device: str = "cpu",
    names: tuple[str, str] = ("", ""),
) -> MoleculePath:
    """Molecules between two compounds: real-looking, makeable, each a small step from the last.

    The curve between the two latent points is cut at 64 places; each is decoded greedily and four times
    at random. What is no molecule, is not made of familiar atom environments, raises an alert that neither
    end raises, or is harder to make than the ends, is left out. The path is the discrete geodesic through
    the rest; its gaps are filled from the latent space about them and by edits. The ends are the compounds
    themselves, never their reconstructions.

    Args:
        a: SMILES of the start.
        b: SMILES of the end.
        bundle: a loaded bundle, or the name or folder of one; None means "default".
        method: "linear" or "slerp".
        steps: molecules wanted, ends included; None leaves it open.
        pointwise: take the first good decode at each point of the curve instead of a path of small steps.
        search: how the path is sought; None means the defaults of `Search`.
        limits: what is asked of each molecule; None means the defaults of `Limits`.
        seed: of the sampled decodes.
        device: where the bundle is loaded, as torch names it; a loaded bundle stays where it is.
        names: what to call the two ends.

    Raises:
        InvalidMoleculeError: an end is no molecule, too large, or a mixture.
        VocabularyError: an end holds atoms that the model does not know.
        InputError: both ends are the same compound, or an option is out of range.
        BundleError: the bundle is missing or damaged.
    """
    found = interpolate_several(
        a,
        b,
        bundle=bundle,
        method=method,
        steps=steps,
        pointwise=pointwise,
        search=replace(search or Search(), n_paths=1),
        limits=limits,
        seed=seed,
        device=device,
        names=names,
    )
    return found[0]


def interpolate_several(
    a: str,
    b: str,
    *,
    bundle: Bundle | str | Path | None = None,
    method: str = "linear",
    steps: int | None = None,
    pointwise: bool = False,
    search: Search | None = None,
    limits: Limits | None = None,
    seed: int = 0,
    device: str = "cpu",
    names: tuple[str, str] = ("", ""),
) -> list[MoleculePath]:
    """Up to `search.n_paths` paths that share no molecule between, best first; see `interpolate`."""
    if method not in METHODS:
        raise InputError(f"`method` must be one of {', '.join(METHODS)}; got {method!r}.")
    search = replace(search or Search(), n_molecules=steps)
    start, end = standardise(a), standardise(b)
    if start.smiles == end.smiles:
        raise InputError(f"start and end are the same compound, {start.smiles}. Choose two.")
    model = bundle if isinstance(bundle, Bundle) else _loaded(str(bundle or "default"), device)
    candidates = Candidates(start.mol, end.mol, (limits or Limits()).judge(start.mol, end.mol))
    ends = model.encode([start.smiles, end.smiles])
    t = torch.linspace(0, 1, N_POINTS + 2, device=ends.device)[1:-1]
    decodes = _decodes(model, METHODS[method](ends[0], ends[1], t), seed)
    if pointwise:
        found = [Assembly(_pointwise(candidates, decodes, steps), True, 0, False)]
    else:
        for proposal in candidates.proposals(decodes):
            candidates.add(proposal, "curve")
        found = assemble(candidates, _Neighbours(model, seed), search)
    notes = [f"start: {c}" for c in start.changes] + [f"end: {c}" for c in end.changes]
    n_valid = sum(decoded_molecule(text) is not None for text in decodes)
    return [
        MoleculePath(
            steps=_steps(candidates, assembly.path),
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
            notes=(*notes, *_remarks(assembly, search)),
        )
        for assembly in found
    ]


def interpolate_many(
    pairs: Sequence[tuple[str, str]],
    *,
    bundle: Bundle | str | Path | None = None,
    method: str = "linear",
    steps: int | None = None,
    pointwise: bool = False,
    search: Search | None = None,
    limits: Limits | None = None,
    seed: int = 0,
    device: str = "cpu",
    names: Sequence[tuple[str, str]] | None = None,
) -> list[MoleculePath | MolinterpError]:
    """One path, or the error that stands in its place, for each pair; the same whatever its company.

    Arguments as in `interpolate`; `names` has one entry a pair.

    Raises:
        BundleError: the bundle is missing or damaged.
    """
    model = bundle if isinstance(bundle, Bundle) else _loaded(str(bundle or "default"), device)
    out: list[MoleculePath | MolinterpError] = []
    for k, (a, b) in enumerate(pairs):
        try:
            out.append(
                interpolate(
                    a,
                    b,
                    bundle=model,
                    method=method,
                    steps=steps,
                    pointwise=pointwise,
                    search=search,
                    limits=limits,
                    seed=seed,
                    names=names[k] if names else ("", ""),
                )
            )
        except MolinterpError as error:
            out.append(error)
    return out


@lru_cache(maxsize=2)
def _loaded(name: str, device: str) -> Bundle:
    try:
        place = torch.device(device)
        torch.zeros(1, device=place)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"`device` must be one that torch can use here, as cpu; got {device!r}.") from error
    return Bundle.load(name, place)


@final
class _Neighbours:
    """What the model sees between the two molecules of a gap, and about each."""

    def __init__(self, model: Bundle, seed: int) -> None:
        self._model = model
        self._generator = torch.Generator().manual_seed(seed + 1)

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> Iterable[str]:
        known = [pair for pair in pairs if all(_is_known(self._model, s) for s in pair)]
        if not known:
            return []
        mean, deviation = self._model.posterior([s for pair in known for s in pair])
        t = torch.linspace(0, 1, N_BETWEEN + 2, device=mean.device)[1:-1]
        between = linear(mean[0::2], mean[1::2], t).flatten(0, 1)
        shape = (N_ABOUT, len(known), mean.shape[1])
        noise = torch.randn(shape, generator=self._generator).to(mean.device)
        about = (mean[0::2] + noise * deviation[0::2]).flatten(0, 1)
        return self._model.decode(torch.cat([between, about]))


def _is_known(model: Bundle, smiles: str) -> bool:
    try:
        model.tokenizer.symbol_ids(smiles)
    except VocabularyError:
        return False
    return True


def _decodes(model: Bundle, points: Tensor, seed: int) -> list[str]:
    """Greedy decodes of all points, then N_SAMPLES rounds of sampled ones."""
    generator = torch.Generator().manual_seed(seed)
    return model.decode(points) + model.sample(points.repeat(N_SAMPLES, 1), generator, TEMPERATURE)


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


def _remarks(assembly: Assembly, search: Search) -> Iterable[str]:
    wanted, n = search.n_molecules, len(assembly.path)
    if wanted is not None and n != wanted:
        yield f"{wanted} molecules were asked for; {n} were found"
    if not assembly.is_bridged:
        yield (
            f"no path with every step at {search.min_step_similarity:g} or above was found in "
            f"{assembly.n_rounds} rounds; its worst step is as good as the candidates allow"
        )
    if assembly.is_timed_out:
        yield "the time limit ended the search; this is the best path until then"


def _steps(candidates: Candidates, path: tuple[int, ...]) -> tuple[Step, ...]:
    table = candidates.similarity
    walked = [0.0, *accumulate(1.0 - float(table[i, j]) for i, j in pairwise(path))]
    start, end = candidates[0].mol, candidates[1].mol
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
            )
        )
    return tuple(out)


def _round_trips(model: Bundle, ends: Tensor, start: Compound, end: Compound) -> tuple[RoundTrip, RoundTrip]:
    trips = []
    for compound, text in zip((start, end), model.decode(ends), strict=True):
        mol = decoded_molecule(text)
        smiles = "" if mol is None else Chem.MolToSmiles(mol)
        similarity = 0.0 if mol is None else tanimoto(mol, compound.mol)
        trips.append(RoundTrip(smiles, smiles == compound.smiles, similarity))
    return trips[0], trips[1]
