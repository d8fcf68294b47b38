from dataclasses import replace

import pytest
from rdkit import Chem

from molinterp.chem.familiar import FILE, shipped_familiar
from molinterp.errors import BundleError
from molinterp.model.bundle import Bundle
from molinterp.model.storage import familiar_of
from molinterp.training.familiar import fit_familiar
from tests.conftest import SMALL


def test_the_tables_are_of_the_compounds_that_are_handed_in(small_bundle):
    fitted = fit_familiar(small_bundle, [*SMALL * 5, "no molecule"])
    assert fitted.realism.facts["familiar"]["n_compounds"] == 5 * len(SMALL) + 1
    assert all(fitted.environments.is_familiar(Chem.MolFromSmiles(s)) for s in SMALL)
    assert not fitted.environments.is_familiar(Chem.MolFromSmiles("O=S(=O)(c1ccccc1)C#N"))
    n_aromatic = 5 * sum(s.count("c") == 6 for s in SMALL)
    assert fitted.ring_systems.counts["c1ccccc1"] == n_aromatic


def test_a_bundle_without_tables_is_compared_with_the_shipped_ones(small_bundle):
    assert replace(small_bundle, tables=None).familiar is shipped_familiar()


def test_tables_are_saved_with_the_bundle(small_bundle, tmp_path):
    fitted = fit_familiar(small_bundle, SMALL * 5)
    fitted.save(tmp_path / "own")
    assert Bundle.load(tmp_path / "own").tables == fitted.tables == familiar_of(tmp_path / "own")
    (tmp_path / "own" / FILE).write_bytes(b"")
    with pytest.raises(BundleError, match=f"{FILE} does not match its SHA-256"):
        familiar_of(tmp_path / "own")
