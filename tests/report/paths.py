"""Paths of real molecules that need no model."""

import numpy as np
from rdkit import Chem

from molinterp.chem.filters import own_fault
from molinterp.chem.properties import describe
from molinterp.chem.similarity import tanimoto
from molinterp.paths.path import LatentCurve, MoleculePath, PathMolecule, RoundTrip
from molinterp.paths.request import PathRequest

SMILES = ("CC(=O)Oc1ccccc1C(=O)O", "COC(=O)c1ccccc1O", "CC(C)c1ccc(C(=O)O)cc1", "CC(C)Cc1ccc(C(C)C(=O)O)cc1")
HOSTILE = (
    '<img src=x onerror="window.hit=1">',
    "</script><script>window.hit=1</script>",
    "{{7*7}} ${7*7} <%= 7*7 %>",
    '" onmouseover="window.hit=1" x="',
    "=HYPERLINK(1)\n$$$$",
)


def molecule_path(names=("aspirin", "ibuprofen"), smiles=SMILES, notes=()):
    mols = [Chem.MolFromSmiles(s) for s in smiles]
    steps = tuple(
        PathMolecule(
            s,
            i / (len(smiles) - 1),
            "curve",
            tanimoto(mols[i - 1], mol) if i else None,
            tanimoto(mols[0], mol),
            tanimoto(mols[-1], mol),
            describe(mol),
            {"range": 0.1 * i},
            verdict="clean",
            verdict_alone=own_fault(mol) or "clean",
        )
        for i, (s, mol) in enumerate(zip(smiles, mols, strict=True))
    )
    trips = (RoundTrip(smiles[0], True, 1.0, True), RoundTrip("", False, 0.0, False))
    request = PathRequest(start=smiles[0], end=smiles[-1], names=names, method="linear")
    curve = LatentCurve(np.linspace(0, 1, 24, dtype=np.float32).reshape(3, 8))
    return MoleculePath(
        request, steps, curve, "default", True, 2.0, 1.5, 0.9, 10, 8, {"alert": 2}, trips, notes
    )
