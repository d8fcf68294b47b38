"""Hybrids of two aligned compounds: the two ends are hybrids, and every hybrid keeps what the ends share."""

import pytest
from molinterp.data import drugs
from rdkit import Chem
from rdkit.Chem import FindMolChiralCenters
from rdkit.Chem.rdMolDescriptors import CalcMolFormula
from rdkit.Chem.rdMolHash import HashFunction, MolHash

from molinterp.chem.alignment import align
from molinterp.chem.hybrids import Lattice, MoveLimits
from molinterp.chem.hybrids.changes import bits

PAIRS = [
    ("gefitinib", "erlotinib"),
    ("sildenafil", "vardenafil"),
    ("testosterone", "estradiol"),
    ("celecoxib", "rofecoxib"),
    ("benzylpenicillin", "cefalexin"),
    ("citalopram", "paroxetine"),
]


def lattices(a, b):
    start, end = (Chem.MolFromSmiles(drugs()[name]) for name in (a, b))
    return start, end, [Lattice(start, end, alignment.pairs) for alignment in align(start, end)]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_the_first_and_the_last_state_are_the_ends_stereo_included(a, b):
    start, end, found = lattices(a, b)
    for lattice in found:
        for mol, state in ((start, 0), (end, lattice.goal)):
            hybrid = lattice.builder.build(state)
            # Hydrogens of aromatic nitrogens may stand elsewhere.
            assert MolHash(hybrid.mol, HashFunction.ElementGraph) == MolHash(mol, HashFunction.ElementGraph)
            assert CalcMolFormula(hybrid.mol) == CalcMolFormula(mol)
            assert FindMolChiralCenters(hybrid.mol) == [] or hybrid.smiles == Chem.MolToSmiles(mol)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_a_move_sets_blocks_of_one_place_and_counts_their_atoms(a, b):
    start, _, (lattice, *_) = lattices(a, b)
    for move in lattice.moves(MoveLimits()):
        assert move.mask and not move.mask & ~lattice.goal
        assert len(list(lattice.measure.places(move.mask))) == 1
        hybrid = lattice.builder.build(move.mask) if lattice.builder.is_possible(move.mask) else None
        if hybrid is not None:
            assert hybrid.mol.GetNumAtoms() == lattice.n_atoms(move.mask)
            grown = hybrid.mol.GetNumAtoms() - start.GetNumAtoms()
            assert grown == move.change.gained - move.change.lost


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_every_hybrid_keeps_what_both_ends_share(a, b):
    _, _, (lattice, *_) = lattices(a, b)
    overlay = lattice.overlay
    shared = {k for k in range(len(overlay.nodes)) if overlay.is_common(k)}
    for i in bits(lattice.goal):
        hybrid = lattice.builder.build(1 << i)
        if hybrid is not None:
            assert shared <= set(hybrid.nodes)
            assert len(Chem.GetMolFrags(hybrid.mol)) == 1
            assert Chem.CanonSmiles(hybrid.smiles) == hybrid.smiles


def test_an_inverted_centre_is_a_block_of_its_own():
    start, end = (Chem.MolFromSmiles(s) for s in ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"))
    (lattice, *_) = [Lattice(start, end, alignment.pairs) for alignment in align(start, end)]
    assert len(lattice.blocks) == 1 and lattice.is_inversion(lattice.goal)
    assert lattice.builder.build(lattice.goal).smiles == Chem.MolToSmiles(end)
