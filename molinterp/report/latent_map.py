"""Draw paths on the two principal axes of the latent space, over the density of compounds."""

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
"""Number of grid points of the density along each axis."""
DARKEST = 2.2
"""Density, relative to its maximum, that would be drawn in the colour of the text."""
MAX_ROUTES = 12
"""Largest number of paths in one picture."""
MAX_NAME = 24
"""Largest number of characters of a name in the legend."""


@final
class PrincipalPlane:
    """The plane through the mean of a cloud of points that contains most of its variance."""

    def __init__(self, points: Array) -> None:
        """Fit the plane to points (n, d), n and d at least 2; the signs of the axes are deterministic."""
        self.mean = points.mean(0)
        _, scale, axes = np.linalg.svd(points - self.mean, full_matrices=False)
        largest = np.abs(axes[:2]).argmax(1)
        self.axes: Array = axes[:2] * np.sign(axes[:2][np.arange(2), largest])[:, None]
        self.share: float = float((scale[:2] ** 2).sum() / (scale**2).sum())

    def project(self, points: Array) -> Array:
        """Project points (n, d) to coordinates (n, 2)."""
        out: Array = (points - self.mean) @ self.axes.T
        return out


@final
@dataclass(frozen=True)
class Route:
    """The parts of a path that are drawn."""

    label: str
    """Text of the legend."""
    smiles: tuple[str, ...]
    """Canonical SMILES in order, including the two ends."""
    curve: Array | None = None
    """Points of the latent curve, (n, d); None if only the molecules are known."""


def plot_latent(
    paths: Sequence[MoleculePath] | MoleculePath,
    *,
    model: LatentModel | str | Path | None = None,
    background: Sequence[str] | None = None,
) -> Figure:
    """Draw paths over the density of compounds, projected on two principal axes of the latent space.

    Each molecule that the model can encode is a dot at its latent point, the mean of q(z|x). A solid line is
    the curve from which the path was decoded, a dashed line the straight line between its ends. Most of the
    variance of the latent space lies outside the plane; the label of the first axis gives the share inside.

    Args:
        paths: one path or several of the same model, at most MAX_ROUTES.
        model: the model that made the paths, loaded, or its name or folder; None loads the model that the
            request of the first path names.
        background: at least 3 canonical SMILES whose latent points define the axes and the density; None
            means the shipped drugs that the model can encode.

    Raises:
        InputError: there are no paths, too many paths, paths of different models, or too few background
            compounds.
        MissingDependencyError: matplotlib is not installed.
        BundleError: the model is missing or damaged.
        VocabularyError: a background compound has atoms that the model cannot encode.
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
            None if p.curve is None else p.curve.points.astype(np.float64),
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
    """Draw the molecules of a long table of paths, as returned by `molinterp.interpolate_table`.

    A table does not contain the latent curves, so only the straight lines between the ends are drawn.

    Args:
        table: columns `pair`, `step` and `smiles`, rows in order. Pairs without a path are left out; pairs
            with the same name are drawn as separate paths.
        model: the model that made the paths, loaded, or its name or folder; None means "default".
        background: as in `plot_latent`.

    Raises:
        InputError: a column is missing, or see `plot_latent`.
    """
    if not {"pair", "step", "smiles"} <= set(table.columns):
        raise InputError(
            "`table` must have columns 'pair', 'step' and 'smiles', as returned by `interpolate_table`."
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
        raise InputError(f"`paths` must hold at least one path and at most {MAX_ROUTES}; got {len(routes)}.")
    figure_class = _figure_class()
    known: LatentModel = loaded(model) if model is None or isinstance(model, str | Path) else model
    cloud = _encode(known, _drugs(known) if background is None else background)
    if len(cloud) < 3:
        raise InputError(f"`background` must hold at least 3 compounds; got {len(cloud)}.")
    plane = PrincipalPlane(cloud)
    dots = [plane.project(_encode(known, _encodable(known, route.smiles))) for route in routes]
    curves = [plane.project(_ends(known, route) if route.curve is None else route.curve) for route in routes]
    figure = figure_class(figsize=(6.4, 5.2), layout="constrained")
    axis = figure.subplots()
    _draw_density(axis, plane.project(cloud), [*dots, *curves])
    for route, own, curve in zip(routes, dots, curves, strict=True):
        is_drawn = route.curve is not None
        (line,) = axis.plot(*curve.T, linewidth=2.2 * is_drawn, label=route.label if is_drawn else None)
        # In the colour of the text, to be visible on a straight curve too.
        axis.plot(*curve[[0, -1]].T, linestyle="--", linewidth=1.0, color=axis.xaxis.label.get_color())
        # If no line is drawn, the dots have to show the colour in the legend.
        label = None if is_drawn else route.label
        axis.plot(*own.T, marker="o", markersize=4, linestyle="none", color=line.get_color(), label=label)
    axis.set_xlabel(f"principal axis 1 (axes 1 and 2 contain {plane.share:.0%} of the variance)")
    axis.set_ylabel("principal axis 2")
    _draw_legend(axis, any(route.curve is not None for route in routes))
    return figure


def _label(start: str, end: str) -> str:
    short = [name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…" for name in (start, end)]
    return " → ".join(short)


def _ends(model: LatentModel, route: Route) -> Array:
    """Return the latent points of the two ends of a route, (2, d)."""
    return _encode(model, [route.smiles[0], route.smiles[-1]])


def _draw_legend(axis: Any, has_curves: bool) -> None:
    """Draw the legend: colours distinguish the paths, line styles the elements of a path."""
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
    """Draw contours of a Gaussian kernel density of the cloud (n, 2), with Scott's bandwidth."""
    everything = np.concatenate([cloud, *drawn])
    low, high = everything.min(0), everything.max(0)
    margin = 0.05 * (high - low)
    x, y = (np.linspace(a, b, N_GRID) for a, b in zip(low - margin, high + margin, strict=True))
    width = cloud.std(0) * len(cloud) ** (-1 / 6)
    kernels = [
        np.exp(-0.5 * ((grid[:, None] - cloud[None, :, i]) / width[i]) ** 2) for i, grid in enumerate((x, y))
    ]
    from matplotlib.colors import LinearSegmentedColormap

    # From background to text colour, so that the density is visible in light and dark themes.
    background, text = axis.get_facecolor(), axis.xaxis.label.get_color()
    shades = LinearSegmentedColormap.from_list("density", [background, text])
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
    return _encodable(model, known)


def _encodable(model: LatentModel, smiles: Sequence[str]) -> list[str]:
    return [s for s in smiles if model.can_encode(s)]


def _encode(model: LatentModel, smiles: Sequence[str]) -> Array:
    if not smiles:
        return np.zeros((0, model.latent_dim))
    out: Array = model.posterior(list(smiles))[0].cpu().double().numpy()
    return out
