"""Small changes to a molecule that lead towards another: exchange, graft, take apart, swap an atom.

Two compounds seldom share enough for one step to join them. These edits take pieces of the one and put
them into the other, or take the one apart; a judge decides afterwards which products may stand in a
path. Exchange across one cut bond is the crossover of Jensen, A Graph-Based Genetic Algorithm, Chem. Sci.
2019; cutting at acyclic single bonds follows Hussain and Rea's matched pairs, J. Chem. Inf. Model. 2010.

Products come each once, without those that RDKit cannot sanitise; nothing else is promised of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from random import Random
from typing import Any, final

from rdkit import Chem, rdBase
from rdkit.DataStructs import BulkTanimotoSimilarity

from molinterp.chem.similarity import ecfp4

SWAPS = {6: (7, 8, 9, 16, 17), 7: (6, 8), 8: (6, 7, 16), 9: (6, 17, 8), 16: (6, 8), 17: (6, 9), 35: (17, 6)}
"""Atomic number to those that may take its place."""
MAX_BRANCH = 2
"""Heavy atoms of a substituent that may go with the ring part that bears it."""
MIN_OVERLAP = 0.4
"""Least share of atoms that two molecules have in common across an exchange: below it a step is too far."""


N_CACHED = 32
"""Molecules whose products and pieces are kept, those of one path; each has up to a hundred."""


@final
@dataclass(frozen=True)
class Product:
    """What an edit makes of a molecule."""

    smiles: str
    """Canonical SMILES, stereo included."""
    mol: Chem.Mol
    """The molecule, sanitised, its atoms in the order in which the edit left them."""


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
    return _pieces(Chem.MolToSmiles(mol))


def openings(mol: Chem.Mol) -> tuple[Piece, ...]:
    """The molecule with one hydrogen opened, once for each kind of atom that has one."""
    return _openings(Chem.MolToSmiles(mol))


def exchanges(
    mol: Chem.Mol, donor: Chem.Mol, sizes: range, limit: int = 60, joined: set[tuple[str, str]] | None = None
) -> Iterator[Product]:
    """Products with a piece of `mol` replaced by a piece of `donor`, or one grafted on a hydrogen of it.

    Only those that keep enough of `mol` to be one step away, with a number of heavy atoms in `sizes`; the
    `limit` of them that look nearest to `donor`, nearest first, by the bits that their two pieces bring. Of
    these, two pieces that stand in `joined` are not joined again; it takes up those that are.
    """
    n, goal, gifts = mol.GetNumHeavyAtoms(), ecfp4(donor), pieces(donor)
    pairs = [
        (kept, gift)
        for kept in (*pieces(mol), *openings(mol))
        for gift in gifts
        if kept.n_atoms >= MIN_OVERLAP * (n + gift.n_atoms) and kept.n_atoms + gift.n_atoms in sizes
    ]
    nearness = BulkTanimotoSimilarity(goal, [kept.fingerprint | gift.fingerprint for kept, gift in pairs])
    best = [pairs[k] for k in sorted(range(len(pairs)), key=lambda k: -nearness[k])[:limit]]
    if joined is not None:
        best = [(kept, gift) for kept, gift in best if (kept.smiles, gift.smiles) not in joined]
        joined.update((kept.smiles, gift.smiles) for kept, gift in best)
    yield from _unique(_zipped(kept.mol, gift.mol) for kept, gift in best)


def crossings(a: Chem.Mol, b: Chem.Mol, source: Random) -> Iterator[Product]:
    """Both products of cutting two molecules at a bond each, drawn at random, and joining them crosswise.

    There are none where one of the two has no single bond outside rings.
    """
    cuts = []
    for mol in (a, b):
        bonds = _chain_bonds(mol)
        parts = _parts(mol, source.choice(bonds)) if bonds else ()
        if len(parts) != 2:
            return
        cuts.append(parts)
    others = cuts[1][::-1] if source.random() < 0.5 else cuts[1]
    yield from _unique(_zipped(own, other) for own, other in zip(cuts[0], others, strict=True))


def reductions(mol: Chem.Mol) -> tuple[Product, ...]:
    """Products with less: a piece cut off, a ring removed, opened or made smaller, an atom taken out."""
    return _reductions(Chem.MolToSmiles(mol))


def swaps(mol: Chem.Mol) -> tuple[Product, ...]:
    """Products with one atom of another element, or one bond of another order, once for each kind of site."""
    return _swaps(Chem.MolToSmiles(mol))


@lru_cache(maxsize=N_CACHED)
def _reductions(smiles: str) -> tuple[Product, ...]:
    mol = Chem.MolFromSmiles(smiles)
    n = mol.GetNumHeavyAtoms()
    smaller = (_capped(p.mol) for p in _pieces(smiles) if MIN_OVERLAP * n <= p.n_atoms < n)
    return tuple(_unique(chain(smaller, _without_rings(mol), _contracted(mol))))


@lru_cache(maxsize=N_CACHED)
def _swaps(smiles: str) -> tuple[Product, ...]:
    mol = Chem.MolFromSmiles(smiles)
    return tuple(_unique(chain(_swapped_atoms(mol), _swapped_bonds(mol))))


def _unique(products: Iterable[Chem.Mol | None]) -> Iterator[Product]:
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


@lru_cache(maxsize=N_CACHED)
def _pieces(smiles: str) -> tuple[Piece, ...]:
    mol = Chem.MolFromSmiles(smiles)
    out: dict[str, Piece] = {}
    for bond in _chain_bonds(mol):
        for part in _parts(mol, bond):
            whole = _capped(part)
            if whole is not None:
                smiles = Chem.MolToSmiles(part)
                out[smiles] = Piece(smiles, part, whole.GetNumHeavyAtoms(), ecfp4(whole))
    return tuple(out.values())


def _chain_bonds(mol: Chem.Mol) -> list[int]:
    """Numbers of the single bonds that are in no ring."""
    is_single = (b for b in mol.GetBonds() if b.GetBondType() == Chem.BondType.SINGLE)
    return [b.GetIdx() for b in is_single if not b.IsInRing()]


def _parts(mol: Chem.Mol, bond: int) -> tuple[Chem.Mol, ...]:
    """What is left of a molecule cut at a bond, a dummy atom of isotope 1 at each open end."""
    broken = Chem.FragmentOnBonds(mol, [bond], dummyLabels=[(1, 1)])
    return tuple(Chem.GetMolFrags(broken, asMols=True, sanitizeFrags=False))


@lru_cache(maxsize=N_CACHED)
def _openings(smiles: str) -> tuple[Piece, ...]:
    mol = Chem.MolFromSmiles(smiles)
    out, fingerprint = [], ecfp4(mol)
    for index in _sites(mol):
        atom = mol.GetAtomWithIdx(index)
        if atom.GetTotalNumHs() == 0:
            continue
        opened = Chem.RWMol(mol)
        dummy = Chem.Atom(0)
        dummy.SetIsotope(1)
        opened.AddBond(index, opened.AddAtom(dummy), Chem.BondType.SINGLE)
        site = opened.GetAtomWithIdx(index)
        site.SetNumExplicitHs(max(0, site.GetNumExplicitHs() - 1))
        part = opened.GetMol()
        out.append(Piece(Chem.MolToSmiles(part), part, mol.GetNumHeavyAtoms(), fingerprint))
    return tuple(out)


def _sites(mol: Chem.Mol) -> list[int]:
    """One atom of each symmetry class."""
    first: dict[int, int] = {}
    for index, rank in enumerate(Chem.CanonicalRankAtoms(mol, breakTies=False)):
        first.setdefault(rank, index)
    return list(first.values())


_zip = Chem.MolzipParams()
_zip.label = Chem.MolzipLabel.Isotope


def _zipped(a: Chem.Mol, b: Chem.Mol) -> Chem.Mol | None:
    """Two parts joined where their dummy atoms are."""
    try:
        return Chem.molzip(a, b, _zip)
    except (ValueError, RuntimeError):
        return None


def _capped(part: Chem.Mol) -> Chem.Mol | None:
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


def _kekulised(mol: Chem.Mol) -> Chem.RWMol:
    """Without aromatic bonds, and with hydrogens that follow from the valence once atoms go."""
    editable = Chem.RWMol(mol)
    Chem.Kekulize(editable, clearAromaticFlags=True)
    for atom in editable.GetAtoms():
        if atom.GetAtomicNum() in SWAPS and not atom.GetFormalCharge():
            atom.SetNoImplicit(False)
            atom.SetNumExplicitHs(0)
    return editable


def _flatten(mol: Chem.RWMol, atoms: Iterable[int]) -> None:
    """Forget the configuration of atoms whose neighbours change."""
    for i in atoms:
        mol.GetAtomWithIdx(i).SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)


def _without_rings(mol: Chem.Mol) -> Iterator[Chem.Mol]:
    """Each ring removed with its small substituents, its fused neighbours left; or opened."""
    info = mol.GetRingInfo()
    plain = _kekulised(mol)
    for ring in info.AtomRings():
        own = [i for i in ring if info.NumAtomRings(i) == 1]
        shared = [i for i in ring if info.NumAtomRings(i) > 1]
        if shared and own:
            doomed = set(own)
            branches = [b for i in own for b in _branches(mol, i, set(ring)) if len(b) <= MAX_BRANCH]
            n_branches = sum(mol.GetAtomWithIdx(i).GetDegree() - 2 for i in own)
            if len(branches) == n_branches:
                yield _fused_rest(plain, doomed.union(*branches), shared)
    for bond in mol.GetBonds():
        if bond.IsInRing() and info.NumBondRings(bond.GetIdx()) == 1 and not bond.GetIsAromatic():
            opened, ends = Chem.RWMol(plain), (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
            _flatten(opened, ends)
            opened.RemoveBond(*ends)
            yield opened


def _branches(mol: Chem.Mol, root: int, ring: set[int]) -> list[set[int]]:
    """Atoms of each substituent of a ring atom."""
    out = []
    for neighbour in mol.GetAtomWithIdx(root).GetNeighbors():
        if neighbour.GetIdx() in ring:
            continue
        branch, todo = {neighbour.GetIdx()}, [neighbour]
        while todo and len(branch) <= MAX_BRANCH:
            for atom in todo.pop().GetNeighbors():
                if atom.GetIdx() != root and atom.GetIdx() not in branch:
                    branch.add(atom.GetIdx())
                    todo.append(atom)
        out.append(branch)
    return out


def _fused_rest(plain: Chem.RWMol, doomed: set[int], shared: list[int]) -> Chem.RWMol:
    rest = Chem.RWMol(plain)
    _flatten(rest, shared)
    for i in shared:
        lost = [b for b in plain.GetAtomWithIdx(i).GetBonds() if b.GetOtherAtomIdx(i) in doomed]
        if any(b.GetBondType() == Chem.BondType.DOUBLE for b in lost):
            # The aromatic partner lost its double bond: give it back within the ring that stays.
            _unsaturate(rest, i, doomed, shared)
    rest.BeginBatchEdit()
    for i in doomed:
        rest.RemoveAtom(i)
    rest.CommitBatchEdit()
    return rest


def _unsaturate(rest: Chem.RWMol, atom: int, doomed: set[int], shared: list[int]) -> None:
    for other in shared:
        bond = rest.GetBondBetweenAtoms(atom, other)
        if bond is None or bond.GetBondType() != Chem.BondType.SINGLE:
            continue
        free = all(
            b.GetBondType() == Chem.BondType.SINGLE
            for b in rest.GetAtomWithIdx(other).GetBonds()
            if b.GetOtherAtomIdx(other) not in doomed
        )
        if free and rest.GetAtomWithIdx(other).GetAtomicNum() == 6:
            bond.SetBondType(Chem.BondType.DOUBLE)
            return


def _contracted(mol: Chem.Mol) -> Iterator[Chem.Mol]:
    """Each atom with two single bonds taken out and its neighbours joined; each terminal =X taken off."""
    plain = _kekulised(mol)
    for index in _sites(mol):
        atom = plain.GetAtomWithIdx(index)
        bonds = list(atom.GetBonds())
        if any(n.GetFormalCharge() for n in (atom, *atom.GetNeighbors())):
            continue
        if len(bonds) == 1 and bonds[0].GetBondType() != Chem.BondType.SINGLE:
            less = Chem.RWMol(plain)
            _flatten(less, [bonds[0].GetOtherAtomIdx(index)])
            less.RemoveAtom(index)
            yield less
        elif len(bonds) == 2 and all(b.GetBondType() == Chem.BondType.SINGLE for b in bonds):
            ends = [b.GetOtherAtomIdx(index) for b in bonds]
            if plain.GetBondBetweenAtoms(*ends) is None:
                less = Chem.RWMol(plain)
                _flatten(less, ends)
                less.AddBond(ends[0], ends[1], Chem.BondType.SINGLE)
                less.RemoveAtom(index)
                yield less


def _swapped_atoms(mol: Chem.Mol) -> Iterator[Chem.Mol]:
    for index in _sites(mol):
        atom = mol.GetAtomWithIdx(index)
        if atom.GetFormalCharge() or atom.GetIsotope():
            continue
        for number in SWAPS.get(atom.GetAtomicNum(), ()):
            if number in (9, 17) and atom.GetDegree() > 1:
                continue
            swapped = Chem.RWMol(mol)
            site = swapped.GetAtomWithIdx(index)
            site.SetAtomicNum(number)
            site.SetNoImplicit(False)
            site.SetNumExplicitHs(0)
            _flatten(swapped, [index])
            yield swapped


def _swapped_bonds(mol: Chem.Mol) -> Iterator[Chem.Mol]:
    other = {Chem.BondType.SINGLE: Chem.BondType.DOUBLE, Chem.BondType.DOUBLE: Chem.BondType.SINGLE}
    for bond in mol.GetBonds():
        if bond.GetIsAromatic() or bond.GetBondType() not in other:
            continue
        swapped = Chem.RWMol(mol)
        site = swapped.GetBondWithIdx(bond.GetIdx())
        site.SetBondType(other[bond.GetBondType()])
        site.SetStereo(Chem.BondStereo.STEREONONE)
        ends = (site.GetBeginAtomIdx(), site.GetEndAtomIdx())
        _flatten(swapped, ends)
        for i in ends:
            swapped.GetAtomWithIdx(i).SetNoImplicit(False)
            swapped.GetAtomWithIdx(i).SetNumExplicitHs(0)
        yield swapped
