"""Render paths in file formats: CSV, TSV, JSON, SDF, SMILES, HTML and Excel."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from molinterp.errors import InputError, MissingDependencyError
from molinterp.io.escaping import csv_line, is_missing, neutralised, one_line
from molinterp.io.files import check_place
from molinterp.paths.path import MoleculePath

if TYPE_CHECKING:
    import pandas as pd

Writer = Callable[["MoleculePath", bool], str | bytes]
"""Renders a path as the content of a file; the second argument is `raw_cells` of `render`."""


def render(path: MoleculePath, suffix: str, *, raw_cells: bool = False) -> str | bytes:
    """Render a path as the content of a file.

    Args:
        path: the path.
        suffix: suffix of the file, a key of FORMATS.
        raw_cells: do not escape text cells of .csv and .tsv that a spreadsheet would read as formulas.

    Raises:
        InputError: the suffix is unknown.
        MissingDependencyError: the format needs a package that is not installed.
    """
    if suffix not in FORMATS:
        raise InputError(f"an output file must end in one of {', '.join(FORMATS)}; got {suffix!r}.")
    return FORMATS[suffix](path, raw_cells)


def _page(path: MoleculePath, raw_cells: bool) -> str:
    from molinterp.report.page import page
    from molinterp.report.view import view_of

    return page(view_of(path))


def _smiles_lines(path: MoleculePath, raw_cells: bool) -> str:
    rows = path.to_frame().itertuples()
    return "".join(f"{row.smiles} {one_line(row.name) or f'step-{row.step}'}\n" for row in rows)


def _workbook(path: MoleculePath, raw_cells: bool) -> bytes:
    """Render an Excel workbook with one sheet, in which text never becomes a formula or a link."""
    import pandas as pd

    content, options = io.BytesIO(), {"strings_to_formulas": False, "strings_to_urls": False}
    try:
        with pd.ExcelWriter(content, engine="xlsxwriter", engine_kwargs={"options": options}) as writer:
            # Without a fixed date, the workbook would contain the time of writing.
            writer.book.set_properties({"created": datetime.datetime(1980, 1, 1)})
            path.to_frame().to_excel(writer, sheet_name="path", index=False, freeze_panes=(1, 0))
    except ImportError as error:
        raise MissingDependencyError("Excel files", "xlsxwriter", "excel") from error
    return content.getvalue()


FORMATS: Mapping[str, Writer] = MappingProxyType(
    {
        ".csv": lambda path, raw_cells: table(path.to_frame(), ".csv", raw_cells),
        ".tsv": lambda path, raw_cells: table(path.to_frame(), ".tsv", raw_cells),
        ".json": lambda path, raw_cells: path.to_json(),
        ".sdf": lambda path, raw_cells: path.to_sdf(),
        ".smi": _smiles_lines,
        ".html": _page,
        ".xlsx": _workbook,
    }
)
"""All formats: writer by suffix of the file."""


def render_several(paths: Sequence[MoleculePath], suffix: str, *, raw_cells: bool = False) -> str:
    """Render several paths as one table, .csv or .tsv, with the number of the path in the first column.

    Args:
        paths: the paths.
        suffix: .csv or .tsv.
        raw_cells: do not escape text cells that a spreadsheet would read as formulas.

    Raises:
        InputError: the suffix is neither of these.
    """
    import pandas as pd

    if suffix not in (".csv", ".tsv"):
        raise InputError(f"several paths can be written as .csv or .tsv; got {suffix!r}.")
    frames = [path.to_frame() for path in paths]
    for number, frame in enumerate(frames, start=1):
        frame.insert(0, "path", number)
    return table(pd.concat(frames), suffix, raw_cells)


def numbered(target: Path, n: int) -> list[Path]:
    """Return the file itself for one path; for several, file names with -1, -2, … before the suffix."""
    return [target] if n == 1 else [target.with_stem(f"{target.stem}-{k}") for k in range(1, n + 1)]


def table(frame: pd.DataFrame, suffix: str, raw_cells: bool = False) -> str:
    """Render a data frame as .csv or .tsv text; cells are escaped unless `raw_cells`."""
    frame = frame if raw_cells else neutralised(frame)
    separator = "," if suffix == ".csv" else "\t"
    lines = [csv_line(frame.columns, separator)]
    for row in frame.astype(object).itertuples(index=False, name=None):
        lines.append(csv_line(map(_cell, row), separator))
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if value != value else f"{value:.6g}"
    return "" if is_missing(value) else value


def check_writable(target: Path) -> None:
    """Check before any work starts that a file can be written.

    Raises:
        InputError: the suffix is unknown, or the folder is missing or not writable.
    """
    if target.suffix not in FORMATS:
        raise InputError(f"an output file must end in one of {', '.join(FORMATS)}; got {target.name!r}.")
    check_place(target)
