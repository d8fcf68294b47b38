"""A path as text for a file: CSV, TSV, JSON, SDF, SMILES lines or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from molinterp.errors import InputError
from molinterp.io.escaping import neutralised, one_line
from molinterp.io.files import check_place
from molinterp.paths.path import MoleculePath

if TYPE_CHECKING:
    import pandas as pd

FORMATS = (".csv", ".tsv", ".json", ".sdf", ".smi", ".html")


def render(path: MoleculePath, suffix: str, *, raw_cells: bool = False) -> str:
    """A path in the format of a file suffix, one of FORMATS.

    Args:
        path: the path.
        suffix: one of FORMATS.
        raw_cells: leave text cells of .csv and .tsv that a spreadsheet takes for formulas as they are.

    Raises:
        InputError: another suffix.
    """
    if suffix in (".csv", ".tsv"):
        return table(path.to_frame(), suffix, raw_cells)
    if suffix == ".json":
        return path.to_json()
    if suffix == ".sdf":
        return path.to_sdf()
    if suffix == ".html":
        from molinterp.report.page import page
        from molinterp.report.view import view_of

        return page(view_of(path))
    if suffix == ".smi":
        rows = path.to_frame().itertuples()
        return "".join(f"{row.smiles} {one_line(row.name) or f'step-{row.step}'}\n" for row in rows)
    raise InputError(f"an output file must end in one of {', '.join(FORMATS)}; got {suffix!r}.")


def render_several(paths: Sequence[MoleculePath], suffix: str, *, raw_cells: bool = False) -> str:
    """Paths as one table, .csv or .tsv, with the number of the path in the first column.

    Args:
        paths: the paths.
        suffix: .csv or .tsv.
        raw_cells: leave text cells that a spreadsheet takes for formulas as they are.

    Raises:
        InputError: another suffix.
    """
    import pandas as pd

    if suffix not in (".csv", ".tsv"):
        raise InputError(f"several paths fit into .csv or .tsv; got {suffix!r}.")
    frames = [path.to_frame() for path in paths]
    for number, frame in enumerate(frames, start=1):
        frame.insert(0, "path", number)
    return table(pd.concat(frames), suffix, raw_cells)


def numbered(target: Path, n: int) -> list[Path]:
    """The file itself for one path; for several, its name with -1, -2, … before the suffix."""
    return [target] if n == 1 else [target.with_stem(f"{target.stem}-{k}") for k in range(1, n + 1)]


def table(frame: pd.DataFrame, suffix: str, raw_cells: bool = False) -> str:
    """A frame as text, .csv or .tsv by the suffix; cells are neutralised unless they shall stay raw."""
    frame = frame if raw_cells else neutralised(frame)
    separator = "," if suffix == ".csv" else "\t"
    return frame.to_csv(sep=separator, index=False, float_format="%.6g", lineterminator="\n")


def check_writable(target: Path) -> None:
    """Find out before the work, not after it, whether a file can be written.

    Raises:
        InputError: the suffix is unknown, or its folder is missing or closed to writing.
    """
    if target.suffix not in FORMATS:
        raise InputError(f"an output file must end in one of {', '.join(FORMATS)}; got {target.name!r}.")
    check_place(target)
