import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from molinterp.data import drugs
from molinterp.pretrained import BUNDLES

from molinterp.chem.filters import decoded_molecule, decoded_smiles
from molinterp.chem.standardise import standardise
from molinterp.errors import BundleError, InputError, ShapeError, VocabularyError
from molinterp.model.bundle import Bundle, loaded
from molinterp.model.decoding import beam
from molinterp.model.header import seal
from molinterp.model.quantisation import packed, unpacked
from molinterp.model.storage import HEADER, check_target, locate
from molinterp.realism.density import CallableDensity
from molinterp.realism.fitted import RealismModels
from molinterp.realism.index import RealismIndex
from molinterp.realism.settings import IndexFit
from tests.conftest import SMALL


def test_a_saved_bundle_comes_back_as_it_is_written(small_bundle, saved_bundle):
    loaded = Bundle.load(saved_bundle)
    assert loaded.tokenizer == small_bundle.tokenizer
    assert loaded.property_names == small_bundle.property_names
    for name, value in unpacked(packed(small_bundle.model.state_dict())).items():
        assert torch.equal(loaded.model.state_dict()[name], value), name


def test_saving_twice_gives_the_same_bytes(small_bundle, tmp_path):
    for folder in ("a", "b"):
        small_bundle.save(tmp_path / folder)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_figures_are_replaced_in_place(small_bundle, saved_bundle):
    Bundle.load(saved_bundle).with_figures({"reconstruction": 1.0}).save(saved_bundle)
    assert Bundle.load(saved_bundle).figures == {"reconstruction": 1.0}
    assert [p.name for p in saved_bundle.parent.iterdir()] == ["small"]


def test_what_was_memorised_is_reconstructed(small_bundle):
    from rdkit import Chem

    decoded = small_bundle.decode(small_bundle.encode(SMALL))
    assert [Chem.CanonSmiles(s) for s in decoded] == [Chem.CanonSmiles(s) for s in SMALL]


def test_unknown_atoms_are_named(small_bundle):
    with pytest.raises(VocabularyError, match=r"unknown token \[Br\]"):
        small_bundle.encode(["CCBr"])


def test_a_molecule_can_be_encoded_or_is_named(small_bundle):
    assert all(small_bundle.can_encode(smiles) for smiles in SMALL)
    for smiles in ("CCBr", "no molecule"):
        assert not small_bundle.can_encode(smiles)
        with pytest.raises(VocabularyError):
            small_bundle.encode([smiles])


def test_latent_points_of_another_size_are_turned_down(small_bundle):
    with pytest.raises(ShapeError, match=r"shape \(\.\.\., 8\)"):
        small_bundle.decode(torch.zeros(1, 9))


@pytest.mark.weights
def test_a_search_takes_the_most_probable_string_that_is_a_molecule():
    bundle = Bundle.load("smiles-small")
    # Far from any compound, where many strings are no molecules.
    z = 1.5 * torch.randn(24, bundle.latent_dim, generator=torch.Generator().manual_seed(0))
    beams = [
        [bundle.tokenizer.decode(b.tokens) for b in found] for found in beam(bundle.model, z, 8, 1.0)
    ]  # half-way
    is_molecule = [[decoded_molecule(text) is not None for text in texts] for texts in beams]
    assert any(any(row) and not row[0] for row in is_molecule)
    assert any(row[0] for row in is_molecule)
    for text, texts, row in zip(bundle.search(z, 8, 0.5), beams, is_molecule, strict=True):
        assert text == (texts[row.index(True)] if any(row) else texts[0])


def test_molecules_are_sorted_by_where_they_are_encoded(small_bundle):
    z = small_bundle.encode(["CCO", "CCN", "CCO"])
    found = small_bundle.by_distance(z, [["CCN", "CCO", "CCN", ""], ["CCO", "CCN", "[Xe]"], [""]])
    assert found == [["CCO", "CCN"], ["CCN", "CCO"], []]


def test_distances_are_taken_in_deviations_of_the_molecule(small_bundle):
    (a, b), (s, t) = small_bundle.posterior(["CCO", "CCN"])
    between = torch.lerp(a, b, torch.linspace(0, 1, 41)[:, None])
    is_first_nearer = (((between - a) / s).square().sum(1) < ((between - b) / t).square().sum(1)).tolist()
    found = small_bundle.by_distance(between, [["CCO", "CCN"]] * 41)
    assert [texts[0] == "CCO" for texts in found] == is_first_nearer


@pytest.mark.weights
def test_a_compound_is_recovered_where_the_most_probable_molecule_is_another():
    bundle = Bundle.load("smiles-small")
    compounds = [standardise(smiles).smiles for smiles in drugs().values()]
    compounds = [smiles for smiles in compounds if bundle.can_encode(smiles)]
    z = bundle.encode(compounds)
    recovered = [a == b for a, b in zip(bundle.recover(z), compounds, strict=True)]
    searched = [decoded_smiles(a) == b for a, b in zip(bundle.search(z), compounds, strict=True)]
    # What is encoded at the point itself is as near as can be.
    assert all(mine for mine, other in zip(recovered, searched, strict=True) if other)
    assert sum(recovered) > sum(searched)


def test_a_beam_is_asked_only_where_the_greedy_decode_is_another_molecule(small_bundle, monkeypatch):
    asked = []

    def beams(self, z, width, t):
        asked.append((z, width, t))
        return [["C(", "OCC"]] * len(z)

    monkeypatch.setattr(Bundle, "beams", beams)
    z = small_bundle.encode(["CCO", "CCN"])
    assert small_bundle.recover(z) == ["CCO", "CCN"] and not asked
    moved = z + torch.tensor([[0.0], [0.5]])
    assert small_bundle.recover(moved, 5, torch.tensor([0.0, 0.7]))[0] == "CCO"
    ((points, width, t),) = asked
    assert torch.equal(points, moved[1:]) and width == 5 and t.tolist() == pytest.approx([0.7])


def test_where_no_string_spells_a_molecule_nothing_is_recovered(small_bundle, monkeypatch):
    monkeypatch.setattr(Bundle, "decode", lambda self, z, t: ["C("] * 2)
    monkeypatch.setattr(Bundle, "beams", lambda self, z, width, t: [["C(", ")"], ["OCC", "C("]])
    assert small_bundle.recover(torch.zeros(2, 8)) == ["", "CCO"]


def _flip_byte(folder):
    path = folder / "decoder.safetensors"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def _truncate(folder):
    path = folder / "heads.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def _pickle(folder):
    (folder / "encoder.safetensors").write_bytes(pickle.dumps({"weights": [1.0]}))


def _remove(folder):
    (folder / "encoder.safetensors").unlink()


def _not_json(folder):
    (folder / HEADER).write_text("{")


def _json_list(folder):
    (folder / HEADER).write_text("[]")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_flip_byte, "decoder.safetensors does not match its SHA-256"),
        (_truncate, "heads.safetensors does not match its SHA-256"),
        (_pickle, "encoder.safetensors does not match its SHA-256"),
        (_remove, "encoder.safetensors is missing"),
        (_not_json, "is damaged: bundle.json"),
        (_json_list, "is damaged: bundle.json"),
    ],
)
def test_a_damaged_bundle_is_turned_down(saved_bundle, harm, message):
    harm(saved_bundle)
    with pytest.raises(BundleError, match=message):
        Bundle.load(saved_bundle)


def test_a_pickle_with_a_matching_hash_is_never_unpickled(saved_bundle):
    import hashlib

    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    raw = pickle.dumps(Trap())
    (saved_bundle / "encoder.safetensors").write_bytes(raw)
    header = json.loads((saved_bundle / HEADER).read_text())
    header["files"]["encoder.safetensors"] = hashlib.sha256(raw).hexdigest()
    (saved_bundle / HEADER).write_text(json.dumps(seal(header)))
    with pytest.raises(BundleError, match="is damaged"):
        Bundle.load(saved_bundle)


def test_another_schema_is_named(saved_bundle):
    header = json.loads((saved_bundle / HEADER).read_text())
    (saved_bundle / HEADER).write_text(json.dumps(header | {"schema": 99}))
    with pytest.raises(BundleError, match="has schema 99; this version of molinterp reads 4"):
        Bundle.load(saved_bundle)


def test_a_missing_bundle_says_what_ships():
    with pytest.raises(BundleError, match="bundle 'none' must be one that ships"):
        Bundle.load("none")


def test_a_folder_that_is_no_bundle_is_not_overwritten(small_bundle, tmp_path):
    (tmp_path / "thesis.txt").write_text("irreplaceable")
    with pytest.raises(BundleError, match="is not empty and is not a bundle"):
        small_bundle.save(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_file_in_the_place_of_the_folder_is_named(small_bundle, tmp_path):
    (tmp_path / "thesis.txt").write_text("irreplaceable")
    with pytest.raises(BundleError, match="thesis.txt' is a file, and a bundle is a folder"):
        small_bundle.save(tmp_path / "thesis.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_that_is_closed_to_writing_is_found_before_the_work(tmp_path, monkeypatch):
    # The user of a test may be root, to whom nothing is closed.
    monkeypatch.setattr("os.access", lambda folder, mode: Path(folder) != tmp_path)
    with pytest.raises(BundleError, match=r"cannot be written: folder '.*' is not writable"):
        check_target(tmp_path / "mine")
    (tmp_path / "open").mkdir()
    check_target(tmp_path / "open" / "not" / "yet" / "there")
    assert [p.name for p in tmp_path.iterdir()] == ["open"]


def test_the_current_folder_can_be_written(small_bundle, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    small_bundle.save(Path("."))
    assert Bundle.load(tmp_path / "here").name == "small"
    assert [p.name for p in tmp_path.iterdir()] == ["here"]


def test_a_kill_while_saving_loses_no_bundle(small_bundle, saved_bundle, monkeypatch):
    rename = Path.rename

    def killed(path, target):
        if target == saved_bundle:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "rename", killed)
        small_bundle.with_figures({"is_new": 1}).save(saved_bundle)
    left = {Bundle.load(p).figures.get("is_new", 0) for p in saved_bundle.parent.iterdir()}
    assert left == {0, 1}
    small_bundle.save(saved_bundle)
    assert [p.name for p in saved_bundle.parent.iterdir()] == ["small"]


@pytest.mark.weights
@pytest.mark.parametrize("name", BUNDLES)
def test_shipped_bundles_are_sound_small_and_measured(name):
    bundle = Bundle.load(name)
    sizes = [f.stat().st_size for f in locate(name).iterdir()]
    assert max(sizes) <= 16 * 2**20 and sum(sizes) <= 40 * 2**20
    assert {"reconstruction", "midpoint_valid", "midpoint_familiar_alert_free", "command"} <= set(
        bundle.figures
    )


@pytest.mark.weights
@pytest.mark.parametrize("name", [n for n in BUNDLES if n != "default"])
def test_bundles_for_comparison_stay_below_six_megabytes(name):
    assert sum(f.stat().st_size for f in locate(name).iterdir()) < 6_000_000


@pytest.mark.weights
def test_all_that_ships_fits_into_a_wheel():
    assert sum(f.stat().st_size for n in BUNDLES for f in locate(n).iterdir()) < 40 * 2**20


@pytest.mark.weights
@pytest.mark.parametrize("name", BUNDLES)
def test_shipped_bundles_give_back_compounds_that_they_encode(name):
    bundle = Bundle.load(name)
    smiles = [drugs()[n] for n in ("aspirin", "ibuprofen", "paracetamol", "caffeine", "lidocaine")]
    refined = bundle.invert(smiles)
    exact = [decoded_smiles(d) == s for d, s in zip(bundle.decode(refined.z), smiles, strict=True)]
    assert sum(exact) >= (5 if name == "default" else 1)


def test_the_default_bundle_ships():
    assert "default" in BUNDLES


@pytest.mark.parametrize("device", ["abacus", "", "hpu", torch.device("cuda", 1_000)])
def test_a_device_that_torch_cannot_use_is_named(saved_bundle, device):
    for load in (Bundle.load, loaded):
        with pytest.raises(InputError, match=rf"`device` must be one that torch can use.*got '{device}'"):
            load(saved_bundle, device)


def test_a_loaded_bundle_is_kept_until_its_files_change(saved_bundle, monkeypatch):
    first = loaded(saved_bundle)
    assert loaded(str(saved_bundle)) is first and loaded(saved_bundle, torch.device("cpu")) is first
    monkeypatch.chdir(saved_bundle.parent)
    assert loaded("small") is first
    first.with_figures({"reconstruction": 1.0}).save(saved_bundle)
    assert loaded(saved_bundle).figures == {"reconstruction": 1.0}
    assert first.figures == {}


def test_a_bundle_that_went_away_is_not_given_from_memory(saved_bundle):
    loaded(saved_bundle)
    (saved_bundle / HEADER).unlink()
    with pytest.raises(BundleError, match="must be one that ships"):
        loaded(saved_bundle)


def test_a_density_of_ones_own_is_what_cannot_be_saved(small_bundle, tmp_path):
    own = CallableDensity(
        small_bundle.latent_dim,
        lambda z: -0.5 * z.square().sum(-1),
        lambda n, generator: torch.randn(n, small_bundle.latent_dim, generator=generator),
    )
    realism = RealismModels(index=RealismIndex.fit(own, IndexFit(n_samples=200)))
    with pytest.raises(InputError, match="one's own functions cannot be saved"):
        replace(small_bundle, realism=realism).save(tmp_path / "own")
    assert not (tmp_path / "own").exists()
