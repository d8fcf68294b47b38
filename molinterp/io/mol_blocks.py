"""Molecules in mol blocks, SD files and ChemDraw's CDXML: a SMILES each, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import final

from rdkit import Chem, rdBase

from molinterp.chem.cxsmiles import split_cxsmiles, stands_for_group
from molinterp.chem.parsing import check_size
from molinterp.errors import InvalidMoleculeError

MAX_CDXML = 1 << 24
"""Characters of the largest drawing that is read."""
_COUNTS = re.compile(r"V[23]000\s*$")
_FIELD = re.compile(r">.*?<(.*)>")
_EXTENSION = (
    Chem.CXSmilesFields.CX_ENHANCEDSTEREO
    | Chem.CXSmilesFields.CX_SGROUPS
    | Chem.CXSmilesFields.CX_POLYMER
    | Chem.CXSmilesFields.CX_LINKNODES
    | Chem.CXSmilesFields.CX_BOND_ATROPISOMER
)
"""What of a mol block has no place in a SMILES, and stands behind it."""
_ATROPISOMERS = (Chem.BondStereo.STEREOATROPCW, Chem.BondStereo.STEREOATROPCCW)


@final
@dataclass(frozen=True)
class Drawing:
    """One molecule of a drawing."""

    smiles: str = ""
    """Canonical SMILES; empty where there is a fault."""
    extension: str = ""
    """What stands behind it in a CXSMILES."""
    title: str = ""
    """Its first line."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Its data, by name."""
    fault: str = ""
    """Why there is no SMILES, where there is none."""


def split_blocks(lines: Iterable[str]) -> Iterator[str]:
    """Records of an SD file; a second mol block without a line of $$$$ before it is a record of its own."""
    record: list[str] = []
    has_ended = False
    for line in lines:
        if line.startswith("$$$$"):
            yield "".join(record)
            record, has_ended = [], False
            continue
        if has_ended and _COUNTS.search(line):
            yield "".join(record[:-3])
            record, has_ended = record[-3:], False
        record.append(line)
        has_ended |= line.startswith("M  END")
    if any(line.strip() for line in record):
        yield "".join(record)


def read_block(record: str) -> Drawing:
    """The molecule of a record of an SD file, or of a mol file."""
    block, _, data = record.partition("M  END")
    title = block.partition("\n")[0].strip()
    fields = _fields(data)
    try:
        smiles, extension = _written(_from_block(record))
    except InvalidMoleculeError as error:
        return Drawing(title=title, fields=fields, fault=error.reason)
    return Drawing(smiles, extension, title, fields)


def read_cdxml(text: str) -> Iterator[Drawing]:
    """The molecules of a ChemDraw drawing."""
    if len(text) > MAX_CDXML:
        yield Drawing(fault=f"the drawing has {len(text)} characters, the limit is {MAX_CDXML}")
        return
    with rdBase.BlockLogs():
        try:
            raws = Chem.MolsFromCDXML(text, sanitize=False, removeHs=False)
            mols = Chem.MolsFromCDXML(text)
        except (RuntimeError, ValueError) as error:
            yield Drawing(fault=f"RDKit cannot read this drawing: {error}")
            return
    if len(raws) != len(mols):
        yield Drawing(fault="RDKit cannot read one of the molecules of this drawing")
        return
    for raw, mol in zip(raws, mols, strict=True):
        try:
            _check(raw)
            yield Drawing(*_written(mol))
        except InvalidMoleculeError as error:
            yield Drawing(fault=error.reason)


def _fields(data: str) -> dict[str, str]:
    """Data of a record: a line of each value is kept, those of one value run together."""
    fields: dict[str, str] = {}
    name = ""
    for line in data.splitlines():
        if found := _FIELD.match(line):
            name = found[1]
            fields.setdefault(name, "")
        elif not line.strip():
            name = ""
        elif name:
            fields[name] = f"{fields[name]} {line.strip()}".strip()
    return fields


def _from_block(record: str) -> Chem.Mol:
    if record.lstrip().startswith(("$RXN", "$MDL")):
        raise InvalidMoleculeError("", "it is a reaction; give one of its compounds")
    with rdBase.BlockLogs():
        raw = Chem.MolFromMolBlock(record, sanitize=False, removeHs=False)
        if raw is not None:
            # RDKit may crash while it canonicalises a molecule that is too large.
            _check(raw)
        mol = raw and Chem.MolFromMolBlock(record)
    if mol is None:
        raise InvalidMoleculeError("", "RDKit cannot read this record")
    return mol


def _check(raw: Chem.Mol) -> None:
    """Refuse what is too large or no one compound.

    Raises:
        InvalidMoleculeError: the reason says which.
    """
    check_size(raw, "")
    for atom in raw.GetAtoms():
        alias = atom.GetProp("molFileAlias") if atom.HasProp("molFileAlias") else ""
        if stands_for_group(alias):
            reason = f"atom {atom.GetIdx() + 1} stands for {alias[:40]!r}; write the group out"
            raise InvalidMoleculeError("", reason)
        if atom.HasQuery():
            raise InvalidMoleculeError("", f"atom {atom.GetIdx() + 1} is a query, which many compounds match")
    for bond in raw.GetBonds():
        if bond.HasProp("_MolFileBondEndPts"):
            raise InvalidMoleculeError("", "it has a bond to no certain atom (position variation)")
        if bond.HasQuery():
            raise InvalidMoleculeError("", f"bond {bond.GetIdx() + 1} is a query, which many compounds match")


def _written(mol: Chem.Mol) -> tuple[str, str]:
    """SMILES, and what stands behind it in a CXSMILES."""
    has_more = (
        mol.GetStereoGroups()
        or Chem.GetMolSubstanceGroups(mol)
        or mol.HasProp("_molLinkNodes")
        or any(b.GetStereo() in _ATROPISOMERS for b in mol.GetBonds())
    )
    if not has_more:
        return Chem.MolToSmiles(mol), ""
    text = Chem.MolToCXSmiles(mol, Chem.SmilesWriteParams(), int(_EXTENSION))
    smiles, extension, _ = split_cxsmiles(text)
    return smiles, extension
