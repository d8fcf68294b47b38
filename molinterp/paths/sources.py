"""Where the candidates of a path come from: the curve, the latent space about a gap, a library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from rdkit import Chem
from torch import Tensor

from molinterp.geometry import Metric, SolverSettings, geodesic, linear, slerp
from molinterp.model.protocol import LatentModel
from molinterp.paths.library import Library
from molinterp.paths.path import LatentCurve
from molinterp.paths.request import Method

N_POINTS = 64
"""Points of the curve that are decoded."""
N_SAMPLES = 3
"""Sampled decodes of a point, beside the greedy ones."""
N_BETWEEN = 4
"""Points on the line between two molecules of a gap where a beam search looks."""
BEAM_WIDTH = 4
"""Strings that it finds at each, and at the first molecule itself."""
OWN_PLACE = 0.25
"""Place t at which the molecule itself is decoded: asked for what is like it, not for it."""
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

    model: LatentModel
    """The model."""

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> Iterable[str]:
        """SMILES of (1 + N_BETWEEN) BEAM_WIDTH decodes a pair of SMILES, where the model can spell both.

        Points between are decoded at their place.
        """
        known = [pair for pair in pairs if all(self.model.can_encode(s) for s in pair)]
        if not known:
            return []
        ends = self.model.posterior([s for pair in known for s in pair])[0]
        own, others = ends[0::2], ends[1::2]
        t = torch.linspace(0, 1, N_BETWEEN + 2, device=ends.device)[1:-1]
        points = torch.cat([own, linear(own, others, t).flatten(0, 1)])
        at_own = torch.full((len(known),), OWN_PLACE, device=ends.device)
        places = torch.cat([at_own, t.repeat(len(known))])
        return [text for texts in self.model.beams(points, BEAM_WIDTH, places) for text in texts]


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


def latent_curve(ends: Tensor, method: Method, metric: Callable[[], Metric]) -> LatentCurve:
    """The curve between two points, cut at N_POINTS places between them.

    Args:
        ends: (2, latent_dim).
        method: geodesic, linear or slerp.
        metric: gives the metric of a geodesic.
    """
    t, is_converged = _places(ends.device), True
    if method == Method.LINEAR:
        points = linear(ends[0], ends[1], t)
    elif method == Method.SLERP:
        points = slerp(ends[0], ends[1], t)
    else:
        # One descent will do for a guide.
        settings = SolverSettings.unchecked()
        found = geodesic(metric(), ends[:1], ends[1:], tol=SOLVER_TOLERANCE, settings=settings)
        points, is_converged = found.curve(t)[0], bool(found.converged.all())
    whole = torch.cat([ends[:1], points, ends[1:]])
    return LatentCurve(whole.detach().cpu().numpy(), is_converged)


def curve_decodes(model: LatentModel, curve: LatentCurve, device: torch.device, seed: int) -> list[str]:
    """Decodes of the points between the ends: at their places, as compounds, then sampled.

    Args:
        model: the model.
        curve: as `latent_curve` gives it.
        device: where the model is.
        seed: of the N_SAMPLES rounds of samples, which are drawn at their places.
    """
    points = torch.from_numpy(curve.points[1:-1]).to(device)
    generator = torch.Generator().manual_seed(seed)
    t = _places(device)
    likely = model.decode(points.repeat(2, 1), torch.cat([t, torch.zeros_like(t)]))
    wide = points.repeat(N_SAMPLES, 1)
    return likely + model.sample(wide, generator, TEMPERATURE, t.repeat(N_SAMPLES))


def _places(device: torch.device) -> Tensor:
    """Where a curve is cut: (N_POINTS,) in (0, 1)."""
    return torch.linspace(0, 1, N_POINTS + 2, device=device)[1:-1]
