import pytest
import torch
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.filters import decoded_smiles
from molinterp.errors import InputError
from molinterp.model.bundle import Bundle
from molinterp.training.data.corpus import prepare
from molinterp.training.evaluate import _like_the_ends, evaluate, read_split
from molinterp.training.settings import Evaluation
from tests.conftest import SMALL


@pytest.fixture(scope="module")
def figures(small_bundle):
    return evaluate(small_bundle, [Chem.CanonSmiles(s) for s in SMALL], Evaluation(n_pairs=40))


def test_memorised_molecules_are_reconstructed(figures):
    assert figures["reconstruction"] == figures["beam_reconstruction"] == figures["recovered"] == 1.0
    assert figures["n_out_of_vocabulary"] == 0
    assert (figures["n_refined"], figures["reconstruction_refined"]) == (len(SMALL), 1.0)


def test_shares_are_shares_and_nested(figures):
    for name in ("midpoint", "slerp_midpoint", "sharp_midpoint", "beam_midpoint", "recovered_midpoint"):
        valid, familiar = figures[f"{name}_valid"], figures[f"{name}_familiar"]
        both, accepted = figures[f"{name}_familiar_alert_free"], figures[f"{name}_accepted"]
        assert 0 <= accepted <= both <= familiar <= valid <= 1
        assert both <= figures[f"{name}_alert_free"]


def test_midpoints_of_equal_ends_are_the_ends_themselves(small_bundle):
    smiles = [Chem.CanonSmiles(s) for s in SMALL[:8]]
    z, deviation = small_bundle.posterior(smiles)
    half = torch.ones(len(smiles))
    found = _like_the_ends(
        small_bundle,
        "midpoint",
        smiles,
        z / deviation.mean(0),
        half,
        deviation.mean(0),
        [(s, s) for s in smiles],
    )
    assert found["midpoint_size"] == 1 and found["midpoint_return"] < 1e-4
    larger = [("CCCCCCC", "CCC")] * len(smiles)
    away = _like_the_ends(small_bundle, "midpoint", smiles, z, half, torch.ones(z.shape[1]), larger)
    atoms = sum(Chem.MolFromSmiles(s).GetNumHeavyAtoms() for s in smiles)
    assert away["midpoint_size"] == pytest.approx(atoms / (5 * len(smiles)))


@pytest.mark.weights
def test_a_beam_finds_molecules_where_a_greedy_decode_spells_none():
    figures = evaluate(Bundle.load("smiles-small"), list(drugs().values())[:40], Evaluation(n_pairs=40))
    assert figures["prior_valid"] + 0.1 < figures["beam_prior_valid"]
    assert figures["midpoint_valid"] + 0.1 < figures["beam_midpoint_valid"]
    assert figures["reconstruction"] <= figures["beam_reconstruction"] < figures["recovered"]
    # What is recovered is encoded nearer to its point than what is merely most probable there.
    assert figures["recovered_midpoint_return"] < figures["beam_midpoint_return"]


@pytest.mark.weights
def test_samples_of_the_density_are_measured_where_there_is_one(figures):
    assert "density_valid" not in figures
    small = Bundle.load("smiles-small")
    again = evaluate(small, ["CCO", "CCN", "CCCO"], Evaluation(n_pairs=30))
    assert again["density_valid"] == _share_of_molecules(small, small.realism.index.density, 30)


def _share_of_molecules(bundle, density, n):
    z = density.sample(n, torch.Generator().manual_seed(0))
    return sum(decoded_smiles(text) != "" for text in bundle.decode(z, 0.5)) / n


def test_lines_have_no_more_molecules_than_points(figures):
    assert figures["n_lines"] == 40
    for line in ("line", "recovered_line"):
        few, median, many = figures[f"{line}_distinct"]
        assert 1 <= few <= median <= many <= 64
        assert all(0 <= similarity <= 1 for similarity in figures[f"{line}_worst_step"])


def test_heads_that_know_their_molecules_score_high(figures):
    assert figures["property_r2"]["heavy_atoms"] > 0.8
    assert 0 < figures["fingerprint_tanimoto"] <= 1


def test_unknown_molecules_count_against_reconstruction(small_bundle):
    figures = evaluate(small_bundle, ["CCO", "CCN", "CCBr", "CCI"], Evaluation(n_pairs=4))
    assert figures["n_out_of_vocabulary"] == 2
    assert figures["reconstruction"] == figures["reconstruction_refined"] == 0.5


def test_one_seed_one_result(small_bundle):
    runs = [evaluate(small_bundle, ["CCO", "CCN", "CCCO"], Evaluation(n_pairs=10, seed=3)) for _ in range(2)]
    for run in runs:
        for name in ("seconds_256", "seconds_4096_sampled"):
            assert run.pop(name) > 0
    assert runs[0] == runs[1]


def test_a_split_is_read_from_its_beginning(tmp_path):
    table = tmp_path / "m.csv"
    table.write_text("smiles,split\nC,train\nCC,test\nCCC,test\nCCCC,test\n")
    assert read_split(table, "test", 2) == ["CC", "CCC"]
    with pytest.raises(InputError, match="no molecule of the split 'valid'"):
        read_split(table, "valid", 2)


def test_rows_without_a_molecule_are_left_out_of_a_split(tmp_path):
    (tmp_path / "m.csv").write_text("Name,SMILES,split\na,CC,test\nb,,test\nc,CCC,test\n")
    assert read_split(tmp_path / "m.csv", "test", 2) == ["CC", "CCC"]


def test_molecules_of_a_split_are_read_in_standard_form(tmp_path):
    (tmp_path / "m.smi").write_text("OCC\nC1=CC=CC=C1\nCCN.Cl\nC1CC\nCC(=O)[O-].[Na+]\n")
    assert read_split(tmp_path / "m.smi", "test", 3) == ["CCO", "c1ccccc1", "CCN"]
    assert read_split(tmp_path / "m.smi", "test", None)[3:] == ["CC(=O)O"]


def test_of_the_file_of_the_training_what_was_held_out_is_taken(tmp_path):
    chains = [f"{'C' * i}{x}" for i in range(1, 60) for x in ("", "O", "N", "S", "F")]
    (tmp_path / "m.smi").write_text("\n".join(chains))
    corpus = prepare(tmp_path / "m.smi", tmp_path / "cache", "smiles", 60)
    for split in ("valid", "test"):
        found = read_split(tmp_path / "m.smi", split, None, corpus.sha256)
        assert 0 < len(found) < 20
        assert set(found) >= set(corpus.smiles(corpus.rows(split)))
        assert not set(found) & set(corpus.smiles(corpus.rows("train")))
    assert len(read_split(tmp_path / "m.smi", "test", None, "of another file")) == len(set(chains))


def test_a_file_without_splits_is_taken_whole(tmp_path):
    (tmp_path / "m.csv").write_text("smiles\nCC\nCCC\n")
    (tmp_path / "m.smi").write_text("CC ethane\nCCC propane\n")
    for name in ("m.csv", "m.smi"):
        assert read_split(tmp_path / name, "test", None) == ["CC", "CCC"]


def test_tables_that_cannot_be_used_are_named(tmp_path, small_bundle):
    with pytest.raises(InputError, match="does not exist"):
        read_split(tmp_path / "none.csv", "test", 2)
    (tmp_path / "m.csv").write_text("name\nx\n")
    with pytest.raises(InputError, match="must have a column 'smiles' in its first row; found name"):
        read_split(tmp_path / "m.csv", "test", 2)
    with pytest.raises(InputError, match="fewer than two"):
        evaluate(small_bundle, ["CCBr", "CCO"], Evaluation(n_pairs=2))
