"""Display of paths in notebooks, pictures and files; implements `molinterp.paths.display`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from molinterp.io.files import write_whole
from molinterp.report import formats, latent_map, notebook, plots
from molinterp.report.view import view_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from molinterp.paths.path import MoleculePath


@final
class ReportDisplay:
    """The display that ships with molinterp."""

    def html(self, path: MoleculePath) -> str:
        """Render a path as HTML for the output of a notebook cell."""
        return notebook.fragment(view_of(path))

    def save(self, path: MoleculePath, file: Path) -> None:
        """Write a path in the format that the suffix of the file names; see `formats`."""
        formats.check_writable(file)
        write_whole(file, formats.render(path, file.suffix))

    def plot(self, path: MoleculePath, columns: Sequence[str] | str | None) -> Figure:
        """Plot columns along the path; see `plots.plot`."""
        return plots.plot(view_of(path), columns)

    def plot_latent(
        self, paths: Sequence[MoleculePath], *, model: Any, background: Sequence[str] | None
    ) -> Figure:
        """Draw paths over the density of the latent space; see `latent_map.plot_latent`."""
        return latent_map.plot_latent(paths, model=model, background=background)

    def grid(self, path: MoleculePath, columns: int) -> plots.Picture:
        """Draw the structures in rows; see `plots.grid`."""
        return plots.grid(view_of(path), columns)
