"""Labelled compounds from files: no label is guessed, and each row left out is told with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt

from molinterp.chem.standardise import standardise
from molinterp.errors import InputError, InvalidMoleculeError
from molinterp.io.escaping import csv_line, neutralise
from molinterp.io.molecule_files import Record, column_named, read_records

Labels = npt.NDArray[np.int64]

_BINARY = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}
_MISSING = frozenset(("", "na", "nan", "n/a", "none", "null", "-", "?"))


@final
@dataclass(frozen=True)
class LeftOut:
    """A row of an input that was not used."""

    where: str
    """Where it stands: `row 3 of 'a.csv'`."""
    text: str
    """What stands there for a molecule."""
    reason: str
    """Why it was left out."""


@final
@dataclass(frozen=True)
class Labelled:
    """Compounds with a label each."""

    smiles: tuple[str, ...]
    """Canonical SMILES in standard form, each once."""
    labels: Labels
    """0 or 1, (n,)."""
    columns: tuple[str, ...]
    """The column that was read of each file."""
    left_out: tuple[LeftOut, ...]
    """Rows without a molecule or a label, and compounds that bear both labels."""

    @property
    def n_each(self) -> tuple[int, int]:
        """Compounds with label 0 and with label 1."""
        ones = int(self.labels.sum())
        return len(self.labels) - ones, ones


def read_labels(
    files: Sequence[Path],
    column: str | None = None,
    at_least: float | None = None,
    smiles_column: str | None = None,
) -> Labelled:
    """Read standardised SMILES and labels of 0 and 1.

    Args:
        files: of molecules with columns, or fields of an SD file, beside them.
        column: of the labels, in any case; None means the only one of 0 and 1.
        at_least: a number from this on is a 1, another a 0; None means that labels are 0 and 1.
        smiles_column: of the molecules; None means the column that is called so.

    Raises:
        InputError: a file cannot be read or has no such columns, or several that may hold the labels.
    """
    seen: dict[str, tuple[set[int], str]] = {}
    left_out: list[LeftOut] = []
    columns = []
    for file in files:
        records = list(read_records(str(file), smiles_column))
        columns.append(_label_column(records, file, column, at_least))
        for record, label, reason in _labelled(records, columns[-1], file, at_least):
            if label is None:
                left_out.append(LeftOut(record.where, record.cxsmiles, reason))
                continue
            try:
                smiles = standardise(record.cxsmiles).smiles
            except InvalidMoleculeError as error:
                left_out.append(LeftOut(record.where, record.cxsmiles, record.fault or error.reason))
                continue
            labels, where = seen.setdefault(smiles, (set(), record.where))
            labels.add(label)
    both = [(smiles, where) for smiles, (labels, where) in seen.items() if len(labels) > 1]
    left_out += [LeftOut(where, smiles, "it bears both labels") for smiles, where in both]
    clear = {smiles: min(labels) for smiles, (labels, _) in seen.items() if len(labels) == 1}
    y = np.array(list(clear.values()), np.int64)
    return Labelled(tuple(clear), y, tuple(columns), tuple(left_out))


def left_out_table(rows: Iterable[LeftOut]) -> str:
    """Rows that were left out as a .csv, with their place, text and reason; cells are neutralised."""
    lines = [("place", "molecule", "reason"), *((row.where, row.text, row.reason) for row in rows)]
    return "".join(f"{csv_line([neutralise(cell) for cell in line])}\n" for line in lines)


def check_labels(labels: Labels, source: str, n_each: int) -> None:
    """Check that there are enough labels to learn from.

    Raises:
        InputError: fewer than `n_each` molecules of a class.
    """
    for value in (0, 1):
        n = int((labels == value).sum())
        if n < n_each:
            raise InputError(
                f"{source} must hold at least {n_each} molecule{'s' * (n_each > 1)} of each class; got {n} "
                f"with label {value}. Add labelled molecules."
            )


def _label_column(records: Sequence[Record], file: Path, column: str | None, at_least: float | None) -> str:
    names = list(dict.fromkeys(name for record in records for name in record.fields))
    found = ", ".join(names) or "none"
    if column is not None:
        try:
            return column_named(names, column)
        except InputError as error:
            raise InputError(f"'{file}': {error} Beside the molecules stand {found}.") from error
    if at_least is not None:
        raise InputError(
            f"`at_least` needs the column of numbers in '{file}', one of {found}. Give `column`."
        )
    binary = [name for name in names if _is_binary(record.fields.get(name, "") for record in records)]
    if len(binary) > 1:
        raise InputError(
            f"'{file}' has several columns of 0 and 1 that may be the labels: {', '.join(binary)}. "
            "Say which with `column`."
        )
    if not binary:
        raise InputError(
            f"'{file}' must have a column of 0 and 1 beside the molecules; found {found}. "
            "Write labels as 0 and 1, or give `column` and `at_least` for numbers."
        )
    return binary[0]


def _is_binary(cells: Iterable[str]) -> bool:
    present = {text for cell in cells if (text := cell.strip().lower()) not in _MISSING}
    return bool(present) and present <= set(_BINARY)


def _labelled(
    records: Sequence[Record], column: str, file: Path, at_least: float | None
) -> Iterator[tuple[Record, int | None, str]]:
    """Each record with its label, or None and the reason."""
    for record in records:
        text = record.fields.get(column, "").strip().lower()
        if text in _MISSING:
            yield record, None, "it has no label"
        elif at_least is None:
            if text not in _BINARY:
                raise InputError(
                    f"column {column!r} of '{file}' must hold 0 and 1; got {text!r} in {record.where}. "
                    "Give `at_least` for numbers."
                )
            yield record, _BINARY[text], ""
        else:
            try:
                number = float(text.replace(",", ".") if text.count(",") == 1 else text)
            except ValueError:
                raise InputError(
                    f"column {column!r} of '{file}' must hold numbers; got {text!r} in {record.where}."
                ) from None
            yield record, int(number >= at_least), ""
