"""Similarity: a Tanimoto coefficient on ECFP4, and scaffolds that are their own scaffolds."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molinterp.chem.parsing import parse
from molinterp.chem.similarity import N_BITS, ecfp4, ecfp4_array, murcko_scaffold, tanimoto
from tests.molecules import DRUGS
from tests.tolerances import EXACT

drugs = pytest.mark.parametrize("smiles", DRUGS.values(), ids=DRUGS)
drug = st.sampled_from(sorted(DRUGS.values()))


@drugs
def test_a_molecule_is_equal_to_itself(smiles):
    assert tanimoto(parse(smiles), parse(smiles)) == 1.0


@pytest.mark.parametrize(("a", "b"), list(itertools.combinations(DRUGS.values(), 2)))
def test_symmetric_in_the_unit_interval_and_as_sets_of_bits_say(a, b):
    a, b = parse(a), parse(b)
    bits_a, bits_b = set(ecfp4(a).GetOnBits()), set(ecfp4(b).GetOnBits())
    assert tanimoto(a, b) == tanimoto(b, a)
    assert tanimoto(a, b) == pytest.approx(len(bits_a & bits_b) / len(bits_a | bits_b), rel=EXACT)
    assert 0 <= tanimoto(a, b) <= 1


@settings(deadline=None, derandomize=True)
@given(drug, drug, drug)
def test_distance_obeys_the_triangle_inequality(a, b, c):
    a, b, c = parse(a), parse(b), parse(c)
    assert 1 - tanimoto(a, c) <= (1 - tanimoto(a, b)) + (1 - tanimoto(b, c)) + EXACT


@pytest.mark.parametrize(
    ("a", "b", "similarity"),
    [
        # Recorded with RDKit 2026.09.1; the second is 2 shared bits of 7.
        (DRUGS["aspirin"], "OC(=O)c1ccccc1O", 13 / 29),
        ("CCO", "CO", 2 / 7),
        ("C", "O", 0.0),
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", 1.0),
    ],
)
def test_known_similarity(a, b, similarity):
    assert tanimoto(parse(a), parse(b)) == pytest.approx(similarity, rel=EXACT)


def test_known_bits():
    assert list(ecfp4(parse("CCO")).GetOnBits()) == [80, 222, 294, 807, 1057, 1410]  # RDKit 2026.09.1


@drugs
def test_array_holds_the_bits(smiles):
    mol = parse(smiles)
    array = ecfp4_array(mol)
    assert (array.shape, array.dtype) == ((N_BITS,), np.uint8)
    assert np.flatnonzero(array).tolist() == list(ecfp4(mol).GetOnBits())
    assert set(array.tolist()) <= {0, 1}


@settings(deadline=None, derandomize=True)
@given(drug, st.data())
def test_blind_to_atom_order(smiles, data):
    mol = parse(smiles)
    order = data.draw(st.permutations(range(mol.GetNumAtoms())))
    renumbered = Chem.RenumberAtoms(mol, order)
    assert ecfp4(renumbered) == ecfp4(mol)
    assert murcko_scaffold(renumbered) == murcko_scaffold(mol)


@drugs
def test_a_scaffold_is_its_own_scaffold_and_part_of_its_molecule(smiles):
    mol = parse(smiles)
    scaffold = murcko_scaffold(mol)
    if scaffold:
        assert murcko_scaffold(parse(scaffold)) == scaffold
        assert mol.HasSubstructMatch(parse(scaffold))


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [
        (DRUGS["aspirin"], "c1ccccc1"),
        (DRUGS["metformin"], ""),
        ("O=C1CCCCC1CC1CC1C", "O=C1CCCCC1CC1CC1"),
        (DRUGS["adamantane"], Chem.CanonSmiles(DRUGS["adamantane"])),
        ("COc1ccc(CC(C)c2ccccn2)cc1", "c1ccc(CCc2ccccn2)cc1"),
    ],
)
def test_known_scaffold(smiles, scaffold):
    assert murcko_scaffold(parse(smiles)) == scaffold
