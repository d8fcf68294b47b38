"""The pandas accessor `df.molinterp`, registered when `molinterp.batch` is imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import pandas as pd

from molinterp.batch.table import interpolate_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from molinterp.model.protocol import LatentModel


@final
@pd.api.extensions.register_dataframe_accessor("molinterp")
class MolinterpAccessor:
    """Methods for a data frame of pairs, or of their paths."""

    def __init__(self, frame: pd.DataFrame) -> None:
        """Wrap the data frame."""
        self._frame = frame

    def paths(
        self, start: str = "start", end: str = "end", id: str | None = None, **options: Any
    ) -> pd.DataFrame:
        """Compute the paths of the pairs in two columns; see `molinterp.interpolate_table`."""
        return interpolate_table(self._frame, start, end, id, **options)

    def plot_latent(
        self,
        *,
        model: LatentModel | str | Path | None = None,
        background: Sequence[str] | None = None,
    ) -> Figure:
        """Draw the paths of a long table in latent space; see `molinterp.report.latent_map.plot_table`."""
        from molinterp.report.latent_map import plot_table

        return plot_table(self._frame, model=model, background=background)
