"""Draw pictures of a path for scripts and notebooks: a grid of structures, plots of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, final

from molinterp.errors import InputError, MissingDependencyError
from molinterp.report import structures as drawings
from molinterp.report.charts import label_of
from molinterp.report.view import PathView

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CAPTION = 18
MAX_NAME = 22
"""Largest number of characters of a name in a grid that fits a cell together with the similarity."""


@final
@dataclass(frozen=True)
class Picture:
    """An SVG picture that a notebook can display and a file can store."""

    svg: str
    """SVG text; black lines take the colour of the surrounding text."""

    def _repr_svg_(self) -> str:
        return self.svg


def grid(view: PathView, columns: int = 5) -> Picture:
    """Draw the structures of a path in rows, with name or number and similarity to the one before.

    Args:
        view: the path.
        columns: number of structures per row, at least 1.

    Raises:
        InputError: `columns` is below 1.
    """
    if columns < 1:
        raise InputError(f"`columns` must be at least 1; got {columns}.")
    cells, high = [], drawings.HEIGHT + _CAPTION
    drawn = drawings.draw_path(view.table["smiles"].tolist())
    for i, drawing in enumerate(drawn):
        x, y = (i % columns) * drawings.WIDTH, (i // columns) * high
        name = str(view.table["name"].iloc[i]) or f"step {i}"
        name = name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
        if i and "similarity" in view.table:
            name += f"  {view.table['similarity'].iloc[i]:.2f}"
        caption = (
            f'<text x="{drawings.WIDTH / 2}" y="13" text-anchor="middle" font-size="12" '
            f'font-family="sans-serif" fill="currentColor">{escape(name)}</text>'
        )
        cells.append(
            f'<g transform="translate({x},{y})">{caption}<g transform="translate(0,{_CAPTION})">'
            f"{drawing.svg}</g></g>"
        )
    width = drawings.WIDTH * min(columns, len(drawn))
    height = high * -(-len(drawn) // columns)
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(view.title)}">{"".join(cells)}</svg>'
    )


def plot(view: PathView, columns: Sequence[str] | str | None = None) -> Figure:
    """Plot columns of a path against `step` with matplotlib, one axis per column.

    Args:
        view: the path.
        columns: names of the columns, or one name; None means all numeric columns.

    Raises:
        InputError: a column is missing or not numeric.
        MissingDependencyError: matplotlib is not installed.
    """
    names = list(view.numeric if columns is None else [columns] if isinstance(columns, str) else columns)
    unknown = [name for name in names if name not in view.numeric]
    if unknown or not names:
        raise InputError(f"`columns` must be among {', '.join(view.numeric)}; got {', '.join(unknown)!r}.")
    figure_class = _figure_class()
    wide = min(4, len(names))
    high = -(-len(names) // wide)
    figure = figure_class(figsize=(3.0 * wide, 1.9 * high), layout="constrained")
    axes = figure.subplots(high, wide, squeeze=False, sharex=True).ravel()
    for name, axis in zip(names, axes, strict=False):
        axis.plot(view.table["step"], view.table[name], marker="o", markersize=3, linewidth=1.2)
        axis.set_title(label_of(name), fontsize=9)
        axis.tick_params(labelsize=7)
        axis.xaxis.get_major_locator().set_params(integer=True)
    for axis in axes[len(names) :]:
        axis.set_visible(False)
    for axis in axes[max(0, len(names) - wide) : len(names)]:  # the lowest visible axis of each column
        axis.tick_params(labelbottom=True)
        axis.set_xlabel("step", fontsize=8)
    return figure


def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("plots", "matplotlib", "plot") from error
    return Figure
