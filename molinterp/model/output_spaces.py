"""Output spaces of a model: its heads and its decoder as maps for the geometry."""

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
"""Output spaces of every bundle."""
N_MEASURED = 65
"""Number of points at which curves are compared."""


def output_space(bundle: Bundle, name: str, precision: PrecisionNetwork | None = None) -> Map | LocalSpace:
    """Return the map whose change along a curve is measured.

    `latent` is z itself. `fingerprint` uses the Fisher information metric of the predicted ECFP4 bits.
    `properties` contains the predicted properties in standard deviations of the training data, together with
    their uncertainty. `tokens` uses the Fisher information metric of the decoder along the string that it
    writes greedily at each point.

    Args:
        bundle: model whose heads and decoder are used.
        name: one of NAMES.
        precision: σ(z) of the standardised properties, as returned by `fit_precision`; None means that of the
            model. If the model has none, `properties` contains the means only.

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
    """Return a differentiable function from z (..., latent_dim) to mean and deviation (...,) of a property.

    Both are in the unit of the property. The mean is the output of the property head; the deviation was
    learnt from its errors and grows away from the data.

    Raises:
        InputError: the head does not predict the property, or no deviation was learnt.
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
    """Learn the uncertainty of a model's property head from its errors on some molecules.

    A thousand molecules take a few seconds, most of which go into computing the true properties.

    Args:
        bundle: model with the property head; it does not change.
        smiles: molecules that the model was not trained on.
        n_centres: number of radial basis functions.
        seed: seed of the clustering.

    Raises:
        InvalidMoleculeError: a text is not a molecule.
        VocabularyError: a molecule has tokens that are not in the vocabulary.
        InputError: there are fewer than two molecules.
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
class CurveMeasurement:
    """Length and energy of one curve in one output space."""

    space: str
    """Name of the output space."""
    curve: str
    """Kind of the curve: linear, slerp or geodesic."""
    length: float
    """∫‖dΦ/dt‖dt, dimensionless."""
    energy: float
    """½∫‖dΦ/dt‖²dt, dimensionless."""
    quality: float
    """exp(-length), in (0, 1]."""
    improvement: float
    """Relative length improvement, 1 - length / length of the straight line."""
    is_converged: bool
    """Whether the solver converged to a minimum; True for the curves that need no solver."""
    log_index: float
    """Smallest log10 of the realism index along the curve; NaN if the model has no density.

    If it is far below that of the ends, the curve leaves the region of compounds.
    """


def compare_curves(
    bundle: Bundle,
    a: str,
    b: str,
    names: Sequence[str] = NAMES,
    precision: PrecisionNetwork | None = None,
) -> list[CurveMeasurement]:
    """Measure length, energy and quality of line, slerp and geodesic between two compounds.

    Relative length improvement: Michelis and Becker, On Linear Interpolation in the Latent Space of Deep
    Generative Models, 2021, arXiv 2105.03663. Quality: Struski et al., Feature-Based Interpolation and
    Geodesics in the Latent Spaces of Generative Models, 2019, arXiv 1904.03445.

    Args:
        bundle: model with encoder, heads and decoder.
        a: SMILES of the start.
        b: SMILES of the end.
        names: output spaces, from NAMES.
        precision: as in `output_space`.

    Raises:
        InvalidMoleculeError: an end is not a molecule.
        VocabularyError: an end has tokens that are not in the vocabulary.
        InputError: both ends are the same compound, or there is no such output space.
    """
    start, end = standardise(a).smiles, standardise(b).smiles
    if start == end:
        raise InputError(f"start and end are the same compound, {start}. Choose two.")
    z0, z1 = bundle.encode([start, end])
    return [
        row
        for name in names
        for row in _measured(bundle, Metric(output_space(bundle, name, precision)), name, z0, z1)
    ]


@torch.no_grad()
def _measured(bundle: Bundle, metric: Metric, name: str, z0: Tensor, z1: Tensor) -> list[CurveMeasurement]:
    knots = torch.linspace(0, 1, N_MEASURED, device=z0.device)
    found = _geodesic(metric, z0, z1)
    curves: dict[str, Curve] = {
        "linear": PiecewiseLinear(torch.stack([z0, z1])),
        "slerp": CubicSpline(slerp(z0, z1, knots)),
        "geodesic": found.curve,
    }
    rows: list[CurveMeasurement] = []
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
            CurveMeasurement(name, kind, length, energy, math.exp(-length), improvement, converged, log_index)
        )
    return rows


def _geodesic(metric: Metric, z0: Tensor, z1: Tensor) -> GeodesicResult:
    """Compute the geodesic in an output space, with a floor in directions that a head does not depend on."""
    if isinstance(metric.phi, LocalSpace):
        # The decoder costs a thousand times as much as a head.
        settings = replace(SolverSettings.unchecked(), n_charts=2)
        return geodesic(metric, z0, z1, n_segments=8, max_iterations=10, settings=settings)
    sound = Metric(floored(metric.phi, linear(z0, z1, torch.linspace(0, 1, 5, device=z0.device))))
    return geodesic(sound, z0, z1, n_segments=32, max_iterations=100)


def _greedy_strings(bundle: Bundle, z: Tensor) -> Tensor:
    """Decode greedily to tokens between START and END, padded: (n, length) int64."""
    rows = [
        torch.tensor([START, *row, END])
        for row in greedy(bundle.model, z.to(bundle.model.property_mean.dtype))
    ]
    return pad_sequence(rows, batch_first=True, padding_value=PAD).to(z.device)


def _string_roots(bundle: Bundle, z: Tensor, strings: Tensor) -> Tensor:
    """Compute 2·√p of the decoder at each position of given strings, flattened: (n, positions · n_tokens).

    The strings (n, length) are those of `_greedy_strings`; positions after their end do not count.
    """
    # cuDNN has no forward-mode derivatives of recurrent layers.
    with torch.backends.cudnn.flags(enabled=False):
        logits = bundle.model.logits(bundle.model.condition(z), strings[:, :-1])
    roots = categorical(logits) * (strings[:, 1:] != PAD)[..., None]
    return roots.flatten(1)
