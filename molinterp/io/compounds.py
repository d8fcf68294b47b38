"""One compound as a user names it: a file, a SMILES, a drug's name, or standard input."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from molinterp.chem.cxsmiles import split_cxsmiles
from molinterp.chem.parsing import INCHI, parse
from molinterp.data import drug_name, drugs
from molinterp.errors import InputError, InvalidMoleculeError
from molinterp.io.molecule_files import SUFFIXES, Record, read_records

PREFIXES = ("file:", "smiles:", "name:")
_NO_SMILES = re.compile(
    rf"{INCHI}|\d{{2,7}}-\d\d-\d|"
    r"[A-Z]{2,9}(-|[- ]?\d)\d+[A-Z]?|[\w .-]+\.[A-Za-z]\w{1,4}",
    re.IGNORECASE,
)
"""What is more likely meant for an InChI, its key, a CAS number, the number of a compound or a file than for
a SMILES, where it is none."""


def resolve(argument: str) -> Record:
    """The compound that an argument names.

    Tried in this order: a prefix `file:`, `smiles:` or `name:`; `-` for standard input; a file; a
    drug of the shipped table; a SMILES.

    Raises:
        InputError: no such file or name, more than one molecule, or both a file and a SMILES.
        InvalidMoleculeError: it is taken for a SMILES and is none.
    """
    kind, _, rest = argument.partition(":")
    if f"{kind}:" in PREFIXES:
        return {"file": only_record, "smiles": _from_smiles, "name": _from_name}[kind](rest)
    if not argument.strip():
        return _from_smiles(argument)
    if argument == "-":
        return only_record(argument)
    if _is_there(argument, Path.is_file):
        if _is_smiles(argument):
            raise InputError(
                f"{argument!r} is a file and a SMILES. Write file:{argument} or smiles:{argument}."
            )
        return only_record(argument)
    if drug_name(argument) in drugs():
        return _from_name(argument)
    if argument.lower().endswith(SUFFIXES) or _is_there(argument, Path.is_dir):
        raise InputError(f"file {argument!r} does not exist or is not a file. Check the path.")
    try:
        return _from_smiles(argument)
    except InvalidMoleculeError as error:
        close = difflib.get_close_matches(argument.strip().lower(), drugs(), n=1, cutoff=0.75)
        if close:
            raise InputError(
                f"{argument!r} is no file, no SMILES and no known drug. Did you mean {close[0]!r}?"
            ) from error
        if argument.replace(" ", "").isalpha() or _NO_SMILES.fullmatch(argument.strip()):
            raise InputError(
                f"{argument!r} is no file, no known drug and no SMILES ({error.reason}). "
                "Give a SMILES, or a file that holds one; "
                f"{len(drugs())} drugs are known by name, compounds by no brand or number."
            ) from error
        raise


def resolve_all(arguments: Sequence[str]) -> list[Record]:
    """The compounds that arguments name, in order; see `resolve`.

    Raises:
        InputError: one cannot be resolved, or standard input is named twice.
        InvalidMoleculeError: one is taken for a SMILES and is none.
    """
    if sum(argument in ("-", "file:-") for argument in arguments) > 1:
        raise InputError(
            "standard input (-) gives one compound and can be named once. "
            "Give the others as SMILES, as names or in files."
        )
    return [resolve(argument) for argument in arguments]


def _is_there(argument: str, kind: Callable[[Path], bool]) -> bool:
    """Whether an argument names something of a kind on disk; a long SMILES is too long for a name."""
    try:
        return kind(Path(argument))
    except (OSError, ValueError):
        return False


def only_record(source: str) -> Record:
    """The one molecule of a file or of standard input (`-`).

    Raises:
        InputError: there is none, or more than one, or it cannot be read.
    """
    label = "standard input" if source == "-" else repr(source)
    with closing(read_records(source)) as found:
        records = list(islice(found, 2))
    if len(records) > 1:
        unit = records[1].where.partition(" ")[0]
        raise InputError(
            f"{label} must hold one molecule; got more. Keep the {unit} of the compound you mean."
        )
    if not records:
        raise InputError(f"{label} must hold one molecule; got none.")
    if records[0].fault:
        raise InputError(f"{records[0].where} is not a molecule: {records[0].fault}.")
    try:
        parse(records[0].smiles)
    except InvalidMoleculeError as error:
        raise InvalidMoleculeError(error.text, error.reason, where=records[0].where) from error
    return records[0]


def _from_smiles(text: str) -> Record:
    smiles, labels, rest = split_cxsmiles(text)
    if rest:
        smiles, labels = text, ""  # the blank is the gate's to refuse
    parse(smiles)
    return Record(smiles.strip(), "", "the command line", stereo=labels)


def _from_name(text: str) -> Record:
    name = drug_name(text)
    if name not in drugs():
        close = difflib.get_close_matches(name, drugs(), n=3, cutoff=0.6)
        hint = f" Nearest: {', '.join(close)}." if close else ""
        raise InputError(f"no drug called {text!r} in the shipped table.{hint}")
    return Record(drugs()[name], name, "the table of drugs")


def _is_smiles(text: str) -> bool:
    try:
        parse(text)
    except InvalidMoleculeError:
        return False
    return True
