"""Say how rings that stay in place change: phenyl -> 3-pyridyl, ring aromatised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rdkit import Chem

from molinterp.chem.alignment.mapped_graph import MappedGraph
from molinterp.chem.alignment.regions import Form, Groups
from molinterp.chem.changes.graph_parts import ring_system
from molinterp.chem.changes.group_names import group_by_table, ring_name

AtomMap = Mapping[int, int]


def ring_words(a: MappedGraph, b: MappedGraph, pairs: AtomMap, rings: Sequence[Form]) -> list[str]:
    """Rings whose atoms or bonds change kind, each named once with all that changes in it."""
    groups: Groups[int] = Groups()
    touched = sorted({i for form in rings for i in (*form.atoms, *(x for bond in form.bonds for x in bond))})
    for i in touched:
        groups.add(i)
    for ring in a.rings:
        own = [i for i in touched if i in ring]
        for i in own[1:]:
            groups.join(own[0], i)
    return [_ring_word(a, b, pairs, set(group)) for group in groups.all()]


def _ring_word(a: MappedGraph, b: MappedGraph, pairs: AtomMap, touched: set[int]) -> str:
    system = ring_system(a, touched)
    other = ring_system(b, {pairs[i] for i in touched})
    ends = [i for i in system if any(k not in system for k in a.neighbours[i])]
    if len(ends) == 1:
        names = (group_by_table(a.mol, system), group_by_table(b.mol, other))
        if all(names) and names[0] != names[1]:
            return f"{names[0]} -> {names[1]}"
    names = (ring_name(a.mol, system), ring_name(b.mol, other))
    if all(names) and names[0] != names[1]:
        return f"{names[0]} -> {names[1]}"
    return f"ring {_atoms_word(a, b, pairs, touched)}"


def _atoms_word(a: MappedGraph, b: MappedGraph, pairs: AtomMap, touched: set[int]) -> str:
    """Elements, charges or bonds that change, where no ring has a name."""
    symbols = [
        (_symbol(a.mol, i), _symbol(b.mol, pairs[i]))
        for i in sorted(touched)
        if _symbol(a.mol, i) != _symbol(b.mol, pairs[i])
    ]
    if symbols:
        one, other = (", ".join(sorted(side)) for side in zip(*symbols, strict=True))
        return f"{one} -> {other}" if one != other else f"atoms exchanged ({one})"
    return _reduction(a, b, pairs, touched)


def _reduction(a: MappedGraph, b: MappedGraph, pairs: AtomMap, touched: set[int]) -> str:
    """How the orders of the bonds between some atoms change, on the whole."""
    bonds = [bond for bond in a.edges if bond[0] < bond[1] and touched.issuperset(bond)]
    before = [a.orders[bond] for bond in bonds]
    after = [b.orders.get((pairs[i], pairs[k]), 0.0) for i, k in bonds]
    if before.count(1.5) != after.count(1.5):
        return "aromatised" if before.count(1.5) < after.count(1.5) else "dearomatised"
    if sum(after) == sum(before):
        return "double bonds shifted"
    return "reduced" if sum(after) < sum(before) else "oxidised"


def _symbol(mol: Chem.Mol, i: int) -> str:
    atom = mol.GetAtomWithIdx(i)
    charge = atom.GetFormalCharge()
    return atom.GetSymbol() + ("+" * charge if charge > 0 else "-" * -charge)
