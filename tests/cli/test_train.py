import pytest
import torch
from molinterp.data import drugs

from molinterp.errors import BundleError
from molinterp.model.bundle import Bundle
from molinterp.training.data.settings import Recombination
from molinterp.training.recipe import Recipe
from molinterp.training.vae.encoder_tuning import TRAINED
from molinterp.training.vae.settings import VAETraining
from tests.conftest import SMALL

SIZES = ("--latent-dim", "4", "--embedding-dim", "8", "--encoder-dim", "8", "--decoder-dim", "16")
LOUD = ("train", "m.csv", "--n-tokens", "60", "--head-dim", "8", "--features", "none", *SIZES)
TRAIN = (*LOUD, "-q")


@pytest.fixture
def run(command, monkeypatch, tmp_path):
    """The command in this process: exit code and stderr; the folder is `tmp_path`, molecules in m.csv."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *(f"{s},train" for s in SMALL * 5)]))

    def call(*arguments):
        code, _, err = command(*arguments)
        return code, err

    return call


def test_a_start_that_a_checkpoint_overrules_is_said(run):
    assert run(*TRAIN, "-o", "own", "--n-steps", "2") == (0, "")
    assert Bundle.load("own").training["steps"] == 2
    code, err = run(*LOUD, "-o", "own", "--n-steps", "3", "--start", "own")
    assert (
        code == 0 and "resumes from" in err and "own.work/train.checkpoint'; its `start` is left aside" in err
    )
    assert Bundle.load("own").training["steps"] == 3


def test_a_start_that_is_missing_is_found_before_the_work(run, tmp_path):
    code, err = run(*TRAIN, "-o", "own", "--n-steps", "1", "--start", "none")
    assert code == 4 and "bundle 'none' must be" in err
    assert {p.name for p in tmp_path.iterdir()} == {"m.csv"}


def test_what_a_training_lacks_is_named_by_its_option(run, tmp_path):
    code, err = run(*TRAIN, "-o", "own")
    assert code == 2 and "a training needs a budget: give --minutes or --n-steps" in err
    code, err = run(*TRAIN, "--n-steps", "1")
    assert code == 2 and "Give --output" in err
    code, err = run("train", "-o", "own", "--n-steps", "1")
    assert code == 2 and "a training needs MOLECULES, or --recipe" in err
    assert {p.name for p in tmp_path.iterdir()} == {"m.csv"}


def test_python_and_the_command_have_the_same_defaults(command, tmp_path):
    code, out, _ = command("train", "m.csv", "--n-steps", "7", "--print-recipe")
    (tmp_path / "recipe.toml").write_text(out)
    assert code == 0
    (stage,) = Recipe.from_toml(tmp_path / "recipe.toml").stages
    assert stage.settings == VAETraining(n_steps=7)


def test_a_recipe_is_followed_with_other_molecules(run, tmp_path):
    (tmp_path / "r.toml").write_text(
        "[corpus]\nmolecules = 'none.csv'\nn_tokens = 60\n"
        "[[stages]]\nstage = 'train'\nname = 'a'\nn_steps = 2\nfeatures = 'none'\nlatent_dim = 4\n"
        "embedding_dim = 8\nencoder_dim = 8\ndecoder_dim = 16\nhead_dim = 8\n"
        "[[stages]]\nstage = 'tune-encoder'\nn_steps = 1\n"
    )
    code, err = run("train", "--recipe", "r.toml", "-o", "own", "--kl-weight", "0.5")
    assert code == 2 and "--kl-weight belongs to the recipe: set it in 'r.toml'" in err
    code, err = run("train", "--recipe", "r.toml", "-o", "own", "-q")
    assert code == 2 and "file 'none.csv' does not exist" in err
    code, err = run("train", "m.csv", "--recipe", "r.toml", "-o", "own", "--threads", "1", "-q")
    assert (code, err) == (0, "")
    own = Bundle.load("own")
    assert own.training["steps"] == 2 and len(own.training["encoder_tuning"]) == 1
    assert {p.name for p in (tmp_path / "own.work").iterdir()} >= {"a", "tune-encoder", "finished.json"}


def test_a_bundle_is_trained_in_the_current_folder(run, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    code, err = run("train", "../m.csv", *TRAIN[2:], "-o", ".", "--n-steps", "1")
    assert (code, err) == (0, "")
    assert Bundle.load(tmp_path / "here").name == "here"


def test_an_encoder_is_tuned_alone(run):
    assert run(*TRAIN, "-o", "own", "--n-steps", "2") == (0, "")
    tune = ("tune-encoder", "own", "m.csv", "-o", "better", "--work", "own.work", "--n-steps", "12")
    assert run(*tune, "--threads", "1", "-q") == (0, "")
    own, better = Bundle.load("own"), Bundle.load("better")
    assert better.name == "better" and [one["n_steps"] for one in better.training["encoder_tuning"]] == [12]
    weights = own.model.state_dict()
    changed = {k for k, v in better.model.state_dict().items() if not torch.equal(v, weights[k])}
    assert changed and all(k.startswith(TRAINED) for k in changed)


@pytest.mark.weights
@pytest.mark.parametrize(
    "arguments",
    [
        (*TRAIN, "--n-steps", "1", "-o"),
        ("self-train", "smiles-small", "m.csv", "--work", "work", "-o"),
        ("tune-encoder", "smiles-small", "m.csv", "--work", "work", "-o"),
        ("fit", "density", "m.csv", "--model", "smiles-small", "-o"),
        ("features", "train", "mine", "m.csv", "--model", "smiles-small", "-o"),
    ],
)
@pytest.mark.parametrize(
    ("target", "message"), [("thesis", "is not empty and is not a bundle"), ("m.csv", "'m.csv' is a file")]
)
def test_a_folder_that_is_no_bundle_is_found_before_the_work(run, tmp_path, arguments, target, message):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("irreplaceable")
    code, err = run(*arguments, target)
    assert code == 4 and message in err
    assert {p.name for p in tmp_path.iterdir()} == {"thesis", "m.csv"}


def test_a_device_that_torch_cannot_use_is_found_before_the_work(run, tmp_path):
    code, err = run(*TRAIN, "-o", "own", "--n-steps", "1", "--device", "abacus")
    assert code == 2 and "--device must be one that torch can use here" in err
    assert {p.name for p in tmp_path.iterdir()} == {"m.csv"}


@pytest.mark.weights
def test_recombined_compounds_are_learnt_beside_the_others(run, monkeypatch, tmp_path):
    monkeypatch.setattr("molinterp.training.pipeline.Recombination", lambda: Recombination(chunk_size=20))
    rows = [f"{s},{'valid' if i % 10 == 0 else 'train'}" for i, s in enumerate(drugs().values())]
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *rows]))
    assert run(*TRAIN, "-o", "own", "--n-steps", "2", "--n-recombined", "30") == (0, "")
    training = Bundle.load("own").training
    assert training["n_recombined"] == 30
    fit = ("fit", "heads", "m.csv", "--model", "own", "--n-compounds", "100", "--n-decodes", "100", "-q")
    few = ("--heads-n-bit-steps", "5", "--heads-n-property-steps", "5", "--heads-n-passes", "0")
    assert run(*fit, *few, "--n-recombined", "30") == (0, "")
    assert Bundle.load("own").realism.facts["heads"]["n"] == training["n_train"] + 30


def test_figures_are_saved_and_a_closed_bundle_is_found_before(run, monkeypatch):
    measured = []

    def measure(bundle, smiles, *_):
        measured.append(smiles)
        return {"n_molecules": len(smiles)}

    monkeypatch.setattr("molinterp.training.pipeline.evaluate", measure)
    assert run(*TRAIN, "-o", "own", "--n-steps", "1") == (0, "")
    evaluate = (
        "models",
        "eval",
        "m.csv",
        "--model",
        "own",
        "--split",
        "train",
        "--n-molecules",
        "5",
        "--save",
    )
    assert run(*evaluate) == (0, "") and measured == [SMALL[:5]]
    assert Bundle.load("own").figures == {"n_molecules": 5}

    def closed(folder):
        raise BundleError("closed")

    monkeypatch.setattr("molinterp.model.storage.check_target", closed)
    assert run(*evaluate) == (4, "molinterp: closed\n") and len(measured) == 1


def test_a_bundle_without_reference_points_is_found_before_a_feature_is_learnt(run, monkeypatch):
    monkeypatch.setattr("molinterp.io.labels.read_labels", lambda *_: pytest.fail("read"))
    assert run(*TRAIN, "-o", "own", "--n-steps", "1") == (0, "")
    code, err = run("features", "train", "mine", "m.csv", "--model", "own")
    assert code == 2 and "bundle 'own' has no reference points; run `molinterp fit all` first" in err
