"""Paths in the plane of the latent space's two principal axes, with the density of compounds under them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from molinterp.errors import InputError
from molinterp.report.pictures import _figure_class

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from molinterp.bundle import Bundle
    from molinterp.path import MoleculePath

Array = npt.NDArray[np.float64]
N_GRID = 80
"""Points of the density along each axis."""


@final
class PrincipalPlane:
    """The plane through the mean of a cloud of points that holds most of its variance."""

    def __init__(self, points: Array) -> None:
        """Fit it to points (n, d), n and d at least 2; the signs of the axes are fixed."""
        self.mean = points.mean(0)
        _, scale, axes = np.linalg.svd(points - self.mean, full_matrices=False)
        largest = np.abs(axes[:2]).argmax(1)
        self.axes: Array = axes[:2] * np.sign(axes[:2][np.arange(2), largest])[:, None]
        self.share: float = float((scale[:2] ** 2).sum() / (scale**2).sum())

    def project(self, points: Array) -> Array:
        """Coordinates (n, 2) of points (n, d)."""
        out: Array = (points - self.mean) @ self.axes.T
        return out


def plot_latent(
    paths: Sequence[MoleculePath] | MoleculePath,
    *,
    bundle: Bundle | str | Path | None = None,
    background: Sequence[str] | None = None,
) -> Figure:
    """Draw paths over the density of compounds, both projected on two principal axes of the latent space.

    Each molecule stands at its own latent point, the mean of q(z|x); the straight line between the ends
    of a path is dashed. Most of the latent space's variance lies outside the plane: the axes say how much
    of it is inside.

    Args:
        paths: one or several.
        bundle: the model that encodes, loaded, or its name or folder; None means "default".
        background: canonical SMILES whose latent points give axes and density, at least 3; None means the
            well-known drugs that ship and that the model can encode.

    Raises:
        InputError: there is no path, or too little background.
        MissingDependencyError: matplotlib is not installed.
        BundleError: the bundle is missing or damaged.
        VocabularyError: a molecule holds atoms that the model does not know.
    """
    from molinterp.bundle import Bundle
    from molinterp.path import MoleculePath

    several = [paths] if isinstance(paths, MoleculePath) else list(paths)
    if not several:
        raise InputError("`paths` must hold at least one path; got none.")
    figure_class = _figure_class()
    model = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle or "default")
    cloud = _encode(model, _drugs(model) if background is None else background)
    if len(cloud) < 3:
        raise InputError(f"`background` must hold at least 3 compounds; got {len(cloud)}.")
    plane = PrincipalPlane(cloud)
    figure = figure_class(figsize=(6.4, 5.2), layout="constrained")
    axis = figure.subplots()
    drawn = [plane.project(_encode(model, path.smiles)) for path in several]
    _draw_density(axis, plane.project(cloud), drawn)
    for path, points in zip(several, drawn, strict=True):
        label = f"{path.start_name or path.smiles[0]} → {path.end_name or path.smiles[-1]}"
        (line,) = axis.plot(*points.T, marker="o", markersize=3.5, linewidth=1.2, label=label[:60])
        axis.plot(*points[[0, -1]].T, linestyle="--", linewidth=1.0, color=line.get_color())
    axis.set_xlabel(f"principal axis 1 (the two hold {plane.share:.0%} of the variance)")
    axis.set_ylabel("principal axis 2")
    axis.legend(fontsize=8)
    return figure


def _draw_density(axis: Any, cloud: Array, drawn: Sequence[Array]) -> None:
    """Contours of a Gaussian kernel density of the cloud (n, 2), bandwidth by Scott's rule."""
    everything = np.concatenate([cloud, *drawn])
    low, high = everything.min(0), everything.max(0)
    margin = 0.05 * (high - low)
    x, y = (np.linspace(a, b, N_GRID) for a, b in zip(low - margin, high + margin, strict=True))
    width = cloud.std(0) * len(cloud) ** (-1 / 6)
    kernels = [
        np.exp(-0.5 * ((grid[:, None] - cloud[None, :, i]) / width[i]) ** 2) for i, grid in enumerate((x, y))
    ]
    axis.contourf(x, y, kernels[1] @ kernels[0].T, levels=12, cmap="Greys", alpha=0.55)


def _drugs(model: Bundle) -> list[str]:
    from molinterp.chem.standardise import standardise
    from molinterp.data import drugs
    from molinterp.errors import InvalidMoleculeError, VocabularyError

    known = []
    for smiles in drugs().values():
        try:
            canonical = standardise(smiles).smiles
            model.tokenizer.encode([canonical])
        except (InvalidMoleculeError, VocabularyError):
            continue
        known.append(canonical)
    return known


def _encode(model: Bundle, smiles: Sequence[str]) -> Array:
    if not smiles:
        return np.zeros((0, model.latent_dim))
    out: Array = model.encode(list(smiles)).cpu().double().numpy()
    return out
