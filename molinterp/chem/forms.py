"""One way to draw a compound that may be drawn with or without charges between neighbours.

The training set writes sulfoxides, phosphine oxides, sulfoximines and the like with double bonds, and nitro
groups, azides, diazo compounds, isocyanides and amine oxides with charges: so do all other compounds here.
"""

from __future__ import annotations

from rdkit import Chem

_HYPERVALENT = frozenset((15, 16, 33, 34, 52, 53))
"""P, S, As, Se, Te and I: elements whose bonds beyond the octet are drawn double."""
_N, _B, _C = 7, 5, 6
_DOUBLE, _SINGLE, _TRIPLE, _DATIVE = (
    Chem.BondType.DOUBLE,
    Chem.BondType.SINGLE,
    Chem.BondType.TRIPLE,
    Chem.BondType.DATIVE,
)


def spell_out_nitrogen(mol: Chem.Mol) -> None:
    """Write nitrogen with more than four bonds' worth of electrons, and isocyanides, with charges, in place.

    RDKit does so for nitro groups, azides and amine oxides, and refuses isocyanides `N#C`, ylides
    `N(C)(C)(C)=C` and imides `N(C)(C)(C)=N`.

    Args:
        mol: not yet sanitised.
    """
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() != _N or atom.GetFormalCharge() or atom.GetIsAromatic():
            continue
        n_bonds = sum(b.GetBondTypeAsDouble() for b in atom.GetBonds()) + atom.GetNumExplicitHs()
        for bond in atom.GetBonds():
            other = bond.GetOtherAtom(atom)
            if other.GetFormalCharge():
                continue
            is_isocyanide = n_bonds == 4 and bond.GetBondType() == _TRIPLE and _is_bare_carbon(other)
            is_ylide = n_bonds == 5 and bond.GetBondType() == _DOUBLE and other.GetAtomicNum() in (_C, _N)
            if is_ylide and _is_left_to_rdkit(atom):
                continue
            if is_isocyanide or is_ylide:
                if is_ylide:
                    bond.SetBondType(_SINGLE)
                atom.SetFormalCharge(1)
                other.SetFormalCharge(-1)
                break


def _is_left_to_rdkit(atom: Chem.Atom) -> bool:
    """Whether a nitrogen is that of a nitro or nitroso group, a diazo group or an azide."""
    return any(
        b.GetBondType() == _TRIPLE
        or (b.GetBondType() == _DOUBLE and b.GetOtherAtom(atom).GetAtomicNum() == 8)
        for b in atom.GetBonds()
    )


def _is_bare_carbon(atom: Chem.Atom) -> bool:
    return atom.GetAtomicNum() == _C and atom.GetDegree() == 1 and not atom.GetNumExplicitHs()


def one_form(mol: Chem.Mol) -> Chem.Mol:
    """The molecule with charges of neighbours written as the training set writes them.

    Args:
        mol: sanitised; it is not changed.
    """
    has_charges = any(a.GetFormalCharge() for a in mol.GetAtoms())
    if not has_charges and not any(b.GetBondType() == _DATIVE for b in mol.GetBonds()):
        return mol
    new = Chem.RWMol(mol)
    Chem.Kekulize(new, clearAromaticFlags=True)
    is_changed = False
    for atom in new.GetAtoms():
        is_changed |= _paired(atom) | _diazo(atom) | _dative(atom)
    if not is_changed:
        return mol
    try:
        Chem.SanitizeMol(new)
    except Chem.MolSanitizeException:
        return mol
    Chem.AssignStereochemistry(new, cleanIt=True, force=True)
    return new.GetMol()


def _paired(atom: Chem.Atom) -> bool:
    """Turn each bond of a hypervalent cation to an anion into a double bond; whether there was one."""
    is_changed = False
    number = atom.GetAtomicNum()
    for bond in atom.GetBonds():
        other = bond.GetOtherAtom(atom)
        # Of nitrogen only N2+, as in [N+2]([O-])[O-], has too many charges.
        least = 1 if number in _HYPERVALENT else 2 if number == _N else 9
        is_pair = atom.GetFormalCharge() >= least and other.GetFormalCharge() == -1
        if is_pair and bond.GetBondType() == _SINGLE and other.GetAtomicNum() in (6, 7, 8, 16, 34):
            bond.SetBondType(_DOUBLE)
            atom.SetFormalCharge(atom.GetFormalCharge() - 1)
            other.SetFormalCharge(0)
            is_changed = True
    return is_changed


def _diazo(atom: Chem.Atom) -> bool:
    """Write X(-)-N(+)#N, X of carbon or nitrogen, as X=N(+)=N(-); whether it was there."""
    if atom.GetAtomicNum() != _N or atom.GetFormalCharge() != 1 or atom.GetDegree() != 2:
        return False
    bonds = {b.GetBondType(): b for b in atom.GetBonds()}
    if set(bonds) != {_SINGLE, _TRIPLE}:
        return False
    before, after = bonds[_SINGLE].GetOtherAtom(atom), bonds[_TRIPLE].GetOtherAtom(atom)
    is_diazo = before.GetFormalCharge() == -1 and before.GetAtomicNum() in (_C, _N)
    if not is_diazo or after.GetAtomicNum() != _N or after.GetFormalCharge():
        return False
    for bond in bonds.values():
        bond.SetBondType(_DOUBLE)
    before.SetFormalCharge(0)
    after.SetFormalCharge(-1)
    return True


def _dative(atom: Chem.Atom) -> bool:
    """Write a dative bond to boron as a single bond with charges; whether there was one."""
    is_changed = False
    for bond in atom.GetBonds():
        donor, acceptor = bond.GetBeginAtom(), bond.GetEndAtom()
        is_own = acceptor.GetIdx() == atom.GetIdx() and atom.GetAtomicNum() == _B
        if bond.GetBondType() == _DATIVE and is_own:
            bond.SetBondType(_SINGLE)
            donor.SetFormalCharge(donor.GetFormalCharge() + 1)
            acceptor.SetFormalCharge(acceptor.GetFormalCharge() - 1)
            is_changed = True
    return is_changed
