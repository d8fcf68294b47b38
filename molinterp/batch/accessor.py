"""The accessor `df.molinterp`, registered with pandas when `molinterp.batch` is imported."""

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
    """What a data frame of pairs, or of their paths, can do."""

    def __init__(self, frame: pd.DataFrame) -> None:
        """Take the data frame."""
        self._frame = frame

    def paths(
        self, start: str = "start", end: str = "end", id: str | None = None, **options: Any
    ) -> pd.DataFrame:
        """Paths of the pairs in two columns, as `molinterp.interpolate_table` gives them."""
        return interpolate_table(self._frame, start, end, id, **options)

    def plot_latent(
        self,
        *,
        model: LatentModel | str | Path | None = None,
        background: Sequence[str] | None = None,
    ) -> Figure:
        """Paths of a long table in the latent space; see `molinterp.report.latent_map.plot_table`."""
        from molinterp.report.latent_map import plot_table

        return plot_table(self._frame, model=model, background=background)
