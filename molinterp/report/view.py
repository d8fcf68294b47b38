"""The content of a report, taken from a path in memory or from a file that `molinterp path` wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from molinterp.errors import InputError
from molinterp.io.escaping import neutralise
from molinterp.io.formats import TABLES, Kind, kind_of
from molinterp.io.tables import read_table
from molinterp.paths.request import PathRequest

if TYPE_CHECKING:
    import pandas as pd

    from molinterp.paths.path import MoleculePath

PLACE = ("step", "name", "smiles", "t")
"""Columns that identify and locate a molecule, the first of every table."""
PREFIXES = {"terms": "lambda_", "features": "feature_"}
"""Prefixes of column names, by key of the .json file."""
SIMILARITIES = ("similarity", "similarity_to_start", "similarity_to_end")


@final
@dataclass(frozen=True)
class PathView:
    """The content of a report: a table of the molecules, metrics, settings and notes."""

    table: pd.DataFrame
    """One row per molecule, with the columns `smiles` and `step`; all other columns are shown unchanged."""
    start_name: str = ""
    """The user's name of the start; may be empty."""
    end_name: str = ""
    """The user's name of the end; may be empty."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """Metrics of the path by name."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The model and the options of the request by name."""
    notes: tuple[str, ...] = ()
    """Notes for the reader."""

    @property
    def title(self) -> str:
        """Names of start and end, or their SMILES if they have no name."""
        smiles = self.table["smiles"]
        return f"{self.start_name or smiles.iloc[0]} → {self.end_name or smiles.iloc[-1]}"

    @property
    def numeric(self) -> list[str]:
        """Columns that can be plotted, similarities first."""
        names = [c for c in self.table.columns if c not in PLACE and _is_number(self.table[c])]
        return sorted(names, key=lambda c: c not in SIMILARITIES)


def _is_number(column: pd.Series) -> bool:
    return column.dtype.kind in "iuf" and bool(column.notna().any())


def view_of(path: MoleculePath) -> PathView:
    """Build the view of a path in memory."""
    return PathView(
        path.to_frame(),
        path.start_name,
        path.end_name,
        path.metrics(),
        _asked(path.request, path.model),
        path.notes,
    )


def _asked(request: PathRequest, model: str) -> dict[str, Any]:
    """Return the model and the options of a request, without its compounds."""
    always = {"method": str(request.method), "seed": request.seed}
    left_out = ("start", "end", "via", "names", "model")
    given = {name: value for name, value in request.given().items() if name not in left_out}
    for name in ("library", "reference"):
        if isinstance(given.get(name), list):
            given[name] = f"{len(given[name])} compounds"
    return {name: _in_words(value) for name, value in ({"model": model, **always, **given}).items()}


def _in_words(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={number:g}" for name, number in value.items())
    return "no limit" if value is None else value


def read_view(file: Path, pair: str | None = None) -> PathView:
    """Read the view of a path from a .json file, a table of one path, or a table of several paths.

    Args:
        file: file written by `molinterp path` or `molinterp batch`.
        pair: value of the column `pair` or `path` that selects one of several paths; None if there is one.

    Raises:
        InputError: the file is missing, has another format, is not a path, or does not contain `pair`.
    """
    if not file.is_file():
        raise InputError(f"file '{file}' does not exist or is not a file. Check the path.")
    try:
        if file.suffix == ".json":
            _check_single(file, pair)
            return _from_document(json.loads(file.read_text(encoding="utf-8")))
        return _from_table(_read_table(file), file, pair)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        if isinstance(error, InputError):
            raise
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            f"file '{file}' must contain a path as written by `molinterp path`; {reason}."
        ) from error


def _read_table(file: Path) -> pd.DataFrame:
    kind_of(file, {".json": Kind.TEXT, **TABLES})
    text = {name: str for name in ("pair", "path", "name", "smiles", "status", "error", "note")}
    # NA may be the name of a pair or a compound; a missing value is an empty cell.
    return read_table(file, dtype=text, has_na=False)


def _from_document(document: Mapping[str, Any]) -> PathView:
    import pandas as pd

    rows = []
    for i, step in enumerate(document["molecules"]):
        row = {"step": i, "name": ""}
        for key, value in step.items():
            if isinstance(value, Mapping):
                prefix = PREFIXES.get(key, "")
                row |= {f"{prefix}{name}": number for name, number in value.items()}
            else:
                row[key] = value
        rows.append(row)
    table = pd.DataFrame(rows)
    terms = [c for c in table.columns if c.startswith("lambda_")]
    table[terms] = table[terms].fillna(0.0)  # the ends have no terms
    _check(table)
    start, end = (str(document[side].get("name") or "") for side in ("start", "end"))
    table.loc[0, "name"], table.loc[len(table) - 1, "name"] = start, end
    return PathView(
        table.astype({"similarity": float}) if "similarity" in table else table,
        start,
        end,
        dict(document["metrics"]),
        _asked(PathRequest.of(**document["request"]), str(document["model"])),
        tuple(str(note) for note in document.get("notes", ())),
    )


def _from_table(table: pd.DataFrame, file: Path, pair: str | None) -> PathView:
    import pandas as pd

    column = next((c for c in ("pair", "path") if c in table.columns), None)
    if column is not None:
        table = _of_pair(table, table[column].fillna("").astype(str), file, pair).drop(columns=column)
    else:
        _check_single(file, pair)
    notes: tuple[str, ...] = ()
    if "status" in table:  # a table of pairs, not a column of the user's own
        notes = tuple(str(note) for note in table.get("note", pd.Series(dtype=str)).dropna() if str(note))
        table = table.drop(columns=["status", "error", "note"], errors="ignore")
    table = table.reset_index(drop=True)
    _check(table)
    # Pairs without a path have no step, which makes the whole column floating-point.
    table["step"] = pd.to_numeric(table["step"]).astype("int64")
    table["name"] = table["name"].fillna("") if "name" in table else ""
    metrics: dict[str, Any] = {"molecules": len(table)}
    if "similarity" in table:
        metrics |= {"worst_step": table["similarity"].min(), "mean_step": table["similarity"].mean()}
    return PathView(table, str(table["name"].iloc[0]), str(table["name"].iloc[-1]), metrics, notes=notes)


def _check_single(file: Path, pair: str | None) -> None:
    if pair is not None:
        raise InputError(
            f"`pair` must be left out if a file contains only one path, as '{file}' does; got {pair!r}."
        )


def _of_pair(table: pd.DataFrame, names: pd.Series, file: Path, pair: str | None) -> pd.DataFrame:
    """Select the rows of one path from a table of several; `names` has the name of each row's path."""
    import pandas as pd

    known = names.unique()
    if pair is None and len(known) == 1:
        pair = known[0]
    elif pair is not None and pair not in known:
        pair = neutralise(pair)  # the table may contain it escaped
    if pair is None or pair not in known:
        shown = ", ".join([*(name or "''" for name in known[:5]), *(["..."] if len(known) > 5 else [])])
        raise InputError(f"`pair` must be one of those in '{file}' ({shown}); got {pair!r}.")
    rows = table[names == pair]
    failed = rows.get("error", pd.Series(dtype=str)).dropna()
    rows = rows.drop(index=failed.index)
    if not len(rows):
        raise InputError(f"pair '{pair}' of '{file}' has no path: {failed.iloc[0]}")
    if "step" in rows and rows["step"].duplicated().any():
        raise InputError(f"pair '{pair}' of '{file}' has several paths. Give each pair a unique name.")
    return rows


def _check(table: pd.DataFrame) -> None:
    if not {"step", "smiles"} <= set(table.columns) or not len(table) or table["smiles"].isna().any():
        raise InputError("a path must have columns 'step' and 'smiles' and a SMILES in every row.")
