"""Output spaces of a bundle: its heads and its decoder as maps that geometry can measure in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from molinterp.chem.properties import describe
from molinterp.chem.standardise import standardise
from molinterp.errors import InputError
from molinterp.geometry import (
    CubicSpline,
    GeodesicResult,
    LocalSpace,
    Metric,
    PiecewiseLinear,
    SolverSettings,
    geodesic,
    linear,
    slerp,
)
from molinterp.geometry.curves import Curve
from molinterp.geometry.output_spaces import Map, bernoulli, categorical, compose, floored, latent, stacked
from molinterp.model.bundle import Bundle
from molinterp.model.decoding import greedy
from molinterp.model.tokens import END, PAD, START
from molinterp.realism.precision_network import PrecisionNetwork

NAMES = ("latent", "fingerprint", "properties", "tokens")
"""Output spaces that every bundle has."""
MEASURED = 65
"""Points at which curves are compared."""


def output_space(bundle: Bundle, name: str, precision: PrecisionNetwork | None = None) -> Map | LocalSpace:
    """What counts as a change between two latent points.

    `latent` is z itself; `fingerprint` the Fisher information metric of the predicted ECFP4 bits;
    `properties` the predicted properties in standard deviations of the training data, with their own
    uncertainty beside them; `tokens` the Fisher information metric of the decoder along the string that
    it writes greedily at each point.

    Args:
        bundle: whose heads and decoder are used.
        name: one of NAMES.
        precision: σ(z) of the standardised properties, as `fit_precision` gives it; None means the
            bundle's own, and where it has none `properties` has the mean alone.

    Raises:
        InputError: there is no such output space.
    """
    model = bundle.model
    if name == "latent":
        return latent
    if name == "fingerprint":
        return compose(bernoulli, model.bit_logits)
    if name == "properties":
        known = precision or _own_precision(bundle)
        return model.property_head if known is None else stacked(model.property_head, known)
    if name == "tokens":
        return LocalSpace(lambda z: _greedy_strings(bundle, z), lambda z, s: _string_roots(bundle, z, s))
    raise InputError(f"`name` must be one of {', '.join(NAMES)}; got {name!r}.")


def _own_precision(bundle: Bundle) -> PrecisionNetwork | None:
    tensors = bundle.realism.precision
    return PrecisionNetwork.from_tensors(tensors) if tensors else None


def property_at(bundle: Bundle, name: str) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Mean and deviation (...,) of a property at z (..., latent_dim), in its own unit, differentiable.

    The mean is the property head's; the deviation is learnt from its errors and grows off the data.

    Raises:
        InputError: the head knows no such property, or the deviation was not learnt.
    """
    precision = _own_precision(bundle)
    if precision is None or name not in bundle.property_names:
        raise InputError(f"bundle '{bundle.name}' has no windows of {name!r}; see `molinterp fit windows`.")
    column, model = bundle.property_names.index(name), bundle.model

    def predict(z: Tensor) -> tuple[Tensor, Tensor]:
        deviation = precision(z.reshape(-1, z.shape[-1]))[:, column].reshape(z.shape[:-1])
        return model.properties(z)[..., column], deviation * model.property_scale[column]

    return predict


def fit_precision(
    bundle: Bundle, smiles: Sequence[str], n_centres: int = 64, seed: int = 0
) -> PrecisionNetwork:
    """The uncertainty of a bundle's property head, learnt from its errors on some molecules.

    A thousand molecules take some seconds, most of them for the true properties.

    Args:
        bundle: whose property head is judged; it stays as it is.
        smiles: molecules that it was not trained on.
        n_centres: radial basis functions.
        seed: of the clustering.

    Raises:
        InvalidMoleculeError: a text is no molecule.
        VocabularyError: a molecule holds tokens that the vocabulary lacks.
        InputError: fewer than two molecules.
    """
    compounds = [standardise(s) for s in smiles]
    rows = [describe(c.mol) for c in compounds]
    truth = torch.tensor([[row[name] for name in bundle.property_names] for row in rows])
    z = bundle.encode([c.smiles for c in compounds])
    with torch.no_grad():
        residuals = (truth.to(z) - bundle.model.properties(z)) / bundle.model.property_scale
    n_different = len({c.smiles for c in compounds})
    return PrecisionNetwork(min(n_centres, n_different)).fit(z, residuals, seed)


@final
@dataclass(frozen=True)
class CurveFigures:
    """What one curve costs in one output space."""

    space: str
    """Output space."""
    curve: str
    """linear, slerp or geodesic."""
    length: float
    """∫‖dΦ/dt‖dt, dimensionless."""
    energy: float
    """½∫‖dΦ/dt‖²dt, dimensionless."""
    quality: float
    """exp(-length), in (0, 1]."""
    improvement: float
    """Relative length improvement, 1 - length / length of the straight line."""
    is_converged: bool
    """Whether the solver found a minimum to its tolerance; True for the curves that need no solver."""
    log_index: float
    """Least log10 of the realism index along the curve; NaN where the bundle has no density.

    Far below that of the ends, the curve runs where no compound is.
    """


def compare_curves(
    bundle: Bundle,
    a: str,
    b: str,
    names: Sequence[str] = NAMES,
    precision: PrecisionNetwork | None = None,
) -> list[CurveFigures]:
    """Length, energy and quality of line, slerp and geodesic between two compounds.

    Relative length improvement: Michelis and Becker, On Linear Interpolation in the Latent Space of Deep
    Generative Models, 2021, arXiv 2105.03663. Quality: Struski et al., Feature-Based Interpolation and
    Geodesics in the Latent Spaces of Generative Models, 2019, arXiv 1904.03445.

    Args:
        bundle: encoder, heads and decoder.
        a: SMILES of the start.
        b: SMILES of the end.
        names: output spaces, of NAMES.
        precision: as for `output_space`.

    Raises:
        InvalidMoleculeError: an end is no molecule.
        VocabularyError: an end holds tokens that the vocabulary lacks.
        InputError: both ends are the same compound, or there is no such output space.
    """
    start, end = standardise(a).smiles, standardise(b).smiles
    if start == end:
        raise InputError(f"start and end are the same compound, {start}. Choose two.")
    z0, z1 = bundle.encode([start, end])
    return [
        row
        for name in names
        for row in _figures(bundle, Metric(output_space(bundle, name, precision)), name, z0, z1)
    ]


@torch.no_grad()
def _figures(bundle: Bundle, metric: Metric, name: str, z0: Tensor, z1: Tensor) -> list[CurveFigures]:
    knots = torch.linspace(0, 1, MEASURED, device=z0.device)
    found = _geodesic(metric, z0, z1)
    curves: dict[str, Curve] = {
        "linear": PiecewiseLinear(torch.stack([z0, z1])),
        "slerp": CubicSpline(slerp(z0, z1, knots)),
        "geodesic": found.curve,
    }
    rows: list[CurveFigures] = []
    for kind, curve in curves.items():
        nodes = curve(knots)
        length = float(metric.length(nodes))
        line = rows[0].length if rows else length
        improvement = 1 - length / line if line > 0 else 0.0
        energy = float(metric.energy(nodes))
        index = bundle.realism.index
        log_index = math.nan if index is None else float(index.log_index(nodes).min()) / math.log(10)
        converged = kind != "geodesic" or bool(found.converged)
        rows.append(
            CurveFigures(name, kind, length, energy, math.exp(-length), improvement, converged, log_index)
        )
    return rows


def _geodesic(metric: Metric, z0: Tensor, z1: Tensor) -> GeodesicResult:
    """The geodesic in an output space, with a floor in the directions that a head does not see."""
    if isinstance(metric.phi, LocalSpace):
        # The decoder costs a thousand times a head.
        settings = replace(SolverSettings.unchecked(), n_charts=2)
        return geodesic(metric, z0, z1, n_segments=8, max_iterations=10, settings=settings)
    sound = Metric(floored(metric.phi, linear(z0, z1, torch.linspace(0, 1, 5, device=z0.device))))
    return geodesic(sound, z0, z1, n_segments=32, max_iterations=100)


def _greedy_strings(bundle: Bundle, z: Tensor) -> Tensor:
    """Tokens of the greedy decode with START before and END after it, padded: (n, length) int64."""
    rows = [
        torch.tensor([START, *row, END])
        for row in greedy(bundle.model, z.to(bundle.model.property_mean.dtype))
    ]
    return pad_sequence(rows, batch_first=True, padding_value=PAD).to(z.device)


def _string_roots(bundle: Bundle, z: Tensor, strings: Tensor) -> Tensor:
    """2·√p of the decoder at each position of given strings, side by side: (n, positions · n_tokens).

    Strings (n, length) as `_greedy_strings` gives them; what follows their end counts for nothing.
    """
    # cuDNN has no forward-mode derivative of recurrent layers.
    with torch.backends.cudnn.flags(enabled=False):
        logits = bundle.model.logits(bundle.model.condition(z), strings[:, :-1])
    roots = categorical(logits) * (strings[:, 1:] != PAD)[..., None]
    return roots.flatten(1)
