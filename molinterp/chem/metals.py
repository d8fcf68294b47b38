"""Metals in a compound: ions that are drawn with covalent bonds, and those that are refused by name."""

from __future__ import annotations

from rdkit import Chem

_IONIC = {3: 1, 11: 1, 19: 1, 37: 1, 55: 1, 12: 2, 20: 2, 38: 2, 56: 2, 13: 3, 30: 2}
"""Charge of the metals, by atomic number, whose bonds to heteroatoms are ionic: groups 1 and 2, Al, Zn."""
_TO = frozenset((7, 8, 9, 16, 17, 35, 53))
"""Elements that such a bond goes to."""
_METALS = frozenset(
    (*range(3, 5), *range(11, 14), *range(19, 32), *range(37, 51), *range(55, 85), *range(87, 119))
)
"""Atomic numbers; boron, silicon, germanium, arsenic, antimony and tellurium are none."""
_NAMES = {
    3: "lithium",
    11: "sodium",
    12: "magnesium",
    13: "aluminium",
    19: "potassium",
    20: "calcium",
    22: "titanium",
    23: "vanadium",
    24: "chromium",
    25: "manganese",
    26: "iron",
    27: "cobalt",
    28: "nickel",
    29: "copper",
    30: "zinc",
    31: "gallium",
    44: "ruthenium",
    45: "rhodium",
    46: "palladium",
    47: "silver",
    50: "tin",
    64: "gadolinium",
    77: "iridium",
    78: "platinum",
    79: "gold",
    80: "mercury",
    82: "lead",
    83: "bismuth",
}


def metal_in(mol: Chem.Mol) -> str:
    """Name, or symbol, of the first metal of a molecule; empty where there is none."""
    found = next((a for a in mol.GetAtoms() if a.GetAtomicNum() in _METALS), None)
    return "" if found is None else _NAMES.get(found.GetAtomicNum(), found.GetSymbol())


def as_salt(mol: Chem.Mol) -> Chem.Mol:
    """The molecule with covalent bonds between an ionic metal and heteroatoms broken, as in CC(=O)O[Na].

    A metal that is bound to anything else, carbon say, keeps its bonds.

    Args:
        mol: sanitised; it is not changed.
    """
    bound = [a for a in mol.GetAtoms() if a.GetAtomicNum() in _IONIC and a.GetDegree()]
    bound = [a for a in bound if all(n.GetAtomicNum() in _TO for n in a.GetNeighbors())]
    if not bound:
        return mol
    new = Chem.RWMol(mol)
    for metal in (new.GetAtomWithIdx(a.GetIdx()) for a in bound):
        for other in list(metal.GetNeighbors()):
            bond = new.GetBondBetweenAtoms(metal.GetIdx(), other.GetIdx())
            is_dative = bond.GetBondType() == Chem.BondType.DATIVE
            new.RemoveBond(metal.GetIdx(), other.GetIdx())
            if not is_dative:
                other.SetFormalCharge(other.GetFormalCharge() - 1)
                metal.SetFormalCharge(metal.GetFormalCharge() + 1)
    try:
        Chem.SanitizeMol(new)
    except Chem.MolSanitizeException:
        return mol
    return new.GetMol()
