import torch
from rdkit import Chem

from molinterp.chem.similarity import tanimoto
from molinterp.model.bundle import Bundle
from molinterp.paths.sources import (
    BEAM_WIDTH,
    N_BETWEEN,
    N_POINTS,
    N_SAMPLES,
    Neighbours,
    curve_decodes,
    curve_points,
)

PAIR = ("Cc1ccccc1C(=O)O", "CCOc1ccccc1N")


def test_each_pair_that_the_model_can_spell_gets_as_many_decodes(small_bundle):
    unknown = ("CCBr", "CCO")
    found = Neighbours(small_bundle)([("CCO", "CCN"), unknown, ("CCN", "CCCO")])
    assert len(list(found)) == 2 * (1 + N_BETWEEN) * BEAM_WIDTH
    assert list(Neighbours(small_bundle)([unknown])) == []


def test_what_is_found_for_a_pair_is_like_its_first_molecule():
    bundle = Bundle.load("smiles-small")
    here, there = (Chem.MolFromSmiles(s) for s in PAIR)
    found = [Chem.MolFromSmiles(text) for text in Neighbours(bundle)([PAIR])]
    mols = [mol for mol in found if mol is not None]
    # The line between is searched from end to end, the molecule's own place besides.
    nearer = [tanimoto(mol, here) > tanimoto(mol, there) for mol in mols]
    assert sum(nearer) > len(nearer) / 2


def test_a_curve_is_decoded_from_its_start_to_its_end():
    bundle = Bundle.load("smiles-small")
    ends = bundle.refine(list(PAIR)).z
    points = curve_points(ends, "linear", lambda: None)
    torch.testing.assert_close(points[0], ends[0] + (ends[1] - ends[0]) / (N_POINTS + 1))
    decodes = curve_decodes(bundle, points, 0)
    assert len(decodes) == (2 + N_SAMPLES) * N_POINTS
    sharp = [Chem.CanonSmiles(text) for text in (decodes[N_POINTS], decodes[2 * N_POINTS - 1])]
    assert sharp == [Chem.CanonSmiles(s) for s in PAIR]
