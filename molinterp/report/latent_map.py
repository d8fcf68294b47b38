"""Paths in the plane of the latent space's two principal axes, with the density of compounds under them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from molinterp.errors import InputError
from molinterp.report.plots import _figure_class

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from molinterp.model.protocol import LatentModel
    from molinterp.paths.path import MoleculePath

Array = npt.NDArray[np.float64]
N_GRID = 80
"""Points of the density along each axis."""
DARKEST = 2.2
"""Density, in units of its largest, that would be drawn in the colour of the text."""
MAX_ROUTES = 12
"""Paths in one picture."""
MAX_NAME = 24
"""Characters of a name in the legend."""


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


@final
@dataclass(frozen=True)
class Route:
    """A path as it is drawn."""

    label: str
    """What the legend says."""
    smiles: tuple[str, ...]
    """Canonical SMILES in order, the two ends included."""
    curve: Array | None = None
    """Points of the curve that was decoded, (n, d); None where only the molecules are known."""


def plot_latent(
    paths: Sequence[MoleculePath] | MoleculePath,
    *,
    model: LatentModel | str | Path | None = None,
    background: Sequence[str] | None = None,
) -> Figure:
    """Draw paths over the density of compounds, both projected on two principal axes of the latent space.

    Each molecule is a dot at its own latent point, the mean of q(z|x), where the model can encode it. The
    curve that the path was decoded from is drawn through, the straight line between its ends dashed. Most
    of the latent space's variance lies outside the plane: the axes say how much of it is inside.

    Args:
        paths: one or several of one model, at most MAX_ROUTES.
        model: the model that the paths were made with, loaded, or its name or folder; None loads the one
            that the request of the first path names.
        background: canonical SMILES whose latent points give axes and density, at least 3; None means the
            well-known drugs that ship and that the model can encode.

    Raises:
        InputError: there is no path, too many, paths of another model, or too little background.
        MissingDependencyError: matplotlib is not installed.
        BundleError: the bundle is missing or damaged.
        VocabularyError: the background holds atoms that the model does not know.
    """
    from molinterp.paths.path import MoleculePath

    several = [paths] if isinstance(paths, MoleculePath) else list(paths)
    names = {p.model for p in several}
    if len(names) > 1:
        raise InputError(f"`paths` must be of one model; got paths of {', '.join(sorted(names))}.")
    routes = [
        Route(
            _label(p.start_name or p.smiles[0], p.end_name or p.smiles[-1]),
            tuple(p.smiles),
            p.curve.points.astype(np.float64),
        )
        for p in several
    ]
    if model is None and several:
        model = several[0].request.model
    return plot_routes(routes, model=model, background=background)


def plot_table(
    table: pd.DataFrame,
    *,
    model: LatentModel | str | Path | None = None,
    background: Sequence[str] | None = None,
) -> Figure:
    """Draw the molecules of a long table of paths, as `molinterp.interpolate_table` gives it.

    A table does not hold the curves, so that the straight lines between the ends stand alone.

    Args:
        table: columns `pair`, `step` and `smiles`, rows in order; pairs without a path are left out, and
            pairs of one name are drawn apart.
        model: the model that the paths were made with, loaded, or its name or folder; None means "default".
        background: as in `plot_latent`.

    Raises:
        InputError: a column is missing, or as `plot_latent`.
    """
    if not {"pair", "step", "smiles"} <= set(table.columns):
        raise InputError(
            "`table` must have columns 'pair', 'step' and 'smiles', as `interpolate_table` gives them."
        )
    found = table[table["smiles"].notna()]
    names = found["pair"].astype(object).where(found["pair"].notna(), "").astype(str)
    paths = (found["step"] == 0).groupby(names, sort=False).cumsum()
    routes = [
        Route(name, tuple(rows)) for (name, _), rows in found["smiles"].groupby([names, paths], sort=False)
    ]
    return plot_routes(routes, model=model, background=background)


def plot_routes(routes: Sequence[Route], *, model: Any, background: Sequence[str] | None) -> Figure:
    """Draw routes; see `plot_latent`."""
    from molinterp.model.bundle import loaded

    if not 1 <= len(routes) <= MAX_ROUTES:
        raise InputError(
            f"`paths` must hold at least one path and at most {MAX_ROUTES}; got {len(routes)}. Choose some."
        )
    figure_class = _figure_class()
    known: LatentModel = loaded(model) if model is None or isinstance(model, str | Path) else model
    cloud = _encode(known, _drugs(known) if background is None else background)
    if len(cloud) < 3:
        raise InputError(f"`background` must hold at least 3 compounds; got {len(cloud)}.")
    plane = PrincipalPlane(cloud)
    dots = [plane.project(_encode(known, _spelt(known, route.smiles))) for route in routes]
    curves = [plane.project(_ends(known, route) if route.curve is None else route.curve) for route in routes]
    figure = figure_class(figsize=(6.4, 5.2), layout="constrained")
    axis = figure.subplots()
    _draw_density(axis, plane.project(cloud), [*dots, *curves])
    for route, own, curve in zip(routes, dots, curves, strict=True):
        is_drawn = route.curve is not None
        (line,) = axis.plot(*curve.T, linewidth=2.2 * is_drawn, label=route.label if is_drawn else None)
        # In the colour of the text: it shows where a curve is straight, too.
        axis.plot(*curve[[0, -1]].T, linestyle="--", linewidth=1.0, color=axis.xaxis.label.get_color())
        # A line that is not drawn would show no colour in the legend.
        label = None if is_drawn else route.label
        axis.plot(*own.T, marker="o", markersize=4, linestyle="none", color=line.get_color(), label=label)
    axis.set_xlabel(f"principal axis 1 (the two hold {plane.share:.0%} of the variance)")
    axis.set_ylabel("principal axis 2")
    _draw_legend(axis, any(route.curve is not None for route in routes))
    return figure


def _label(start: str, end: str) -> str:
    short = [name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…" for name in (start, end)]
    return " → ".join(short)


def _ends(model: LatentModel, route: Route) -> Array:
    """Latent points of the two ends of a route, (2, d)."""
    return _encode(model, [route.smiles[0], route.smiles[-1]])


def _draw_legend(axis: Any, has_curves: bool) -> None:
    """Colours tell the paths apart, strokes what is drawn of each."""
    from matplotlib.lines import Line2D

    plain = {"color": axis.xaxis.label.get_color()}
    strokes = [
        *([Line2D([], [], linewidth=2.2, label="curve", **plain)] if has_curves else []),
        Line2D([], [], linewidth=1.0, linestyle="--", label="straight line", **plain),
        Line2D([], [], marker="o", markersize=4, linestyle="none", label="molecules", **plain),
    ]
    handles, _ = axis.get_legend_handles_labels()
    axis.legend(handles=[*handles, *strokes], fontsize=8)


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
    from matplotlib.colors import LinearSegmentedColormap

    # From the paper towards the ink, so that it reads on light and on dark paper.
    paper, ink = axis.get_facecolor(), axis.xaxis.label.get_color()
    shades = LinearSegmentedColormap.from_list("density", [paper, ink])
    density = kernels[1] @ kernels[0].T
    axis.contourf(x, y, density / density.max(), levels=12, cmap=shades, vmin=0.0, vmax=DARKEST)


def _drugs(model: LatentModel) -> list[str]:
    from molinterp.chem.standardise import standardise
    from molinterp.data import drugs
    from molinterp.errors import InvalidMoleculeError

    known = []
    for smiles in drugs().values():
        try:
            canonical = standardise(smiles).smiles
        except InvalidMoleculeError:
            continue
        known.append(canonical)
    return _spelt(model, known)


def _spelt(model: LatentModel, smiles: Sequence[str]) -> list[str]:
    return [s for s in smiles if model.can_encode(s)]


def _encode(model: LatentModel, smiles: Sequence[str]) -> Array:
    if not smiles:
        return np.zeros((0, model.latent_dim))
    out: Array = model.posterior(list(smiles))[0].cpu().double().numpy()
    return out
