"""Compounds in the middle of several: the Fréchet mean of their latent points, decoded and judged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import torch
from rdkit import Chem

from molinterp.chem.filters import decoded_molecule
from molinterp.chem.properties import PROPERTIES, describe
from molinterp.chem.similarity import tanimoto
from molinterp.chem.standardise import standardise
from molinterp.errors import InputError
from molinterp.geometry.metric import Metric
from molinterp.geometry.statistics import frechet_mean
from molinterp.model.bundle import model_of, name_of
from molinterp.model.protocol import LatentModel
from molinterp.paths.objective import objective_of
from molinterp.paths.request import PathRequest
from molinterp.paths.sources import SOLVER_TOLERANCE
from molinterp.paths.stages import filters_of

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 0.05
"""Of the mean, in mean distances of the compounds to it: what is about it is decoded too."""
N_DRAWS = 256
"""Points about the mean that are decoded beside it."""
SPREADS = (0.5, 1.0, 1.5)
"""Distances from the mean at which they are drawn, in mean posterior standard deviations of the compounds."""

WIDTH = 4
"""Strings of the beam at each of them: next to the mean they cost little."""
PLACES = (0.5, 0.25)
"""The mean lies between the compounds, as the middle of a path does, and maybe near one that is known."""
ALIKE = 0.2
"""ECFP4 Tanimoto similarity that three pairs of drugs in a hundred exceed (of the 229 that ship)."""


@final
@dataclass(frozen=True)
class MedianCompound:
    """A compound in the middle of others."""

    smiles: str
    """Canonical SMILES, stereo included."""
    similarities: tuple[float, ...]
    """ECFP4 Tanimoto similarity to each of the others, in [0, 1]."""
    dispersion: float
    """Mean squared Tanimoto distance to the others, in [0, 1]: what a median makes small."""
    properties: Mapping[str, float]
    """Name to value, in the units of `molinterp.chem.properties`."""


def median(
    compounds: Sequence[str],
    *,
    model: LatentModel | str | Path = "default",
    n: int = 10,
    **options: Any,
) -> list[MedianCompound]:
    """Compounds that lie in the middle of several, those of least dispersion first.

    The Fréchet mean of the latent points under the metric of the output space and λ is decoded, with
    points about it; what passes the judge is ranked by its mean squared Tanimoto distance to the compounds.

    Args:
        compounds: SMILES of two or more.
        model: a loaded model, or the name or folder of a bundle.
        n: compounds wanted at most.
        **options: output space, filters, weights of λ, seed and device; see `PathRequest`.

    Raises:
        InvalidMoleculeError: one is no molecule, too large, or a mixture.
        VocabularyError: one holds atoms that the model does not know.
        InputError: fewer than two different compounds, or an option is out of range.
    """
    ends = [standardise(c, i) for i, c in enumerate(compounds)]
    if len({e.smiles for e in ends}) < 2:
        raise InputError(f"`compounds` must be at least two different ones; got {len(compounds)}.")
    if n < 1:
        raise InputError(f"`n` must be at least 1; got {n}.")
    request = PathRequest.of(model=name_of(model), **options)
    known = model_of(model, request.device)
    mean, deviation = known.posterior([e.smiles for e in ends])
    objective = objective_of(known, ends[0].mol, ends[-1].mol, request)
    metric = Metric(known.output_space(request.output_space), objective.realism)
    middle = frechet_mean(metric, mean, tol=TOLERANCE, solver_tol=SOLVER_TOLERANCE).mean
    generator = torch.Generator().manual_seed(request.seed)
    noise = torch.randn(N_DRAWS, known.latent_dim, generator=generator).to(mean)
    spread = torch.tensor(SPREADS).to(mean).repeat(math.ceil(N_DRAWS / len(SPREADS)))[:N_DRAWS]
    points = middle + spread[:, None] * deviation.mean(0) * noise
    points = torch.cat([middle[None], points])
    texts = chain.from_iterable(strings for t in PLACES for strings in known.beams(points, WIDTH, t))
    filters = filters_of(request, known, [e.mol for e in ends])
    found: dict[str, MedianCompound] = {}
    for text in dict.fromkeys(texts):
        mol = decoded_molecule(text)
        smiles = "" if mol is None else Chem.MolToSmiles(mol)
        is_end = any(smiles == e.smiles for e in ends)
        if mol is None or is_end or smiles in found or filters.fault(mol) is not None:
            continue
        near = tuple(tanimoto(mol, e.mol) for e in ends)
        dispersion = sum((1 - s) ** 2 for s in near) / len(near)
        found[smiles] = MedianCompound(smiles, near, dispersion, describe(mol))
    return sorted(found.values(), key=lambda m: (m.dispersion, m.smiles))[:n]


def unlike(found: Sequence[MedianCompound], names: Sequence[str]) -> dict[str, float]:
    """The compounds that nothing of what was found is like, and the largest similarity to each.

    Args:
        found: compounds in the middle, as `median` gives them.
        names: of the compounds whose middle it is, in their order.

    Returns:
        Name to a similarity in [0, `ALIKE`]; empty where each compound has one like it, or nothing was found.
    """
    best = zip(names, map(max, zip(*(m.similarities for m in found), strict=True)), strict=bool(found))
    return {name: similarity for name, similarity in best if similarity <= ALIKE}


def median_frame(found: Sequence[MedianCompound], names: Sequence[str]) -> pd.DataFrame:
    """One row a compound: rank, smiles, dispersion, similarity to each of `names`, properties."""
    import pandas as pd

    columns = ["rank", "smiles", "dispersion", *(f"similarity_to_{name}" for name in names), *PROPERTIES]
    rows = [
        (rank, m.smiles, m.dispersion, *m.similarities, *(m.properties[name] for name in PROPERTIES))
        for rank, m in enumerate(found, start=1)
    ]
    return pd.DataFrame(rows, columns=columns)
