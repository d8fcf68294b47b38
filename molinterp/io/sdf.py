"""Tables of molecules as SD files: a record a row, no record or field forged by a text in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdCoordGen, rdDepictor

from molinterp.io.escaping import sdf_key, sdf_line

if TYPE_CHECKING:
    import pandas as pd


def sdf_text(table: pd.DataFrame) -> str:
    """SDF text with 2-D coordinates; the columns but `name` become fields of each record.

    Args:
        table: columns `step`, `name` and `smiles`, each SMILES a molecule, and any others.
    """
    records = []
    for row in table.to_dict("records"):
        mol = _laid_out(row["smiles"])
        mol.SetProp("_Name", sdf_line(str(row["name"])) or f"step {row['step']}")
        fields = "".join(
            f">  <{sdf_key(str(key))}>\n{sdf_line(_cell(value))}\n\n"
            for key, value in row.items()
            if key != "name"
        )
        records.append(f"{Chem.MolToMolBlock(mol)}{fields}$$$$\n")
    return "".join(records)


def _laid_out(smiles: str) -> Chem.Mol:
    """The molecule of a SMILES with 2-D coordinates in which its stereo can be drawn, where there are any.

    In bridged systems RDKit's own layout may put the neighbours of a stereocentre upon each other.
    """
    mol, other = Chem.MolFromSmiles(smiles), Chem.MolFromSmiles(smiles)
    rdDepictor.Compute2DCoords(mol)
    if _is_told_by_its_block(mol):
        return mol
    rdCoordGen.AddCoords(other)
    return other if _is_told_by_its_block(other) else mol


def _is_told_by_its_block(mol: Chem.Mol) -> bool:
    with rdBase.BlockLogs():
        again = Chem.MolFromMolBlock(Chem.MolToMolBlock(mol))
    return again is not None and Chem.MolToSmiles(again) == Chem.MolToSmiles(mol)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.6g}"
    return str(value)
