"""Where the candidates of a path come from: the curve, the latent space about a gap, a library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from rdkit import Chem
from torch import Tensor

from molinterp.geometry import Metric, SolverSettings, geodesic, linear, slerp
from molinterp.model.bundle import Bundle
from molinterp.model.decoding import blur_at
from molinterp.paths.library import Library
from molinterp.paths.objective import Restraints

N_POINTS = 64
"""Points of the curve that are decoded."""
N_SAMPLES = 3
"""Sampled decodes of a point, beside the greedy ones."""
N_BETWEEN = 4
"""Points on the line between two molecules of a gap where a beam search looks."""
BEAM_WIDTH = 4
"""Strings that it finds at each, and at the first molecule itself."""
OWN_BLUR = 0.5
"""Blur at the molecule itself: asked for what is like it, not for it."""
TEMPERATURE = 0.7
SOLVER_TOLERANCE = 1e-2
"""Relative to the energy: the curve is a guide, its decodes are judged one by one."""
SHELF_SIMILARITY = 0.4
"""Least similarity of a compound of a library to the molecule beside a gap."""
N_SHELF = 40
"""Compounds of a library that are looked at for one molecule beside a gap."""


@final
@dataclass(frozen=True)
class Neighbours:
    """What the model sees at the first molecule of a gap and on the way to the second."""

    model: Bundle
    """The model."""

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> Iterable[str]:
        """SMILES of (1 + N_BETWEEN) BEAM_WIDTH decodes a pair of SMILES, where the model can spell both.

        Points between are decoded with the blur of their place.
        """
        known = [pair for pair in pairs if all(self.model.can_encode(s) for s in pair)]
        if not known:
            return []
        ends = self.model.encode([s for pair in known for s in pair])
        own, others = ends[0::2], ends[1::2]
        t = torch.linspace(0, 1, N_BETWEEN + 2, device=ends.device)[1:-1]
        points = torch.cat([own, linear(own, others, t).flatten(0, 1)])
        at_own = torch.full((len(known),), OWN_BLUR, device=ends.device)
        blur = torch.cat([at_own, blur_at(t).repeat(len(known))])
        return [text for texts in self.model.beams(points, BEAM_WIDTH, blur) for text in texts]


@final
@dataclass(frozen=True)
class Shelf:
    """What a library holds near one molecule of a gap, towards the other."""

    library: Library
    """The compounds."""

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> Iterable[str]:
        """SMILES of up to N_SHELF compounds a pair of SMILES."""
        for x, y in pairs:
            near, towards = Chem.MolFromSmiles(x), Chem.MolFromSmiles(y)
            yield from self.library.between(near, towards, SHELF_SIMILARITY, N_SHELF)


def curve_points(ends: Tensor, method: str, metric: Callable[[], Metric]) -> Tensor:
    """Points (N_POINTS, d) between the two `ends` (2, d), without these."""
    t = _places(ends.device)
    if method == "linear":
        return linear(ends[0], ends[1], t)
    if method == "slerp":
        return slerp(ends[0], ends[1], t)
    # One descent will do for a guide.
    settings = SolverSettings.unchecked()
    return geodesic(metric(), ends[:1], ends[1:], tol=SOLVER_TOLERANCE, settings=settings).curve(t)[0]


def latent_terms(model: Bundle, restraints: Restraints, smiles: Sequence[str]) -> list[dict[str, float]]:
    """Weighted λ terms at the latent point of each molecule; none for one that the model cannot spell."""
    known = [s for s in smiles if model.can_encode(s)]
    if not known or not restraints.realism.terms:
        return [{} for _ in smiles]
    weights = dict(zip(restraints.realism.names, restraints.realism.weights, strict=True))
    found = dict(zip(known, restraints.terms_at(model.encode(known)), strict=True))
    return [{name: weights[name] * v for name, v in found.get(s, {}).items()} for s in smiles]


def curve_decodes(model: Bundle, points: Tensor, seed: int) -> list[str]:
    """Greedy decodes of all points with the blur of their places and without, then sampled ones.

    Args:
        model: the model.
        points: (N_POINTS, d), as `curve_points` gives them.
        seed: of the N_SAMPLES rounds of samples, which are drawn with blur.
    """
    generator = torch.Generator().manual_seed(seed)
    blur = blur_at(_places(points.device))
    greedy = model.decode(points.repeat(2, 1), torch.cat([blur, torch.zeros_like(blur)]))
    wide = points.repeat(N_SAMPLES, 1)
    return greedy + model.sample(wide, generator, TEMPERATURE, blur.repeat(N_SAMPLES))


def _places(device: torch.device) -> Tensor:
    """Where a curve is cut: (N_POINTS,) in (0, 1)."""
    return torch.linspace(0, 1, N_POINTS + 2, device=device)[1:-1]
