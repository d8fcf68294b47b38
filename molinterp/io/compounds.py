"""One compound as a user names it: a file, a SMILES or InChI, a drug's name, or standard input."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from molinterp.chem.cxsmiles import read_extension, split_cxsmiles
from molinterp.chem.parsing import INCHI_KEY, parse
from molinterp.data import drug_name, drugs
from molinterp.errors import InputError, InvalidMoleculeError
from molinterp.io.formats import ADVICE, suffix_of
from molinterp.io.molecule_files import SUFFIXES, Record, read_records

PREFIXES = ("file:", "smiles:", "name:")
_NO_SMILES = re.compile(
    rf"InChI=.*|{INCHI_KEY}|\d{{2,7}}-\d\d-\d|"
    r"[A-Z]{2,9}(-|[- ]?\d)\d+[A-Z]?|[\w .-]+\.[A-Za-z]\w{1,4}",
    re.IGNORECASE,
)
"""What is more likely meant for an InChI, its key, a CAS number, the number of a compound or a file than for
a SMILES, where it is none."""


def resolve(argument: str, smiles_column: str | None = None) -> Record:
    """The compound that an argument names.

    Tried in this order: a prefix `file:`, `smiles:` or `name:`; `-` for standard input; a file, or one record
    of it, as `a.sdf#3` or `a.sdf#name`; a drug of the shipped table; a SMILES or InChI.

    Args:
        argument: what the user wrote.
        smiles_column: of a table, where it is one; None means the column that is called so.

    Raises:
        InputError: no such file or name, more than one molecule, or two of a file, a name and a SMILES.
        InvalidMoleculeError: it is taken for a SMILES and is none.
    """
    kind, _, rest = argument.partition(":")
    if kind == "file":
        return _from_file(rest, smiles_column)
    if f"{kind}:" in PREFIXES:
        return {"smiles": _from_smiles, "name": _from_name}[kind](rest)
    if not argument.strip():
        return _from_smiles(argument)
    if argument == "-":
        return only_record(argument, smiles_column)
    if _is_there(argument, _is_readable) or _is_part_of_file(argument):
        for what, is_too in (("SMILES", _is_smiles), ("name", lambda text: drug_name(text) in drugs())):
            if is_too(argument):
                other = f"{what.lower()}:{argument}"
                raise InputError(f"{argument!r} is a file and a {what}. Write file:{argument} or {other}.")
        return _from_file(argument, smiles_column)
    if drug_name(argument) in drugs():
        return _from_name(argument)
    suffix = suffix_of(Path(argument.partition("#")[0]))
    if suffix in (*SUFFIXES, *ADVICE) or _is_there(argument, Path.is_dir):
        raise InputError(f"file {argument!r} does not exist or is not a file. Check the path.")
    try:
        return _from_smiles(argument)
    except InvalidMoleculeError as error:
        raise _unresolved(argument, error) from error


def _unresolved(argument: str, error: InvalidMoleculeError) -> Exception:
    close = difflib.get_close_matches(argument.strip().lower(), drugs(), n=1, cutoff=0.75)
    if close:
        return InputError(f"{argument!r} is no file, no SMILES and no known drug. Did you mean {close[0]!r}?")
    if argument.replace(" ", "").isalpha() or _NO_SMILES.fullmatch(argument.strip()):
        return InputError(
            f"{argument!r} is no file, no known drug and no SMILES ({error.reason}). "
            "Give a SMILES, or a file that holds one; "
            f"{len(drugs())} drugs are known by name, compounds by no brand or number."
        )
    return error


def resolve_all(arguments: Sequence[str], smiles_column: str | None = None) -> list[Record]:
    """The compounds that arguments name, in order; see `resolve`.

    Raises:
        InputError: one cannot be resolved, or standard input is named twice.
        InvalidMoleculeError: one is taken for a SMILES and is none.
    """
    if sum(argument in ("-", "file:-", "/dev/stdin") for argument in arguments) > 1:
        raise InputError(
            "standard input (-) gives one compound and can be named once. "
            "Give the others as SMILES, as names or in files."
        )
    return [resolve(argument, smiles_column) for argument in arguments]


def _is_there(argument: str, kind: Callable[[Path], bool]) -> bool:
    """Whether an argument names something of a kind on disk; a long SMILES is too long for a name."""
    try:
        return kind(Path(argument))
    except (OSError, ValueError):
        return False


def _is_readable(path: Path) -> bool:
    return path.is_file() or path.is_fifo() or path.is_char_device()


def _is_part_of_file(argument: str) -> bool:
    """Whether it names a record of a file, as `a.sdf#3`; C#N is a SMILES."""
    file, mark, _ = argument.rpartition("#")
    return bool(mark) and suffix_of(Path(file)) in SUFFIXES and _is_there(file, _is_readable)


def _from_file(source: str, smiles_column: str | None) -> Record:
    if source == "-" or _is_there(source, _is_readable) or not _is_part_of_file(source):
        return only_record(source, smiles_column)
    file, _, wanted = source.rpartition("#")
    with closing(read_records(file, smiles_column)) as found:
        if wanted.isdigit():
            records = [r for r in islice(found, max(int(wanted), 1)) if r][int(wanted) - 1 : int(wanted)]
        else:
            records = [record for record in found if record.name.strip().lower() == wanted.strip().lower()]
    if len(records) != 1:
        n = "several" if records else "none"
        raise InputError(
            f"'{file}' must hold one molecule called {wanted!r}, or so many of them; found {n}. "
            "Give its number, 1 for the first, or its name."
        )
    return _sound(records[0])


def only_record(source: str, smiles_column: str | None = None) -> Record:
    """The one molecule of a file or of standard input (`-`).

    Raises:
        InputError: there is none, or more than one, or it cannot be read.
    """
    label = "standard input" if source == "-" else repr(source)
    with closing(read_records(source, smiles_column)) as found:
        records = list(islice(found, 2))
    if len(records) > 1:
        unit = records[1].where.partition(" ")[0]
        raise InputError(
            f"{label} must hold one molecule; got more. Keep the {unit} of the compound you mean, "
            f"or say which, as {source}#2 or {source}#NAME."
        )
    if not records:
        raise InputError(f"{label} must hold one molecule; got none.")
    return _sound(records[0])


def _sound(record: Record) -> Record:
    """A record whose molecule can be read.

    Raises:
        InputError: it could not be.
        InvalidMoleculeError: it is no molecule.
    """
    if record.fault:
        raise InputError(f"{record.where} is not a molecule: {record.fault}.")
    try:
        _check(record.smiles, record.extension)
    except InvalidMoleculeError as error:
        raise InvalidMoleculeError(error.text, error.reason, where=record.where) from error
    return record


def _check(smiles: str, extension: str) -> None:
    if fault := read_extension(extension).fault:
        raise InvalidMoleculeError(smiles, fault)
    parse(smiles)


def _from_smiles(text: str) -> Record:
    smiles, extension, rest = split_cxsmiles(text)
    if rest:
        smiles, extension = text, ""  # the blank is the gate's to refuse
    _check(smiles, extension)
    return Record(smiles.strip(), "", "the command line", extension=extension)


def _from_name(text: str) -> Record:
    name = drug_name(text)
    if name not in drugs():
        close = difflib.get_close_matches(name, drugs(), n=3, cutoff=0.6)
        hint = f" Nearest: {', '.join(close)}." if close else ""
        raise InputError(f"no drug called {text!r} in the shipped table.{hint}")
    return Record(drugs()[name], name, "the table of drugs")


def _is_smiles(text: str) -> bool:
    try:
        return drug_name(text) not in drugs() and parse(text) is not None
    except InvalidMoleculeError:
        return False
