import numpy as np
import pytest
import torch
from rdkit import Chem

from molinterp.chem.similarity import tanimoto
from molinterp.geometry.metric import Metric
from molinterp.model.bundle import Bundle
from molinterp.paths.objective import objective_of
from molinterp.paths.request import Method, PathRequest
from molinterp.paths.sources import (
    BEAM_WIDTH,
    N_BETWEEN,
    N_POINTS,
    N_SAMPLES,
    Neighbours,
    curve_decodes,
    latent_curve,
)

PAIR = ("Cc1ccccc1C(=O)O", "CCOc1ccccc1N")


def test_each_pair_that_the_model_can_spell_gets_as_many_decodes(small_bundle):
    unknown = ("CCBr", "CCO")
    found = Neighbours(small_bundle)([("CCO", "CCN"), unknown, ("CCN", "CCCO")])
    assert len(list(found)) == 2 * (1 + N_BETWEEN) * BEAM_WIDTH
    assert list(Neighbours(small_bundle)([unknown])) == []


@pytest.mark.weights
def test_what_is_found_for_a_pair_is_like_its_first_molecule():
    bundle = Bundle.load("smiles-small")
    here, there = (Chem.MolFromSmiles(s) for s in PAIR)
    found = [Chem.MolFromSmiles(text) for text in Neighbours(bundle)([PAIR])]
    mols = [mol for mol in found if mol is not None]
    # The line between is searched from end to end, the molecule's own place besides.
    nearer = [tanimoto(mol, here) > tanimoto(mol, there) for mol in mols]
    assert sum(nearer) > len(nearer) / 2


def test_the_geodesic_of_the_latent_space_itself_is_the_straight_line_where_nothing_bends_it(small_bundle):
    assert small_bundle.realism.index is None and small_bundle.realism.validity is None
    mols = [Chem.MolFromSmiles(s) for s in ("CCO", "CC(=O)O")]
    realism = objective_of(small_bundle, *mols, PathRequest()).realism
    ends = small_bundle.encode(["CCO", "CC(=O)O"])
    spaces = {n: small_bundle.output_space(n) for n in ("latent", "fingerprint")}
    straight, bent = (
        latent_curve(ends, Method.GEODESIC, lambda s=s: Metric(s, realism)) for s in spaces.values()
    )
    line = latent_curve(ends, Method.LINEAR, lambda: None)
    np.testing.assert_allclose(straight.points, line.points, atol=1e-4)
    assert not np.allclose(bent.points, line.points, atol=1e-3)
    np.testing.assert_array_equal(bent.points[[0, -1]], ends.numpy())


@pytest.mark.weights
def test_a_curve_is_decoded_from_its_start_to_its_end():
    bundle = Bundle.load("smiles-small")
    ends = bundle.invert(list(PAIR)).z
    curve = latent_curve(ends, Method.LINEAR, lambda: None)
    points = torch.from_numpy(curve.points)
    assert curve.is_converged and len(points) == N_POINTS + 2
    assert torch.equal(points[[0, -1]], ends)
    torch.testing.assert_close(points[1], ends[0] + (ends[1] - ends[0]) / (N_POINTS + 1))
    decodes = curve_decodes(bundle, curve, bundle.device, 0)
    assert len(decodes) == (2 + N_SAMPLES) * N_POINTS
    sharp = [Chem.CanonSmiles(text) for text in (decodes[N_POINTS], decodes[2 * N_POINTS - 1])]
    assert sharp == [Chem.CanonSmiles(s) for s in PAIR]
