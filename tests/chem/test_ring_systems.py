"""Ring systems: named whatever the order of atoms; a table knows what enough compounds have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.parsing import parse
from molinterp.chem.ring_systems import RingSystemCounter, RingSystemTable, ring_systems

MOLS = {name: parse(smiles) for name, smiles in drugs().items()}


def names(smiles: str) -> list[str]:
    return sorted(system.smiles for system in ring_systems(parse(smiles)))


def table(*smiles: str, approved=(), min_compounds: int = 1) -> RingSystemTable:
    counter = RingSystemCounter()
    for text in smiles:
        counter.add(parse(text))
    return counter.table(map(parse, approved), min_compounds)


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("CCO", []),
        ("c1ccccc1", ["c1ccccc1"]),
        ("Cc1ccc(O)cc1", ["c1ccccc1"]),
        ("c1ccc(-c2ccccn2)cc1", ["c1ccccc1", "c1ccncc1"]),
        ("c1ccc2ncccc2c1", ["c1ccc2ncccc2c1"]),
        ("C1CC2(C1)CCNCC2", ["C1CCC1", "C1CCNCC1"]),
        ("C1CC2CCC1C2", ["C1CC2CCC1C2"]),
        ("OC1CCCCC1", ["C1CCCCC1"]),
        ("O=C1CCCCC1", ["O=C1CCCCC1"]),
        ("C=C1CCCCC1", ["C=C1CCCCC1"]),
        ("C1CCC=CC1", ["C1=CCCCC1"]),
    ],
)
def test_known_ring_systems(smiles, expected):
    assert names(smiles) == expected


def test_hydrogens_and_substituents_do_not_matter():
    assert names("c1cc[nH]c1") == names("Cn1cccc1") == names("Cc1ccc(C)n1C")
    assert names("c1cc[nH]c1") != names("c1ccoc1")


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(sorted(MOLS)), st.data())
def test_blind_to_atom_order(name, data):
    mol = MOLS[name]
    order = data.draw(st.permutations(range(mol.GetNumAtoms())))
    again = ring_systems(Chem.RenumberAtoms(mol, order))
    assert sorted(s.smiles for s in again) == sorted(s.smiles for s in ring_systems(mol))
    # Atom k of the renumbered molecule is atom order[k] of the first.
    assert {frozenset(order[i] for i in s.atoms) for s in again} == {
        frozenset(s.atoms) for s in ring_systems(mol)
    }


@pytest.mark.parametrize("name", MOLS)
def test_every_ring_atom_is_in_a_system(name):
    mol = MOLS[name]
    ringed = {a.GetIdx() for a in mol.GetAtoms() if a.IsInRing()}
    assert {i for s in ring_systems(mol) for i in s.atoms} == ringed


def test_a_table_counts_compounds_not_rings():
    found = table("c1ccc(-c2ccccc2)cc1", "Cc1ccccc1", "C1CCCCC1")
    assert found.counts == {"c1ccccc1": 2, "C1CCCCC1": 1}


def test_what_too_few_compounds_have_is_unknown_unless_a_drug_has_it():
    found = table("Cc1ccccc1", "c1ccccc1", "C1CCCCC1", approved=["C1CNC1"], min_compounds=2)
    assert found.is_known("c1ccccc1") and not found.is_known("C1CCCCC1")
    assert found.counts["C1CNC1"] == 2


def test_rarity_is_in_powers_of_ten():
    found = RingSystemTable({"a": 10, "b": 1_000, "c": 50_000}, n_common=1_000)
    assert [found.rarity(s) for s in "abc"] == pytest.approx([2, 0, 0])
    assert found.rarity("unknown") == pytest.approx(3)


def test_arrays_round_trip():
    found = table("Cc1ccccc1", "c1ccc(-c2ccccn2)cc1", "C1CCCCC1")
    arrays = found.to_arrays()
    assert (np.diff(arrays["counts"].astype(int)) <= 0).all()
    assert RingSystemTable.from_arrays(arrays) == found
    empty = RingSystemTable({})
    assert RingSystemTable.from_arrays(empty.to_arrays()) == empty


def test_arrays_that_do_not_match_are_refused():
    arrays = table("c1ccccc1").to_arrays()
    with pytest.raises(ValueError, match="shorter"):
        RingSystemTable.from_arrays(arrays | {"counts": np.zeros(0, np.uint32)})
