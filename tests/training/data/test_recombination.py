from dataclasses import replace

import numpy as np
import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.filters import default_table
from molinterp.chem.identity import without_stereo
from molinterp.chem.properties import PROPERTIES
from molinterp.chem.similarity import ecfp4_array
from molinterp.chem.standardise import standardise
from molinterp.training.data import recombination
from molinterp.training.data.batches import gather
from molinterp.training.data.corpus import prepare
from molinterp.training.data.recombination import with_recombined
from molinterp.training.data.settings import Recombination
from molinterp.training.vae.export import bundle_of
from tests.conftest import SMALL

pytestmark = pytest.mark.weights

SMILES = sorted({standardise(s).smiles for s in drugs().values()})
N = 60
SETTINGS = Recombination(chunk_size=40)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Drugs; every tenth is held out."""
    folder = tmp_path_factory.mktemp("drugs")
    lines = [f"{s},{'test' if i % 10 == 0 else 'train'}" for i, s in enumerate(SMILES)]
    (folder / "m.csv").write_text("\n".join(["smiles,split", *lines]))
    return prepare(folder / "m.csv", folder / "cache", "smiles", 100)


def new_smiles(corpus):
    return corpus.smiles(range(len(corpus) - corpus.n_recombined, len(corpus)))


def test_the_file_s_own_compounds_stay_as_they_were(corpus, tmp_path):
    more = with_recombined(corpus, N, tmp_path, SETTINGS)
    assert len(more) == len(corpus) + N and more.n_recombined == N
    n = len(corpus)
    assert more.smiles(range(n)) == corpus.smiles(range(n))
    np.testing.assert_array_equal(more.bits[:n], corpus.bits)
    np.testing.assert_array_equal(more.split[:n], corpus.split)
    np.testing.assert_array_equal(more.rows("test"), corpus.rows("test"))
    assert set(range(n, n + N)) <= set(more.rows("train").tolist())


def test_new_compounds_are_canonical_familiar_and_of_a_usual_size(corpus, tmp_path):
    found = new_smiles(with_recombined(corpus, N, tmp_path, SETTINGS))
    for smiles in found:
        mol = Chem.MolFromSmiles(smiles)
        assert Chem.MolToSmiles(mol) == smiles
        assert mol.GetNumHeavyAtoms() in range(SETTINGS.min_atoms, SETTINGS.max_atoms + 1)
        assert default_table().is_familiar(mol)
    assert len(set(found) - set(SMILES)) > N // 2


def test_no_compound_that_is_held_out_is_made(tmp_path):
    parents = ["CCCCCCc1ccccc1", "C[C@H](F)CCCCCC(=O)OC"]
    made = "CCCCCCC[C@H](C)F"
    table = tmp_path / "m.csv"
    table.write_text("smiles,split\n" + "".join(f"{s},train\n" for s in parents * 5) + f"{made},test\n")
    corpus = prepare(table, tmp_path / "cache", "smiles", 60)
    held_out = without_stereo(made)
    found = new_smiles(with_recombined(corpus, 200, tmp_path, SETTINGS))
    assert found and held_out not in map(without_stereo, found)
    free = prepare_without_test(tmp_path, parents)
    assert held_out in map(
        without_stereo, new_smiles(with_recombined(free, 200, tmp_path / "free", SETTINGS))
    )


def prepare_without_test(folder, parents):
    table = folder / "free.csv"
    table.write_text("smiles,split\n" + "".join(f"{s},train\n" for s in parents * 5))
    return prepare(table, folder / "cache", "smiles", 60)


def test_labels_are_those_of_the_chemistry(corpus, tmp_path):
    more = with_recombined(corpus, N, tmp_path, SETTINGS)
    row = len(more) - 1
    mol = Chem.MolFromSmiles(new_smiles(more)[-1])
    assert (np.unpackbits(more.bits[row]) == ecfp4_array(mol)).all()
    expected = [np.nan if name in SETTINGS.unknown else f(mol) for name, f in PROPERTIES.items()]
    np.testing.assert_array_equal(more.properties[row], np.array(expected, np.float32))
    assert gather(more, [row]).tokens[0].tolist() == more.sequence(row).tolist()


def test_more_compounds_begin_with_the_same_and_processes_do_not_matter(corpus, tmp_path):
    few = new_smiles(with_recombined(corpus, 30, tmp_path / "a", SETTINGS))
    many = new_smiles(with_recombined(corpus, 100, tmp_path / "b", SETTINGS, n_processes=2))
    assert many[:30] == few
    assert new_smiles(with_recombined(corpus, 30, tmp_path / "c", replace(SETTINGS, seed=1))) != few


def test_finished_chunks_are_not_made_again(corpus, tmp_path, monkeypatch):
    first = new_smiles(with_recombined(corpus, N, tmp_path, SETTINGS))
    monkeypatch.setattr(recombination, "_made", None)
    assert new_smiles(with_recombined(corpus, N, tmp_path, SETTINGS)) == first


def test_molecules_without_pieces_give_none(tmp_path):
    table = tmp_path / "m.csv"
    table.write_text("smiles,split\n" + 5 * "c1ccccc1,train\nC1CCNCC1,train\n")
    corpus = prepare(table, tmp_path / "cache", "smiles", 30)
    more = with_recombined(corpus, 5, tmp_path, replace(SETTINGS, patience=2))
    assert len(more) == len(corpus) and more.n_recombined == 0


def test_none_at_all_leaves_the_corpus_as_it_is(small_corpus, tmp_path):
    assert with_recombined(small_corpus, 0, tmp_path, SETTINGS) is small_corpus


def test_a_bundle_says_how_many_it_was_trained_on(small_trainer):
    assert bundle_of(small_trainer, "x").training["n_train"] == 5 * len(SMALL)
    assert bundle_of(small_trainer, "x").training["n_recombined"] == 0
