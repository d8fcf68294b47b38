"""The input gate: text to molecule, with limits that hold before RDKit canonicalises anything.

RDKit cannot be interrupted, and can crash on hostile input, so size is checked on the text and on
the unsanitised graph first.
"""

from __future__ import annotations

import re
from typing import Any

from rdkit import Chem, rdBase

from molinterp.chem.forms import spell_out_nitrogen
from molinterp.data import drug_name, drugs
from molinterp.errors import InvalidMoleculeError

MAX_CHARACTERS = 2_000
MAX_HEAVY_ATOMS = 200
MAX_RINGS = 30
MAX_ATOMIC_NUMBER = 118
INCHI = r"InChI=.*"
"""An InChI, whatever the case."""
INCHI_KEY = r"[A-Z]{14}-[A-Z]{10}-[A-Z]"
"""The key of one, which is a hash and no structure."""

_bracket = re.compile(r"\[[^\[\]]*\]")
_ring_digit = re.compile(r"%\(\d+\)|%\d\d|\d")
_formula = re.compile(r"([A-Z][a-z]?)(\d*)")
_query = re.compile(r"[,;!&$]|#\d|^(\d*[A-Za-z]{1,2})?[DXvRxr]\d|^[Aa]$|~")
_r_group = re.compile(r"R\d*'*|[XYZQMLG]\d*|Ph|Me|Et|Pr|Bu|Bn|Bz|Boc|Ac|Ts|Ar|Pol|LG|PG")
_ORDINARY_BONDS = frozenset(("SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE", "AROMATIC", "DATIVE"))


def parse(text: str, index: int | None = None) -> Chem.Mol:
    """A sanitised molecule from a SMILES, an InChI or the name of a drug in the shipped table.

    Args:
        text: blanks around it are ignored.
        index: row in the user's input, named in the error.

    Raises:
        InvalidMoleculeError: the text is empty, too large or no molecule; the reason says which.

    >>> parse("c1ccccc1O").GetNumAtoms(), parse("InChI=1S/CH4O/c1-2/h2H,1H3").GetNumAtoms()
    (7, 2)
    """
    smiles = _plain_text(text, index)
    with rdBase.BlockLogs():
        mol = _raw_molecule(smiles)
    if mol is None:
        raise InvalidMoleculeError(smiles, _syntax_fault(smiles), index)
    check_size(mol, smiles, index)
    with rdBase.BlockLogs():
        return _sanitised(mol, smiles, index)


def _plain_text(text: str, index: int | None) -> str:
    """The text of a molecule without blanks around it, the SMILES where it is the name of a drug."""
    is_missing = text is None or (isinstance(text, float) and text != text)
    if not isinstance(text, str) and not is_missing:
        hint = "; give Chem.MolToSmiles of it" if isinstance(text, Chem.Mol) else ""
        raise InvalidMoleculeError(str(text), f"it is no text but {type(text).__name__}{hint}", index)
    plain = text.strip() if isinstance(text, str) else ""
    if not plain:
        raise InvalidMoleculeError(str(text), "it is empty", index)
    if len(plain) > MAX_CHARACTERS:
        reason = f"it has {len(plain)} characters, the limit is {MAX_CHARACTERS}"
        raise InvalidMoleculeError(plain, reason, index)
    if smiles := drugs().get(drug_name(plain)):
        return smiles
    if "V2000" in plain or "V3000" in plain:
        raise InvalidMoleculeError(
            plain, "it is a mol block; write it to a .mol file, or give a SMILES", index
        )
    if re.search(r"\s", plain):
        # RDKit would read the part before the blank and drop the rest in silence.
        raise InvalidMoleculeError(plain, "there is a blank inside it", index)
    foreign = re.search(r"[^!-~]", plain)
    if foreign:
        # RDKit drops what is not ASCII, and control characters, from both ends in silence.
        raise InvalidMoleculeError(plain, _strange_character(foreign), index)
    return plain


def _raw_molecule(text: str) -> Chem.Mol | None:
    """The molecule of a SMILES or InChI before any chemistry; None where it cannot be read."""
    if re.search(r"\[#\d", text):
        return None  # RDKit takes the [#6] of a SMARTS for an atom
    if not re.fullmatch(INCHI, text, re.IGNORECASE):
        text = text.replace("[D]", "[2H]").replace("[T]", "[3H]")
        return Chem.MolFromSmiles(text, sanitize=False)
    formula = text.partition("/")[2].partition("/")[0]
    counts = [int(n or 1) for element, n in _formula.findall(formula) if element != "H"]
    if sum(counts) > MAX_HEAVY_ATOMS or ";" in text.partition("/")[0]:
        return None
    return Chem.MolFromInchi("InChI=" + text[6:], sanitize=False, removeHs=False)


def _sanitised(mol: Chem.Mol, text: str, index: int | None) -> Chem.Mol:
    """The molecule as RDKit reads a SMILES, once every fault that it would stumble over is named."""
    spell_out_nitrogen(mol)
    problems = Chem.DetectChemistryProblems(mol)
    if problems:
        raise InvalidMoleculeError(text, _chemistry_fault(mol, problems[0]), index)
    try:
        Chem.SanitizeMol(mol)
    except Chem.MolSanitizeException as error:  # aromatic atoms outside of a ring hide from the search above
        reason = f"it has no sound structure: {' '.join(str(error).split())}"
        raise InvalidMoleculeError(text, reason, index) from error
    Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
    # Explicit hydrogens are merged as MolFromSmiles does it.
    return Chem.RemoveHs(mol)


def check_size(mol: Chem.Mol, text: str, index: int | None = None) -> None:
    """Hold a molecule, from whatever source, to the limits of the gate.

    Raises:
        InvalidMoleculeError: too few or too many atoms, too many rings, an atom of no element, or a bond of
            no order.
    """
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
    if any(b.GetBondType().name not in _ORDINARY_BONDS for b in mol.GetBonds()):
        raise InvalidMoleculeError(text, "it holds a bond of no order", index)


def _syntax_fault(text: str) -> str:
    """What is wrong with a text that is no SMILES, as far as that can be told."""
    if fault := _foreign_notation(text):
        return fault
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


def _foreign_notation(text: str) -> str:
    """What a text is that was written in another notation than SMILES; empty where that cannot be told."""
    if re.fullmatch(INCHI, text, re.IGNORECASE):
        return "RDKit cannot read this InChI, or it has too many atoms"
    if re.fullmatch(INCHI_KEY, text, re.IGNORECASE):
        return "an InChIKey is a hash, from which no structure can be read: a SMILES or InChI is needed"
    if re.fullmatch(r"\d{2,7}-\d\d-\d", text):
        return "it is a CAS number, which cannot be looked up: a SMILES or InChI is needed"
    if re.match(r"(PEPTIDE|RNA|CHEM|BLOB)\d+\{", text):
        return "it is HELM, which is not read: a SMILES is needed"
    if re.search(r"\{[^}]*[$<>]", text):
        return "it is BigSMILES of a polymer, which is no one compound"
    if text.replace("->", "").count(">") == 2:
        return "it is a reaction; give one of its compounds"
    for content in (atom[1:-1] for atom in _bracket.findall(text)):
        if _r_group.fullmatch(content):
            return f"'[{content}]' is a group of no fixed atoms; write the group out"
        if _query.search(content.split(":")[0]):
            return f"'[{content}]' is of a SMARTS, a query that many compounds match; give one compound"
    return ""


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
