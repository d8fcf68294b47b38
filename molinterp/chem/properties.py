"""Molecular properties: one function per property, with the name of its column.

| name | unit | source |
|---|---|---|
| mw | g/mol, average masses | RDKit |
| logp | dimensionless, log10 of octanol/water | Wildman and Crippen, J. Chem. Inf. Comput. Sci. 1999 |
| tpsa | square angstroms | Ertl et al., J. Med. Chem. 2000 |
| hbd, hba | counts of donors and acceptors | Lipinski et al. 1997, as RDKit counts them |
| rotatable_bonds, rings, aromatic_rings, heavy_atoms | counts | RDKit |
| fraction_csp3 | 0 to 1 | Lovering et al., J. Med. Chem. 2009 |
| qed | 0 to 1 | Bickerton et al., Nature Chemistry 2012 |
| sa_score | 1 (easy) to 10 (hard) | Ertl and Schuffenhauer, J. Cheminformatics 2009 |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from rdkit import Chem
from rdkit.Chem import QED, Crippen, Descriptors, rdMolDescriptors

from molinterp.chem.synthetic_accessibility import sa_score


def mw(mol: Chem.Mol) -> float:
    """Average molecular weight, g/mol."""
    return float(Descriptors.MolWt(mol))  # type: ignore[attr-defined]


def logp(mol: Chem.Mol) -> float:
    """Crippen estimate of the octanol/water partition coefficient, log10."""
    return float(Crippen.MolLogP(mol))  # type: ignore[attr-defined]


def tpsa(mol: Chem.Mol) -> float:
    """Topological polar surface area, square angstroms."""
    return float(rdMolDescriptors.CalcTPSA(mol))


def hbd(mol: Chem.Mol) -> int:
    """Number of hydrogen-bond donors."""
    return int(rdMolDescriptors.CalcNumHBD(mol))


def hba(mol: Chem.Mol) -> int:
    """Number of hydrogen-bond acceptors."""
    return int(rdMolDescriptors.CalcNumHBA(mol))


def rotatable_bonds(mol: Chem.Mol) -> int:
    """Number of rotatable bonds, RDKit's strict definition."""
    return int(rdMolDescriptors.CalcNumRotatableBonds(mol))


def rings(mol: Chem.Mol) -> int:
    """Number of rings in the smallest set of smallest rings."""
    return int(rdMolDescriptors.CalcNumRings(mol))


def aromatic_rings(mol: Chem.Mol) -> int:
    """Number of aromatic rings."""
    return int(rdMolDescriptors.CalcNumAromaticRings(mol))


def fraction_csp3(mol: Chem.Mol) -> float:
    """Fraction of carbon atoms that are sp3, in [0, 1]."""
    return float(rdMolDescriptors.CalcFractionCSP3(mol))


def qed(mol: Chem.Mol) -> float:
    """Quantitative estimate of drug-likeness, in [0, 1]."""
    return float(QED.qed(mol))


def heavy_atoms(mol: Chem.Mol) -> int:
    """Number of atoms other than hydrogen."""
    return int(mol.GetNumHeavyAtoms())


PROPERTIES: Mapping[str, Callable[[Chem.Mol], float]] = MappingProxyType(
    {
        f.__name__: f
        for f in (
            mw,
            logp,
            tpsa,
            hbd,
            hba,
            rotatable_bonds,
            rings,
            aromatic_rings,
            fraction_csp3,
            qed,
            sa_score,
            heavy_atoms,
        )
    }
)
"""All properties by name, in the order of the columns."""


def describe(mol: Chem.Mol) -> dict[str, float]:
    """Compute all properties of a molecule by name, in the order of PROPERTIES."""
    return {name: function(mol) for name, function in PROPERTIES.items()}
