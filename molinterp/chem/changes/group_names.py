"""Names of groups, rings and linkers as chemists say them, from their atoms in a molecule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import count

from rdkit import Chem, rdBase

from molinterp.chem.alignment.regions import Groups
from molinterp.chem.changes.group_tables import BEFORE, GROUPS, LINKERS, MULTIPLES, RINGS, STEMS


@cache
def _table(kind: str) -> Mapping[str, str]:
    named: Mapping[str, str] = {"group": GROUPS, "ring": RINGS, "linker": LINKERS, "before": BEFORE}[kind]
    return {Chem.MolToSmiles(Chem.MolFromSmiles(smiles)): name for smiles, name in named.items()}


def fragment(mol: Chem.Mol, atoms: Collection[int]) -> Chem.Mol | None:
    """Part of a molecule with a dummy atom for each bond that is cut; None if it cannot stand by itself."""
    if not _has_whole_rings(mol, atoms):
        return None
    part, index, ends = Chem.RWMol(), {}, count(1)
    for i in sorted(atoms):
        atom = Chem.Atom(mol.GetAtomWithIdx(i))
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
        atom.SetAtomMapNum(0)
        atom.SetIsotope(0)
        index[i] = part.AddAtom(atom)
    for bond in mol.GetBonds():
        i, k = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if i in index and k in index:
            part.AddBond(index[i], index[k], bond.GetBondType())
        elif (i in index) != (k in index):
            dummy = part.AddAtom(Chem.Atom(0))
            part.GetAtomWithIdx(dummy).SetIntProp("cut", next(ends))
            part.GetAtomWithIdx(dummy).SetIntProp("outside", k if i in index else i)
            part.AddBond(index.get(i, index.get(k, 0)), dummy, bond.GetBondType())
    return _sanitised(part)


def group_name(mol: Chem.Mol, atoms: Collection[int], longest: int = 30) -> str:
    """Name of connected atoms of a molecule; else their SMILES, up to `longest` letters, or formula."""
    part = fragment(mol, atoms)
    if part is None:
        return formula(mol, atoms)
    return part_name(part) or _plain(part, mol, atoms, longest)


def part_name(part: Chem.Mol) -> str | None:
    """Name of a fragment, from a table or put together from those of its parts; None if there is none."""
    return known_name(part) or _built_name(part)


def group_by_table(mol: Chem.Mol, atoms: Collection[int]) -> str | None:
    """Name of atoms of a molecule that stands in a table, or None."""
    part = fragment(mol, atoms) if atoms else None
    return known_name(part) if part is not None else None


def built_group(mol: Chem.Mol, atoms: Collection[int]) -> str | None:
    """Name of atoms of a molecule, from a table or put together, or None."""
    part = fragment(mol, atoms) if atoms else None
    return part_name(part) if part is not None else None


def groups_name(mol: Chem.Mol, atoms: Collection[int]) -> str:
    """Name of atoms that hang on each other, or of several groups that do not."""
    groups: Groups[int] = Groups()
    for i in sorted(atoms):
        groups.add(i)
        for n in mol.GetAtomWithIdx(i).GetNeighbors():
            if n.GetIdx() in atoms:
                groups.join(i, n.GetIdx())
    counted = Counter(group_name(mol, group) for group in groups.all())
    return " and ".join(f"{n} {name}" if n > 1 else name for name, n in counted.items())


def labelled_smiles(mol: Chem.Mol, atoms: Collection[int], names: Mapping[int, int]) -> str | None:
    """SMILES of atoms of a molecule with the atoms that they hang on named by isotopes, or None."""
    part = fragment(mol, atoms)
    if part is None:
        return None
    for atom in part.GetAtoms():
        if atom.GetAtomicNum() == 0:
            atom.SetIsotope(names.get(atom.GetIntProp("outside"), 0))
    return Chem.MolToSmiles(part)


def known_name(part: Chem.Mol) -> str | None:
    """Name of a fragment that stands in a table, or None."""
    smiles = Chem.MolToSmiles(part)
    return _table("group").get(smiles) or _table("linker").get(smiles)


def formula(mol: Chem.Mol, atoms: Collection[int]) -> str:
    """Condensed formula of atoms of a molecule, their hydrogens counted: C2H5O."""
    counts: Counter[str] = Counter()
    for i in atoms:
        atom = mol.GetAtomWithIdx(i)
        counts[atom.GetSymbol()] += 1
        counts["H"] += atom.GetTotalNumHs()
    first = [e for e in ("C", "H") if counts[e]]
    order = first + sorted(e for e in counts if e not in ("C", "H") and counts[e])
    return "".join(f"{e}{counts[e] if counts[e] > 1 else ''}" for e in order)


def ring_name(mol: Chem.Mol, ring: Collection[int]) -> str | None:
    """Name of the ring or fused rings that atoms make, doubly bound oxygen kept; None if it is not known."""
    whole = set(ring) | {
        n.GetIdx()
        for i in ring
        for n in mol.GetAtomWithIdx(i).GetNeighbors()
        if n.GetDegree() == 1 and mol.GetBondBetweenAtoms(i, n.GetIdx()).GetBondTypeAsDouble() == 2
    }
    is_aromatic = _has_whole_rings(mol, ring)
    part, index = Chem.RWMol(), {}
    for i in sorted(whole):
        atom = mol.GetAtomWithIdx(i)
        index[i] = part.AddAtom(Chem.Atom(atom.GetAtomicNum()))
        new = part.GetAtomWithIdx(index[i])
        new.SetFormalCharge(atom.GetFormalCharge())
        new.SetIsAromatic(atom.GetIsAromatic() and is_aromatic)
        is_pyrrolic = atom.GetAtomicNum() == 7 and new.GetIsAromatic() and atom.GetTotalDegree() == 3
        n_inside = sum(n.GetIdx() in ring for n in atom.GetNeighbors())
        new.SetNumExplicitHs(1 if is_pyrrolic and n_inside == 2 and not atom.GetFormalCharge() else 0)
    for bond in mol.GetBonds():
        i, k = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if i in index and k in index:
            kept = is_aromatic or not bond.GetIsAromatic()
            part.AddBond(index[i], index[k], bond.GetBondType() if kept else Chem.BondType.SINGLE)
    own = _sanitised(part)
    return None if own is None else _table("ring").get(Chem.MolToSmiles(own))


def _has_whole_rings(mol: Chem.Mol, atoms: Collection[int]) -> bool:
    """Whether each aromatic atom among some lies in an aromatic ring of these alone."""
    own = set(atoms)
    rings = [set(ring) for ring in mol.GetRingInfo().AtomRings() if own.issuperset(ring)]
    inside = set().union(*(r for r in rings if all(mol.GetAtomWithIdx(i).GetIsAromatic() for i in r)))
    return all(i in inside for i in own if mol.GetAtomWithIdx(i).GetIsAromatic())


def _sanitised(part: Chem.RWMol) -> Chem.Mol | None:
    """A molecule that RDKit accepts, or None; what it says of the others is not logged."""
    silence = rdBase.BlockLogs()
    try:
        Chem.SanitizeMol(part)
    except (Chem.MolSanitizeException, ValueError, RuntimeError):
        return None
    finally:
        del silence
    return part.GetMol()


def _built_name(part: Chem.Mol) -> str | None:
    """Name put together from ring, linker and substituents, or None."""
    dummies = [a for a in part.GetAtoms() if a.GetAtomicNum() == 0]
    if len(dummies) != 1:
        rings = [i for i in range(part.GetNumAtoms()) if part.GetAtomWithIdx(i).IsInRing()]
        whole = part.GetNumAtoms() - len(dummies)
        return ring_name(part, rings) if rings and len(rings) == whole else None
    first = dummies[0].GetNeighbors()[0]
    if first.IsInRing():
        return _ring_group_name(part, dummies[0].GetIdx(), first.GetIdx())
    return _linked_group_name(part, dummies[0].GetIdx(), first.GetIdx())


def _ring_group_name(part: Chem.Mol, dummy: int, first: int) -> str | None:
    """Name of a ring with its substituents: 4-fluorophenyl, methylpiperazine."""
    ring = _fused(part, first)
    alone = _bare_ring(part, ring, dummy)
    base = (known_name(alone) if alone is not None else None) or ring_name(part, ring)
    if base is None:
        return None
    names: dict[str, list[int]] = {}
    for i in ring:
        for neighbour in part.GetAtomWithIdx(i).GetNeighbors():
            k = neighbour.GetIdx()
            if k not in ring and k != dummy:
                name = _sub_name(part, _branch(part, i, k))
                if name is None:
                    return None
                names.setdefault(name, []).append(i)
    place = (
        _locants(part, ring, first, sorted(i for own in names.values() for i in own))
        if base == "phenyl"
        else {}
    )
    prefixes = []
    for name, own in sorted(names.items(), key=lambda one: _stem(one[0])):
        at = ",".join(str(x) for x in sorted(place[i] for i in own)) + "-" if place else ""
        prefixes.append(f"{at}{MULTIPLES.get(len(own), str(len(own)))}{_stem(name)}")
    joint = "-" if base[0].isdigit() and prefixes else ""
    return "-".join(prefixes) + joint + base


def _sub_name(part: Chem.Mol, atoms: Collection[int]) -> str | None:
    own = fragment(part, atoms)
    return None if own is None else part_name(own)


def _bare_ring(part: Chem.Mol, atoms: Collection[int], dummy: int) -> Chem.Mol | None:
    """A ring of a fragment with the bond to `dummy` cut alone, hydrogens in place of its substituents."""
    own = Chem.RWMol(part)
    for i in range(part.GetNumAtoms() - 1, -1, -1):
        if i not in atoms and i != dummy:
            for neighbour in own.GetAtomWithIdx(i).GetNeighbors():
                if neighbour.GetAtomicNum() == 7 and neighbour.GetIsAromatic():
                    neighbour.SetNumExplicitHs(1)
            own.RemoveAtom(i)
    return _sanitised(own)


def _linked_group_name(part: Chem.Mol, dummy: int, first: int) -> str | None:
    """Name of a group on a linker: cyclopropylamino, (3-pyridyl)methyl."""
    linker: list[int] = []
    behind, here, best = dummy, first, None
    for _ in range(3):
        leaves: list[int] = []
        onward: list[int] = []
        for n in part.GetAtomWithIdx(here).GetNeighbors():
            is_leaf = (
                n.GetDegree() == 1 and part.GetBondBetweenAtoms(here, n.GetIdx()).GetBondTypeAsDouble() == 2
            )
            if n.GetIdx() != behind:
                (leaves if is_leaf else onward).append(n.GetIdx())
        linker += [here, *leaves]
        if len(onward) != 1 or part.GetAtomWithIdx(here).IsInRing():
            break
        pattern = _labelled(part, linker, dummy)
        frame = _table("before").get(pattern) if pattern else None
        rest = _sub_name(part, _branch(part, here, onward[0])) if frame else None
        if frame and rest:
            best = frame.format(rest if frame.endswith("-{}") else _in_front(rest))
        behind, here = here, onward[0]
    return best


def _labelled(part: Chem.Mol, atoms: Sequence[int], dummy: int) -> str | None:
    """SMILES of a linker, its cut towards `dummy` labelled 1 and the other 2."""
    own = fragment(part, atoms)
    if own is None:
        return None
    for atom in own.GetAtoms():
        if atom.GetAtomicNum() == 0:
            atom.SetIsotope(1 if atom.GetIntProp("outside") == dummy else 2)
    return Chem.MolToSmiles(own)


def _fused(part: Chem.Mol, first: int) -> set[int]:
    """Atoms of the rings that an atom is in, and of those fused to them."""
    system: set[int] = set()
    rings = [set(ring) for ring in part.GetRingInfo().AtomRings()]
    front = [ring for ring in rings if first in ring]
    while front:
        ring = front.pop()
        system |= ring
        front += [other for other in rings if len(other & system) > 1 and not other <= system]
    return system


def _branch(part: Chem.Mol, behind: int, first: int) -> set[int]:
    found, front = {first}, [first]
    while front:
        for n in part.GetAtomWithIdx(front.pop()).GetNeighbors():
            if n.GetIdx() not in found and n.GetIdx() != behind and n.GetAtomicNum() > 0:
                found.add(n.GetIdx())
                front.append(n.GetIdx())
    return found


def _locants(part: Chem.Mol, ring: Collection[int], first: int, marked: Sequence[int]) -> dict[int, int]:
    """Positions around a ring from its bound atom, the way round that gives the lower numbers."""
    order, behind = [first], -1
    while len(order) < len(ring):
        nearest = [n.GetIdx() for n in part.GetAtomWithIdx(order[-1]).GetNeighbors() if n.GetIdx() in ring]
        step = min(i for i in nearest if i != behind and i not in order)
        behind = order[-1]
        order.append(step)
    ways = [{i: k + 1 for k, i in enumerate(way)} for way in (order, [first, *reversed(order[1:])])]
    return min(ways, key=lambda way: sorted(way[i] for i in marked))


def _in_front(name: str) -> str:
    """A name as it stands before that of a linker, in brackets unless it is one word."""
    stem = STEMS.get(name, name)
    return stem if stem.isalpha() and stem.islower() else f"({stem})"


def _stem(name: str) -> str:
    stem = STEMS.get(name, name)
    if stem[-1].isdigit() or stem.isupper():
        return f"{stem}-"
    return stem if stem.replace("-", "").isalpha() or stem.isalnum() else f"({stem})"


def _plain(part: Chem.Mol, mol: Chem.Mol, atoms: Collection[int], longest: int) -> str:
    smiles = Chem.MolToSmiles(part)
    return smiles if len(smiles) <= longest else formula(mol, atoms)
