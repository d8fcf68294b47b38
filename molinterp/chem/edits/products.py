"""What edits give: molecules that RDKit can sanitise, each once; and the pieces that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, final

from rdkit import Chem, rdBase

from molinterp.chem.similarity import ecfp4

N_CACHED = 32
"""Molecules whose products and pieces are kept, those of one path; each has up to a hundred."""


@final
@dataclass(frozen=True)
class Product:
    """Product of an edit."""

    smiles: str
    """Canonical SMILES, stereo included."""
    mol: Chem.Mol
    """The molecule, sanitised, its atoms in the order in which the edit left them."""


@final
@dataclass(frozen=True)
class Goal:
    """What an edit leads towards."""

    mol: Chem.Mol
    """The molecule to come nearer to, which gives the pieces."""
    sizes: range
    """Numbers of heavy atoms that a product may have."""
    joined: set[tuple[str, str]] | None = None
    """Pairs of pieces joined before, which are not joined again; it grows. None means to keep no count."""


class Edit(Protocol):
    """A kind of small change: a molecule and a goal to the molecules one change away."""

    def __call__(self, mol: Chem.Mol, goal: Goal) -> Iterable[Product]:
        """Products, each once, in an order that depends on the molecule and the goal alone."""
        ...


@final
@dataclass(frozen=True)
class Piece:
    """A part of a molecule with one open bond, marked by a dummy atom."""

    smiles: str
    """Canonical SMILES of the part, dummy included."""
    mol: Chem.Mol
    """The part; its dummy atom has isotope 1."""
    n_atoms: int
    """Heavy atoms, without the dummy."""
    fingerprint: Any
    """ECFP4 of the part with a hydrogen in place of the dummy, as RDKit's bit vector."""


def pieces(mol: Chem.Mol) -> tuple[Piece, ...]:
    """Both sides of every single bond that is in no ring, alike ones once."""
    return pieces_of(Chem.MolToSmiles(mol))


@lru_cache(maxsize=N_CACHED)
def pieces_of(smiles: str) -> tuple[Piece, ...]:
    """Pieces of the molecule that a canonical SMILES spells."""
    mol = Chem.MolFromSmiles(smiles)
    out: dict[str, Piece] = {}
    for bond in chain_bonds(mol):
        for part in parts(mol, bond):
            whole = capped(part)
            if whole is not None:
                smiles = Chem.MolToSmiles(part)
                out[smiles] = Piece(smiles, part, whole.GetNumHeavyAtoms(), ecfp4(whole))
    return tuple(out.values())


def chain_bonds(mol: Chem.Mol) -> list[int]:
    """Numbers of the single bonds that are in no ring."""
    is_single = (b for b in mol.GetBonds() if b.GetBondType() == Chem.BondType.SINGLE)
    return [b.GetIdx() for b in is_single if not b.IsInRing()]


def parts(mol: Chem.Mol, bond: int) -> tuple[Chem.Mol, ...]:
    """What is left of a molecule cut at a bond, a dummy atom of isotope 1 at each open end."""
    broken = Chem.FragmentOnBonds(mol, [bond], dummyLabels=[(1, 1)])
    return tuple(Chem.GetMolFrags(broken, asMols=True, sanitizeFrags=False))


def capped(part: Chem.Mol) -> Chem.Mol | None:
    """The part with a hydrogen in place of its dummy atom."""
    capped = Chem.RWMol(part)
    for atom in capped.GetAtoms():
        if atom.GetAtomicNum() == 0:
            atom.SetAtomicNum(1)
            atom.SetIsotope(0)
    try:
        with rdBase.BlockLogs():
            return Chem.RemoveHs(capped)
    except (ValueError, RuntimeError):
        return None


def sites(mol: Chem.Mol) -> list[int]:
    """One atom of each symmetry class."""
    first: dict[int, int] = {}
    for index, rank in enumerate(Chem.CanonicalRankAtoms(mol, breakTies=False)):
        first.setdefault(rank, index)
    return list(first.values())


def unique(products: Iterable[Chem.Mol | None]) -> Iterator[Product]:
    """Sane single molecules among `products`, each once."""
    seen: set[str] = set()
    with rdBase.BlockLogs():
        for product in products:
            smiles = _sane(product)
            if smiles and product is not None and smiles not in seen:
                seen.add(smiles)
                yield Product(smiles, product)


def _sane(mol: Chem.Mol | None) -> str:
    """Canonical SMILES, empty where there is no sane single molecule."""
    if mol is None:
        return ""
    try:
        Chem.SanitizeMol(mol)
        # An edit can make two neighbours alike: their centre is none any more.
        Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
        smiles = Chem.MolToSmiles(mol)
    except (ValueError, RuntimeError):
        return ""
    return "" if "." in smiles or "*" in smiles else smiles
