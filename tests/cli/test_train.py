import pytest
import torch
from molinterp.data import drugs

from molinterp.errors import BundleError
from molinterp.model.bundle import Bundle
from molinterp.training.data import recombination as recombined
from molinterp.training.latent import fit as realism
from molinterp.training.vae.encoder_tuning import TAUGHT
from tests.conftest import SMALL

SIZES = ("--latent-dim", "4", "--embedding-dim", "8", "--encoder-dim", "8", "--decoder-dim", "16")
TRAIN = ("train", "m.csv", "--tokens", "60", "--head-dim", "8", "--teach", "none", "-q", *SIZES)


@pytest.fixture
def run(command, monkeypatch, tmp_path):
    """The command in this process: exit code and stderr; the folder is `tmp_path`, molecules in m.csv."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *(f"{s},train" for s in SMALL * 5)]))

    def call(*arguments):
        code, _, err = command(*arguments)
        return code, err

    return call


def test_a_warm_start_that_a_checkpoint_overrules_is_said(run):
    assert run(*TRAIN, "-o", "own", "--optimiser-steps", "2") == (0, "")
    assert Bundle.load("own").training["steps"] == 2
    code, err = run(*TRAIN, "-o", "own", "--optimiser-steps", "3", "--warm-start", "own")
    assert (code, err) == (0, "note: the run goes on from 'own.checkpoint'; --warm-start is left aside\n")
    assert Bundle.load("own").training["steps"] == 3


def test_a_warm_start_that_is_missing_is_found_before_the_work(run, tmp_path):
    code, err = run(*TRAIN, "-o", "own", "--optimiser-steps", "1", "--warm-start", "none")
    assert code == 4 and "bundle 'none' must be" in err
    assert {p.name for p in tmp_path.iterdir()} == {"m.csv"}


def test_a_bundle_is_trained_in_the_current_folder(run, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    code, err = run("train", "../m.csv", *TRAIN[2:], "-o", ".", "--optimiser-steps", "1")
    assert (code, err) == (0, "")
    assert Bundle.load(tmp_path / "here").name == "here"


def test_an_encoder_is_taught_without_a_round(run):
    assert run(*TRAIN, "-o", "own", "--optimiser-steps", "2") == (0, "")
    refine = ("refine", "own", "m.csv", "-o", "better", "--cache", "own.cache", "--rounds", "0")
    code, err = run(*refine)
    assert code == 2 and "`--rounds` and `--encoder-steps` are both 0" in err
    code, err = run(*refine, "--encoder-steps", "12", "--threads", "1")
    assert code == 0 and "the encoder is taught" in err
    own, better = Bundle.load("own"), Bundle.load("better")
    assert [lesson["n_steps"] for lesson in better.training["encoder_lessons"]] == [
        12
    ] and "refined" not in better.training
    weights = own.model.state_dict()
    changed = {k for k, v in better.model.state_dict().items() if not torch.equal(v, weights[k])}
    assert changed and all(k.startswith(TAUGHT) for k in changed)


@pytest.mark.parametrize(
    "arguments",
    [
        (*TRAIN, "--optimiser-steps", "1", "-o"),
        ("refine", "smiles-small", "m.csv", "--cache", "cache", "-o"),
        ("fit", "density", "m.csv", "--model", "smiles-small", "-o"),
        ("features", "train", "mine", "m.csv", "--model", "smiles-small", "-o"),
    ],
)
@pytest.mark.parametrize(
    ("target", "message"), [("thesis", "is not empty and no bundle"), ("m.csv", "'m.csv' is a file")]
)
def test_a_folder_that_is_no_bundle_is_found_before_the_work(run, tmp_path, arguments, target, message):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("irreplaceable")
    code, err = run(*arguments, target)
    assert code == 4 and message in err
    assert {p.name for p in tmp_path.iterdir()} == {"thesis", "m.csv"}


def test_a_device_that_torch_cannot_use_is_found_before_the_work(run, tmp_path):
    code, err = run(*TRAIN, "-o", "own", "--optimiser-steps", "1", "-d", "abacus")
    assert code == 2 and "`device` must be one that torch can use here" in err
    assert {p.name for p in tmp_path.iterdir()} == {"m.csv"}


def test_recombined_compounds_are_learnt_beside_the_others(run, monkeypatch, tmp_path):
    monkeypatch.setattr(recombined, "CHUNK", 20)
    monkeypatch.setitem(realism.fit_parts.__kwdefaults__, "n_steps", 5)
    rows = [f"{s},{'valid' if i % 10 == 0 else 'train'}" for i, s in enumerate(drugs().values())]
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *rows]))
    assert run(*TRAIN, "-o", "own", "--optimiser-steps", "2", "--recombined", "30") == (0, "")
    training = Bundle.load("own").training
    assert training["n_recombined"] == 30
    fit = ("fit", "heads", "m.csv", "--model", "own", "--compounds", "100", "--points", "100", "-q")
    assert run(*fit, "--cache", "own.cache", "--recombined", "30") == (0, "")
    assert Bundle.load("own").realism.facts["heads"]["n"] == training["n_train"] + 30
    code, err = run(*fit, "--recombined", "30")
    assert code == 2 and "`--recombined` needs --cache" in err


def test_what_was_measured_says_the_split_and_a_closed_bundle_is_found_before(run, tmp_path, monkeypatch):
    measured = []

    def measure(bundle, smiles, *_):
        measured.append(smiles)
        return {}

    monkeypatch.setattr("molinterp.training.evaluate.evaluate", measure)
    assert run(*TRAIN, "-o", "own", "--optimiser-steps", "1") == (0, "")
    evaluate = ("models", "eval", "m.csv", "--model", "own", "--split", "train", "-n", "5", "--save")
    assert run(*evaluate) == (0, "") and measured == [SMALL[:5]]
    command = "molinterp models eval MOLECULES --split train -n 5 --pairs 2000 --seed 0"
    assert Bundle.load("own").figures["command"] == command

    def closed(folder):
        raise BundleError("closed")

    monkeypatch.setattr("molinterp.model.storage.check_target", closed)
    assert run(*evaluate) == (4, "molinterp: closed\n") and len(measured) == 1


def test_a_bundle_without_reference_points_is_found_before_a_feature_is_learnt(run, monkeypatch):
    monkeypatch.setattr("molinterp.io.labels.read_labels", lambda *_: pytest.fail("read"))
    assert run(*TRAIN, "-o", "own", "--optimiser-steps", "1") == (0, "")
    code, err = run("features", "train", "mine", "m.csv", "--model", "own")
    assert code == 2 and "bundle 'own' has no reference points; run `molinterp fit all` first" in err
