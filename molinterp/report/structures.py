"""Draw the structures of a path as SVG, aligned with one another and with the changes marked."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, final

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDepictor, rdFMCS
from rdkit.Chem.Draw import rdMolDraw2D

from molinterp.chem.parsing import parse
from molinterp.errors import InvalidMoleculeError

MCS_STEPS = 20_000
"""Largest number of steps in the search for a maximum common substructure (about a second), after which the
best one so far is taken. A time limit would make the drawing depend on the load of the machine."""
MIN_GAP = 0.9
"""Distance in a drawing, in angstroms, below which two atoms overlap; a bond has 1.5."""
WIDTH, HEIGHT = 200, 150
"""Size of a drawing, in CSS pixels."""
_PALETTE = {
    -1: (0.0, 0.0, 0.0),
    0: (0.45, 0.45, 0.45),
    7: (0.20, 0.42, 0.86),
    8: (0.84, 0.22, 0.18),
    9: (0.12, 0.55, 0.35),
    15: (0.78, 0.42, 0.0),
    16: (0.60, 0.48, 0.0),
    17: (0.12, 0.55, 0.35),
    35: (0.65, 0.32, 0.15),
    53: (0.55, 0.25, 0.75),
}
"""Colours of elements that are legible on white and on black; carbon (-1) takes the colour of the text."""
_SHAPE = re.compile(r"<(path|ellipse) (.*?)/>", re.DOTALL)
_ATTRIBUTE = re.compile(r"\b(d|cx|cy|rx|ry)='([^']*)'")
_STYLE = re.compile(r"\b(fill|stroke|stroke-width)(?::|=')([^;']+)")


@final
@dataclass(frozen=True)
class Drawing:
    """Drawing of one structure."""

    svg: str
    """SVG element without style attributes, scripts or references."""
    n_changed: int | None
    """Number of atoms that the molecule before does not have; None for the first molecule."""


@final
class _StepLimit(rdFMCS.MCSProgress):
    """Stops the search for a maximum common substructure after a number of steps."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left = n

    def __call__(self, _stat: object, _params: object) -> bool:
        """Count a step and return whether to continue."""
        self.left -= 1
        return self.left > 0


@final
@dataclass(frozen=True)
class _Change:
    atoms: list[int]
    bonds: list[int]


def molecule(smiles: str) -> Chem.Mol | None:
    """Parse a SMILES that the input checks accept; None for any other text."""
    try:
        return parse(smiles)
    except InvalidMoleculeError:
        return None


def draw_path(smiles: Sequence[str]) -> list[Drawing]:
    """Draw each molecule aligned with the one before it, with its changed atoms marked.

    Args:
        smiles: molecules in order; a text that is not a molecule gives a drawing that says so.
    """
    drawings: list[Drawing] = []
    before: Chem.Mol | None = None
    for text in smiles:
        mol = molecule(text)
        if mol is None:
            drawings.append(Drawing(_message(f"not drawn: {text[:40]}"), None))
            continue
        rdDepictor.Compute2DCoords(mol)
        change = None if before is None else _align(mol, before)
        drawings.append(Drawing(_svg(mol, text, change), change and len(change.atoms)))
        before = mol
    return drawings


def _align(mol: Chem.Mol, before: Chem.Mol) -> _Change:
    """Align the drawing of `mol` with that of `before`; return the atoms and bonds that are new."""
    pairs = _common_atoms(mol, before)
    if len(pairs) > 1:
        params: Any = rdDepictor.ConstrainedDepictionParams()  # type: ignore[attr-defined]
        free = Chem.Mol(mol)
        rdDepictor.GenerateDepictionMatching2DStructure(mol, before, pairs, -1, params)
        if _nearest(mol) < MIN_GAP <= _nearest(free):
            # The new atoms would overlap the old ones: align the structure without constraining it.
            params.alignOnly = True
            rdDepictor.GenerateDepictionMatching2DStructure(free, before, pairs, -1, params)
            mol.RemoveAllConformers()
            mol.AddConformer(free.GetConformer())
    return _change(mol, before, {new: old for old, new in pairs})


def _nearest(mol: Chem.Mol) -> float:
    """Return the smallest distance of two atoms in a drawing, in angstroms; a bond has 1.5."""
    if mol.GetNumAtoms() < 2:
        return math.inf
    places = mol.GetConformer().GetPositions()
    gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
    return float(gaps[np.triu_indices(len(gaps), 1)].min())


def _common_atoms(mol: Chem.Mol, before: Chem.Mol) -> list[tuple[int, int]]:
    """Find a maximum common substructure; return pairs of its atoms (in `before`, in `mol`)."""
    params: Any = rdFMCS.MCSParameters()
    params.Timeout = 0
    params.AtomCompareParameters.RingMatchesRingOnly = True
    params.AtomCompareParameters.MatchChiralTag = False
    params.BondCompareParameters.RingMatchesRingOnly = True
    params.BondCompareParameters.CompleteRingsOnly = True
    params.ProgressCallback = _StepLimit(MCS_STEPS)
    found = rdFMCS.FindMCS([before, mol], params)
    if found.numAtoms == 0 or not found.smartsString:
        return []
    core = Chem.MolFromSmarts(found.smartsString)
    old, new = before.GetSubstructMatch(core), mol.GetSubstructMatch(core)
    return list(zip(old, new, strict=True)) if old and new else []


def _change(mol: Chem.Mol, before: Chem.Mol, old_of: dict[int, int]) -> _Change:
    atoms = [a.GetIdx() for a in mol.GetAtoms() if a.GetIdx() not in old_of]
    bonds = []
    for bond in mol.GetBonds():
        ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if all(e in old_of for e in ends):
            old = before.GetBondBetweenAtoms(*(old_of[e] for e in ends))
            if old is None or old.GetBondType() != bond.GetBondType():
                bonds.append(bond.GetIdx())
        else:
            bonds.append(bond.GetIdx())
    if not atoms and not bonds and mol.GetNumAtoms() == before.GetNumAtoms():
        atoms = [i for i, j in old_of.items() if _cip_label(mol, i) != _cip_label(before, j)]
    return _Change(atoms, bonds)


def _cip_label(mol: Chem.Mol, i: int) -> str:
    atom = mol.GetAtomWithIdx(i)  # type: ignore[attr-defined]
    return str(atom.GetProp("_CIPCode")) if atom.HasProp("_CIPCode") else ""


def _svg(mol: Chem.Mol, text: str, change: _Change | None) -> str:
    drawer = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT)
    options: Any = drawer.drawOptions()
    options.clearBackground = False
    options.bondLineWidth = 1.4
    options.fixedBondLength = 26.0
    options.highlightBondWidthMultiplier = 9
    options.setAtomPalette(_PALETTE)
    options.setHighlightColour((1.0, 0.0, 1.0))
    options.standardColoursForHighlightedAtoms = True
    atoms, bonds = (change.atoms, change.bonds) if change else ([], [])
    drawer.DrawMolecule(rdMolDraw2D.PrepareMolForDrawing(mol), highlightAtoms=atoms, highlightBonds=bonds)
    drawer.FinishDrawing()
    shapes = "".join(_shape(m[1], m[2]) for m in _SHAPE.finditer(drawer.GetDrawingText()))
    return _element(shapes, f"Structure of {text}")


def _shape(name: str, attributes: str) -> str:
    """Rewrite an RDKit shape without style attributes, which a strict content-security policy blocks."""
    style = {key: value.strip().lower() for key, value in _STYLE.findall(attributes)}
    is_highlight = "#ff00ff" in (style.get("fill"), style.get("stroke"))
    paint = {
        k: "currentColor" if style.get(k) == "#000000" else style.get(k, "none") for k in ("fill", "stroke")
    }
    geometry = " ".join(f'{k}="{v}"' for k, v in _ATTRIBUTE.findall(attributes))
    if is_highlight:
        return f'<{name} class="molinterp-changed" fill="#ffb000" fill-opacity=".28" {geometry}/>'
    width = style.get("stroke-width", "1px").removesuffix("px")
    stroke = "" if paint["stroke"] == "none" else f' stroke="{paint["stroke"]}" stroke-width="{width}"'
    return f'<{name} fill="{paint["fill"]}"{stroke} {geometry}/>'


def _message(text: str) -> str:
    words = (
        f'<text x="50%" y="50%" text-anchor="middle" font-size="11" fill="currentColor">{escape(text)}</text>'
    )
    return _element(words, text)


def _element(content: str, label: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{escape(label)}">{content}</svg>'
    )
