"""The accessor `df.molinterp`, registered with pandas when `molinterp.batch` is imported."""

from __future__ import annotations

from typing import Any, final

import pandas as pd

from molinterp.batch.table import interpolate_table


@final
@pd.api.extensions.register_dataframe_accessor("molinterp")
class MolinterpAccessor:
    """What a data frame of pairs can do."""

    def __init__(self, frame: pd.DataFrame) -> None:
        """Take the data frame."""
        self._frame = frame

    def paths(
        self, start: str = "start", end: str = "end", id: str | None = None, **options: Any
    ) -> pd.DataFrame:
        """Paths of the pairs in two columns, as `molinterp.interpolate_table` gives them."""
        return interpolate_table(self._frame, start, end, id, **options)
