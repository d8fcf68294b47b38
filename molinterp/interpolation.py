"""From two compounds and a bundle to a path of molecules: where chemistry and geometry meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import final

import torch
from rdkit import Chem
from torch import Tensor

from molinterp.bundle import Bundle
from molinterp.chem.judge import Judge, decoded_molecule
from molinterp.chem.properties import describe
from molinterp.chem.similarity import tanimoto
from molinterp.chem.standardise import Compound, standardise
from molinterp.errors import InputError
from molinterp.geometry.curves import linear, slerp
from molinterp.path import MoleculePath, RoundTrip, Step

Curve = Callable[[Tensor, Tensor, Tensor], Tensor]
METHODS: Mapping[str, Curve] = MappingProxyType({"linear": linear, "slerp": slerp})
"""Name of a method to its curve (z0, z1, t) -> (n, d)."""
N_POINTS = 64
N_SAMPLES = 4
TEMPERATURE = 0.7


@final
@dataclass(frozen=True)
class _Decode:
    """One molecule decoded on the curve."""

    t: float
    mol: Chem.Mol
    smiles: str
    flat: str


def interpolate(
    a: str,
    b: str,
    *,
    bundle: Bundle | str | Path | None = None,
    method: str = "linear",
    steps: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    names: tuple[str, str] = ("", ""),
) -> MoleculePath:
    """Molecules between two compounds.

    The curve between the two latent points is cut at 64 places; each is decoded greedily and four
    times at random. Decodes that are no molecule, are not made of familiar atom environments, raise
    an alert that neither end raises, are harder to make than the ends, or stand in the path already
    are left out. The ends are the compounds themselves, never their reconstructions.

    Args:
        a: SMILES of the start.
        b: SMILES of the end.
        bundle: a loaded bundle, or the name or folder of one; None means "default".
        method: "linear" or "slerp".
        steps: molecules wanted, ends included, taken evenly from those found; None means all.
        seed: of the sampled decodes.
        device: where the bundle is loaded, as torch names it; a loaded bundle stays where it is.
        names: what to call the two ends.

    Raises:
        InvalidMoleculeError: an end is no molecule, too large, or a mixture.
        VocabularyError: an end holds atoms that the model does not know.
        InputError: both ends are the same compound, or an option is out of range.
        BundleError: the bundle is missing or damaged.
    """
    if method not in METHODS:
        raise InputError(f"`method` must be one of {', '.join(METHODS)}; got {method!r}.")
    if steps is not None and steps < 2:
        raise InputError(f"`steps` must be at least 2, the ends included; got {steps}.")
    start, end = standardise(a), standardise(b)
    if start.smiles == end.smiles:
        raise InputError(f"start and end are the same compound, {start.smiles}. Choose two.")
    notes = [f"start: {c}" for c in start.changes] + [f"end: {c}" for c in end.changes]
    model = bundle if isinstance(bundle, Bundle) else _loaded(str(bundle or "default"), device)
    ends = model.encode([start.smiles, end.smiles])
    t = torch.linspace(0, 1, N_POINTS + 2, device=ends.device)[1:-1]
    points = METHODS[method](ends[0], ends[1], t)
    texts = _decodes(model, points, seed)
    found = [_decode(float(t[i % N_POINTS]), text) for i, text in enumerate(texts)]
    judge = Judge.between(start.mol, end.mol)
    chosen, rejected = _choose([d for d in found if d is not None], judge)
    if steps is not None and len(chosen) + 2 < steps:
        notes.append(f"{steps} molecules were asked for; {len(chosen) + 2} were found")
    return MoleculePath(
        steps=_steps(start, end, _thin(chosen, None if steps is None else steps - 2)),
        start_name=names[0],
        end_name=names[1],
        method=method,
        bundle=model.name,
        seed=seed,
        raw_validity=sum(d is not None for d in found) / len(found),
        n_decoded=len(found),
        rejected=rejected,
        round_trips=_round_trips(model, ends, start, end),
        notes=tuple(notes),
    )


@lru_cache(maxsize=2)
def _loaded(name: str, device: str) -> Bundle:
    try:
        place = torch.device(device)
        torch.zeros(1, device=place)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"`device` must be one that torch can use here, as cpu; got {device!r}.") from error
    return Bundle.load(name, place)


def _decodes(model: Bundle, points: Tensor, seed: int) -> list[str]:
    """Greedy decodes of all points, then N_SAMPLES rounds of sampled ones."""
    generator = torch.Generator().manual_seed(seed)
    return model.decode(points) + model.sample(points.repeat(N_SAMPLES, 1), generator, TEMPERATURE)


def _decode(t: float, text: str) -> _Decode | None:
    mol = decoded_molecule(text)
    if mol is None:
        return None
    # Kekule structures of one compound meet in its canonical form.
    return _Decode(t, mol, Chem.MolToSmiles(mol), Chem.MolToSmiles(mol, isomericSmiles=False))


def _choose(found: Sequence[_Decode], judge: Judge) -> tuple[list[_Decode], dict[str, int]]:
    """The first acceptable new molecule at each point, in order, and why others were left out."""
    verdicts: dict[str, str | None] = {}
    seen = {Chem.MolToSmiles(end, isomericSmiles=False) for end in judge.ends}
    at_point: dict[float, list[_Decode]] = {}
    for decode in found:
        at_point.setdefault(decode.t, []).append(decode)
    chosen = []
    for t in sorted(at_point):
        for decode in at_point[t]:
            if decode.flat in seen:
                continue
            if decode.smiles not in verdicts:
                verdicts[decode.smiles] = judge.fault(decode.mol)
            if verdicts[decode.smiles] is None:
                seen.add(decode.flat)
                chosen.append(decode)
                break
    return chosen, dict(Counter(reason for reason in verdicts.values() if reason))


def _thin(chosen: list[_Decode], n: int | None) -> list[_Decode]:
    """`n` of the molecules, evenly; all of them where n is None or more."""
    if n is None or n >= len(chosen):
        return chosen
    return [chosen[int((i + 0.5) * len(chosen) / n)] for i in range(n)]


def _steps(start: Compound, end: Compound, between: Sequence[_Decode]) -> tuple[Step, ...]:
    rows = [(0.0, start.smiles, start.mol), *((d.t, d.smiles, d.mol) for d in between)]
    rows.append((1.0, end.smiles, end.mol))
    out = []
    for i, (t, smiles, mol) in enumerate(rows):
        out.append(
            Step(
                smiles=smiles,
                t=t,
                similarity=tanimoto(rows[i - 1][2], mol) if i else None,
                similarity_to_start=tanimoto(start.mol, mol),
                similarity_to_end=tanimoto(end.mol, mol),
                properties=describe(mol),
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
