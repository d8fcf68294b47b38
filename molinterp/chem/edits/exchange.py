"""Exchange: replace a piece of a molecule by one of the goal, or graft one on a hydrogen.

Exchange across one cut bond is the crossover of Jensen, A Graph-Based Genetic Algorithm, Chem. Sci. 2019;
cutting at acyclic single bonds follows Hussain and Rea's matched pairs, J. Chem. Inf. Model. 2010.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import final

from rdkit import Chem
from rdkit.DataStructs import BulkTanimotoSimilarity

from molinterp.chem.edits.products import (
    N_CACHED,
    Goal,
    Piece,
    Product,
    chain_bonds,
    parts,
    pieces,
    sites,
    unique,
)
from molinterp.chem.similarity import ecfp4


@final
@dataclass(frozen=True)
class Exchange:
    """Products with a piece of the molecule replaced by one of the goal, or one grafted on a hydrogen.

    Those that look nearest to the goal, nearest first, by the bits that their two pieces bring.
    """

    limit: int = 60
    """Products at most."""
    min_overlap: float = 0.4
    """Least share of atoms that a product has in common with the molecule."""

    def __call__(self, mol: Chem.Mol, goal: Goal) -> Iterator[Product]:
        """See `Edit`."""
        n, gifts = mol.GetNumHeavyAtoms(), pieces(goal.mol)
        pairs = [
            (kept, gift)
            for kept in (*pieces(mol), *openings(mol))
            for gift in gifts
            if kept.n_atoms >= self.min_overlap * (n + gift.n_atoms)
            and kept.n_atoms + gift.n_atoms in goal.sizes
        ]
        nearness = BulkTanimotoSimilarity(
            ecfp4(goal.mol), [kept.fingerprint | gift.fingerprint for kept, gift in pairs]
        )
        best = [pairs[k] for k in sorted(range(len(pairs)), key=lambda k: -nearness[k])[: self.limit]]
        if goal.joined is not None:
            best = [(kept, gift) for kept, gift in best if (kept.smiles, gift.smiles) not in goal.joined]
            goal.joined.update((kept.smiles, gift.smiles) for kept, gift in best)
        yield from unique(_zipped(kept.mol, gift.mol) for kept, gift in best)


def openings(mol: Chem.Mol) -> tuple[Piece, ...]:
    """The molecule with one hydrogen opened, once for each kind of atom that has one."""
    return _openings(Chem.MolToSmiles(mol))


def crossings(a: Chem.Mol, b: Chem.Mol, source: Random) -> Iterator[Product]:
    """Both products of cutting two molecules at a bond each, drawn at random, and joining them crosswise.

    There are none where one of the two has no single bond outside rings.
    """
    cuts = []
    for mol in (a, b):
        bonds = chain_bonds(mol)
        sides = parts(mol, source.choice(bonds)) if bonds else ()
        if len(sides) != 2:
            return
        cuts.append(sides)
    others = cuts[1][::-1] if source.random() < 0.5 else cuts[1]
    yield from unique(_zipped(own, other) for own, other in zip(cuts[0], others, strict=True))


@lru_cache(maxsize=N_CACHED)
def _openings(smiles: str) -> tuple[Piece, ...]:
    mol = Chem.MolFromSmiles(smiles)
    out, fingerprint = [], ecfp4(mol)
    for index in sites(mol):
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


_zip = Chem.MolzipParams()
_zip.label = Chem.MolzipLabel.Isotope


def _zipped(a: Chem.Mol, b: Chem.Mol) -> Chem.Mol | None:
    """Two parts joined where their dummy atoms are."""
    try:
        return Chem.molzip(a, b, _zip)
    except (ValueError, RuntimeError):
        return None
