"""Molecules of hybrids: atoms and bonds of a state put together, with charges and stereo as at the ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import final

from rdkit import Chem, rdBase

from molinterp.chem.hybrids.blocks import END, HAND, START, Block
from molinterp.chem.hybrids.handedness import Handedness
from molinterp.chem.hybrids.overlay import Overlay, Pair

_Link = tuple[int, int, Chem.BondType | None, Chem.BondType | None, int]
"""Two nodes, the order of their bond at either end, and the block that it belongs to, or -1."""
_AROMATIC = Chem.BondType.AROMATIC
_TWICE_MAX = {5: 8, 6: 8, 7: 6, 8: 4, 9: 2, 17: 2, 35: 2, 53: 2}
"""Twice the largest sum of bond orders by element, uncharged; others are not checked."""
_AROMATIC_MAX = 10
"""The same of an aromatic atom, whose aromatic bonds count one and a half: that of a pyridone's C=O."""


@final
@dataclass(frozen=True)
class Hybrid:
    """A hybrid that is a molecule."""

    smiles: str
    """Canonical SMILES, stereo included."""
    mol: Chem.Mol
    """The molecule, sanitised."""
    nodes: tuple[int, ...]
    """Node of each of its atoms."""


@final
class Builder:
    """Puts hybrids of one lattice together."""

    def __init__(self, overlay: Overlay, blocks: Sequence[Block], handedness: Handedness) -> None:
        """Note once what each node and each bond is at either end.

        Args:
            overlay: the two ends.
            blocks: what changes, in the order of the bits of a state.
            handedness: their configurations.
        """
        self._handedness = handedness
        self._turns = {b.nodes: i for i, b in enumerate(blocks) if b.kind == HAND}
        n = len(overlay.nodes)
        self._owner = [-1] * n
        """Block of each node that one end alone has, or that changes its element."""
        self._is_start = [node[1] is None for node in overlay.nodes]
        self._is_end = [node[0] is None for node in overlay.nodes]
        bond_owner: dict[Pair, int] = {}
        for i, block in enumerate(blocks):
            if block.kind != HAND:
                for k in block.nodes:
                    self._owner[k] = i
                for x in block.bonds:
                    bond_owner[x] = i
        kinds = {START: 0, END: 1}
        self._needs = [
            (i, self._owner[k], kinds[b.kind])
            for i, b in enumerate(blocks)
            for k in b.needs
            if b.kind in kinds
        ]
        """Block, the block that it needs, and the bit that says that a block of that end stands."""
        self._atoms = [[_bare(overlay, side, k) for side in (0, 1)] for k in range(n)]
        self._numbers = [[a.GetAtomicNum() if a else 0 for a in pair] for pair in self._atoms]
        self._charges = [[a.GetFormalCharge() if a else 0 for a in pair] for pair in self._atoms]
        self._pyrrolic = [[_is_pyrrolic(overlay, side, k) for side in (0, 1)] for k in range(n)]
        start, end = overlay.bonds
        self._bonds: list[_Link] = []
        for x in dict.fromkeys((*start, *end)):
            first, second = (b[x].GetBondType() if x in b else None for b in (start, end))
            self._bonds.append((*x, first, second, bond_owner.get(x, -1)))
        self._n = n
        self._about = [[b for b in self._bonds if k in b[:2]] for k in range(n)]
        self._fits: list[dict[int, bool]] = [{} for _ in range(n)]
        self._cares = [(k, care) for k in range(n) if (care := self._care(k))]

    def _care(self, node: int) -> int:
        """Blocks that the valence of a node depends on."""
        owners = {self._owner[node]}
        for k, m, _, _, owner in self._about[node]:
            owners |= {owner, self._owner[k], self._owner[m]}
        return sum(1 << i for i in owners if i >= 0)

    def _present(self, state: int) -> list[bool]:
        out = [True] * self._n
        for k, i in enumerate(self._owner):
            if i >= 0:
                is_set = bool(state >> i & 1)
                out[k] = not (self._is_start[k] and is_set or self._is_end[k] and not is_set)
        return out

    def _side(self, state: int, node: int) -> int:
        """The end as which a node is taken."""
        if self._is_end[node]:
            return 1
        owner = self._owner[node]
        return 1 if owner >= 0 and not self._is_start[node] and state >> owner & 1 else 0

    def _links(
        self, state: int, present: Sequence[bool], bonds: Sequence[_Link]
    ) -> Iterator[tuple[int, int, Chem.BondType]]:
        for k, m, first, second, owner in bonds:
            if not (present[k] and present[m]):
                continue
            if owner < 0:
                order = first if first is not None else second
                if order is not None:
                    yield k, m, order
            elif state >> owner & 1:
                if second is not None:
                    yield k, m, second
            elif first is not None:
                yield k, m, first

    def is_possible(self, state: int) -> bool:
        """Whether a state hangs together and exceeds no valence; says so without building it."""
        for i, other, stands in self._needs:
            if state >> i & 1 == stands and state >> other & 1 != stands:
                return False
        for k, care in self._cares:
            fits = self._fits[k]
            about = state & care
            if about not in fits:
                fits[about] = self._fits_valence(k, about)
            if not fits[about]:
                return False
        return self._is_connected(state)

    def _fits_valence(self, node: int, state: int) -> bool:
        """Whether the bonds of a node are not too many; `state` tells of the blocks that touch it."""
        present = self._present(state)
        if not present[node]:
            return True
        orders = [order for k, m, order in self._links(state, present, self._about[node])]
        total = sum(_TWICE.get(order, 2) for order in orders)
        if _AROMATIC in orders:
            return total <= _AROMATIC_MAX and len(orders) <= 3
        side = self._side(state, node)
        most = _TWICE_MAX.get(self._numbers[node][side])
        return most is None or total <= most + 2 * abs(self._charges[node][side])

    def _is_connected(self, state: int) -> bool:
        present = self._present(state)
        near = [0] * self._n
        for k, m, _ in self._links(state, present, self._bonds):
            near[k] |= 1 << m
            near[m] |= 1 << k
        everything = sum(1 << k for k, there in enumerate(present) if there)
        seen = front = everything & -everything
        while front:
            around = 0
            while front:
                low = front & -front
                around |= near[low.bit_length() - 1]
                front ^= low
            front = around & ~seen
            seen |= front
        return seen == everything

    def build(self, state: int) -> Hybrid | None:
        """The molecule of a state; None where there is no sane single one."""
        present = self._present(state)
        index: dict[int, int] = {}
        mol = Chem.RWMol()
        for k in range(self._n):
            if present[k]:
                atom = self._atoms[k][self._side(state, k)]
                assert atom is not None  # a node that is present is one of the atoms of that end
                index[k] = mol.AddAtom(atom)
        near: dict[int, list[int]] = {k: [] for k in index}
        aromatic: dict[int, int] = {}
        for k, m, order in self._links(state, present, self._bonds):
            mol.AddBond(index[k], index[m], order)
            near[k].append(m)
            near[m].append(k)
            if order == _AROMATIC:
                aromatic[k] = aromatic[m] = 1
        nitrogens = []
        for k in aromatic:
            atom = mol.GetAtomWithIdx(index[k])
            atom.SetIsAromatic(True)
            side = self._side(state, k)
            if self._numbers[k][side] in (7, 15) and not self._charges[k][side]:
                if len(near[k]) == 2:
                    nitrogens.append(index[k])
                    atom.SetNumExplicitHs(int(self._pyrrolic[k][side]))
        self._turn(mol, state, index, near)
        sane = _sanitised(mol, nitrogens)
        if sane is None:
            return None
        if self._handedness.double_bonds:
            Chem.SetDoubleBondNeighborDirections(sane)
        if self._handedness.centres or self._handedness.double_bonds:
            Chem.AssignStereochemistry(sane, cleanIt=True, force=True)
        smiles = Chem.MolToSmiles(sane)
        return None if "." in smiles else Hybrid(smiles, sane, tuple(index))

    def _turn(self, mol: Chem.RWMol, state: int, index: dict[int, int], near: dict[int, list[int]]) -> None:
        for k, centre in self._handedness.centres.items():
            if k in index:
                side = self._as_end(state, frozenset({k}))
                mol.GetAtomWithIdx(index[k]).SetChiralTag(centre.tag(side, near[k]))
        for (k, m), double in self._handedness.double_bonds.items():
            bond = mol.GetBondBetweenAtoms(index[k], index[m]) if k in index and m in index else None
            if bond is None or bond.GetBondType() != Chem.BondType.DOUBLE:
                continue
            beside = [[n for n in near[a] if n != b] for a, b in ((k, m), (m, k))]
            if not all(beside):
                continue
            across = double.across(self._as_end(state, frozenset({k, m})), (beside[0][0], beside[1][0]))
            if across is not None:
                ends = {index[k]: index[beside[0][0]], index[m]: index[beside[1][0]]}
                bond.SetStereoAtoms(ends[bond.GetBeginAtomIdx()], ends[bond.GetEndAtomIdx()])
                bond.SetStereo(Chem.BondStereo.STEREOTRANS if across else Chem.BondStereo.STEREOCIS)

    def _as_end(self, state: int, nodes: frozenset[int]) -> int:
        turn = self._turns.get(nodes)
        return 0 if turn is None else state >> turn & 1


_TWICE = {
    Chem.BondType.SINGLE: 2,
    Chem.BondType.DOUBLE: 4,
    Chem.BondType.TRIPLE: 6,
    _AROMATIC: 3,
}


def _bare(overlay: Overlay, side: int, node: int) -> Chem.Atom | None:
    if overlay.nodes[node][side] is None:
        return None
    source = overlay.atom(side, node)
    atom = Chem.Atom(source.GetAtomicNum())
    atom.SetFormalCharge(source.GetFormalCharge())
    atom.SetIsotope(source.GetIsotope())
    return atom


def _is_pyrrolic(overlay: Overlay, side: int, node: int) -> bool:
    """Whether an aromatic nitrogen bears a hydrogen or a substituent."""
    if overlay.nodes[node][side] is None:
        return False
    atom = overlay.atom(side, node)
    return atom.GetIsAromatic() and atom.GetTotalDegree() == 3


def _sanitised(mol: Chem.RWMol, nitrogens: Sequence[int]) -> Chem.RWMol | None:
    """The molecule, sane; where it is not, with the hydrogen of an aromatic nitrogen or two the other way."""
    with rdBase.BlockLogs():
        for flipped in _flips(nitrogens):
            candidate = Chem.RWMol(mol)
            for i in flipped:
                atom = candidate.GetAtomWithIdx(i)
                atom.SetNumExplicitHs(1 - atom.GetNumExplicitHs())
            failed = Chem.SanitizeMol(candidate, catchErrors=True)
            if failed == Chem.SanitizeFlags.SANITIZE_NONE:
                return candidate
            if failed != Chem.SanitizeFlags.SANITIZE_KEKULIZE:
                return None
    return None


def _flips(nitrogens: Sequence[int]) -> Iterator[tuple[int, ...]]:
    yield ()
    yield from ((i,) for i in nitrogens)
    yield from combinations(nitrogens, 2)
