import numpy as np
import pytest
from rdkit import Chem

from molinterp.errors import BundleError
from molinterp.io.classifier_files import load_classifier, save_classifier, shipped_classifiers
from tests.molecules import DRUGS


@pytest.mark.weights
def test_a_classifier_comes_back_from_its_files(tmp_path):
    mols = [Chem.MolFromSmiles(DRUGS[name]) for name in ("aspirin", "caffeine")]
    bbb = shipped_classifiers()["bbb"]
    save_classifier(bbb, tmp_path)
    paths = (tmp_path / "bbb.json", tmp_path / "bbb.safetensors")
    again = load_classifier(*paths)
    assert again.facts == bbb.facts
    assert np.array_equal(again.probability(mols), bbb.probability(mols))
    raw = bytearray(paths[1].read_bytes())
    raw[-3] ^= 1
    paths[1].write_bytes(raw)
    with pytest.raises(BundleError, match="classifier 'bbb' is damaged: .* does not match its SHA-256"):
        load_classifier(*paths)
