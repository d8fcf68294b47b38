"""Tables of molecules as SD files: a record a row, no record or field forged by a text in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rdkit import Chem
from rdkit.Chem import AllChem

from molinterp.cells import sdf_key, sdf_line

if TYPE_CHECKING:
    import pandas as pd


def sdf_text(table: pd.DataFrame) -> str:
    """SDF text with 2-D coordinates; the columns but `name` become fields of each record.

    Args:
        table: columns `step`, `name` and `smiles`, each SMILES a molecule, and any others.
    """
    records = []
    for row in table.to_dict("records"):
        mol = Chem.MolFromSmiles(row["smiles"])
        AllChem.Compute2DCoords(mol)  # type: ignore[attr-defined]
        mol.SetProp("_Name", sdf_line(str(row["name"])) or f"step {row['step']}")
        fields = "".join(
            f">  <{sdf_key(str(key))}>\n{sdf_line(_cell(value))}\n\n"
            for key, value in row.items()
            if key != "name"
        )
        records.append(f"{Chem.MolToMolBlock(mol)}{fields}$$$$\n")
    return "".join(records)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.6g}"
    return str(value)
