"""The input gate: text -> molecule, with limits that hold before RDKit canonicalises anything.

RDKit cannot be interrupted, and can crash on hostile input, so size is checked on the text and on
the unsanitised graph first.
"""

from __future__ import annotations

import re
from typing import Any

from rdkit import Chem, rdBase

from molinterp.data import drug_name, drugs
from molinterp.errors import InvalidMoleculeError

MAX_CHARACTERS = 2_000
MAX_HEAVY_ATOMS = 200
MAX_RINGS = 30
MAX_ATOMIC_NUMBER = 118
INCHI = r"InChI=.*|[A-Z]{14}-[A-Z]{10}-[A-Z]"
"""An InChI or its key, whatever the case."""

_bracket = re.compile(r"\[[^\[\]]*\]")
_ring_digit = re.compile(r"%\(\d+\)|%\d\d|\d")


def parse(smiles: str, index: int | None = None) -> Chem.Mol:
    """A sanitised molecule from a SMILES.

    Args:
        smiles: the text; blanks around it are ignored.
        index: row in the user's input, named in the error.

    Raises:
        InvalidMoleculeError: the text is empty, too large or no molecule; the reason says which.

    >>> parse("c1ccccc1O").GetNumAtoms()
    7
    """
    is_missing = smiles is None or (isinstance(smiles, float) and smiles != smiles)
    if not isinstance(smiles, str) and not is_missing:
        hint = "; give Chem.MolToSmiles of it" if isinstance(smiles, Chem.Mol) else ""
        raise InvalidMoleculeError(str(smiles), f"it is no text but {type(smiles).__name__}{hint}", index)
    text = smiles.strip() if isinstance(smiles, str) else ""
    if not text:
        raise InvalidMoleculeError(str(smiles), "it is empty", index)
    if len(text) > MAX_CHARACTERS:
        reason = f"it has {len(text)} characters, the limit is {MAX_CHARACTERS}"
        raise InvalidMoleculeError(text, reason, index)
    if re.search(r"\s", text):
        # RDKit would read the part before the blank and drop the rest in silence.
        raise InvalidMoleculeError(text, "there is a blank inside it", index)
    foreign = re.search(r"[^!-~]", text)
    if foreign:
        # RDKit drops what is not ASCII, and control characters, from both ends in silence.
        raise InvalidMoleculeError(text, _strange_character(foreign), index)
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(text, sanitize=False)
    if mol is None:
        raise InvalidMoleculeError(text, _syntax_fault(text), index)
    _check_size(mol, text, index)
    with rdBase.BlockLogs():
        problems = Chem.DetectChemistryProblems(mol)
        if problems:
            raise InvalidMoleculeError(text, _chemistry_fault(mol, problems[0]), index)
        Chem.SanitizeMol(mol)
        Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
        # Explicit hydrogens are merged as MolFromSmiles does it.
        return Chem.RemoveHs(mol)


def check_size(mol: Chem.Mol, text: str, index: int | None = None) -> None:
    """Hold a molecule that came from a file to the limits of the gate.

    Raises:
        InvalidMoleculeError: too few or too many atoms, too many rings, or an atom of no element.
    """
    _check_size(mol, text, index)


def _check_size(mol: Chem.Mol, text: str, index: int | None) -> None:
    n_atoms = mol.GetNumHeavyAtoms()
    n_rings = mol.GetNumBonds() - mol.GetNumAtoms() + len(Chem.GetMolFrags(mol))
    if n_atoms < 1:
        raise InvalidMoleculeError(text, "it has no atom heavier than hydrogen", index)
    if n_atoms > MAX_HEAVY_ATOMS:
        reason = f"it has {n_atoms} heavy atoms, the limit is {MAX_HEAVY_ATOMS}"
        raise InvalidMoleculeError(text, reason, index)
    if n_rings > MAX_RINGS:
        raise InvalidMoleculeError(text, f"it has {n_rings} rings, the limit is {MAX_RINGS}", index)
    if any(a.GetAtomicNum() == 0 for a in mol.GetAtoms()):
        raise InvalidMoleculeError(text, "it holds a wildcard atom (*)", index)
    if any(a.GetAtomicNum() > MAX_ATOMIC_NUMBER for a in mol.GetAtoms()):
        raise InvalidMoleculeError(text, "it holds an element that does not exist", index)


def _syntax_fault(text: str) -> str:
    """What is wrong with a text that is no SMILES, as far as that can be told."""
    name = drug_name(text)
    if name in drugs():
        source = "from molinterp.data.drugs()"
        return f"it is the name of a drug; tables and functions take its SMILES, {drugs()[name]}, {source}"
    if re.fullmatch(INCHI, text, re.IGNORECASE):
        return "InChI and InChIKey are not read, a SMILES is needed"
    if text.count("[") != text.count("]"):
        return "a square bracket is not closed"
    plain = _bracket.sub("*", text)
    depth = 0
    for position, character in enumerate(plain):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return f"a ')' without '(' at character {position + 1}"
    if depth:
        return f"{depth} '(' not closed"
    open_rings: set[str] = set()
    for digit in _ring_digit.findall(plain):
        open_rings ^= {digit.lstrip("%").strip("()")}
    if open_rings:
        return f"unclosed ring {', '.join(sorted(open_rings))}"
    strange = re.search(r"[^A-Za-z0-9@+\-\[\]()=#$:/\\.%*]", text)
    if strange:
        return _strange_character(strange)
    unknown = re.search(r"[^BCNOPSFIbcnopslr0-9@+\-()=#$:/\\.%*]", plain)
    if unknown:
        return f"{unknown.group()!r} is no atom that SMILES allows outside square brackets"
    return "it is not SMILES"


def _strange_character(match: re.Match[str]) -> str:
    return f"character {match.group()!r} at position {match.start() + 1} is not SMILES"


def _chemistry_fault(mol: Chem.Mol, problem: Any) -> str:
    kind = problem.GetType()
    if kind == "AtomValenceException":
        atom = mol.GetAtomWithIdx(problem.GetAtomIdx())  # type: ignore[attr-defined]
        return f"atom {atom.GetIdx() + 1} ({atom.GetSymbol()}) has more bonds than its element allows"
    if kind in ("KekulizeException", "AtomKekulizeException"):
        return "an aromatic ring in it has no Kekule form (is a hydrogen missing, as in [nH]?)"
    return str(problem.Message())
