import json

import pytest

from molinterp.model.bundle import Bundle
from molinterp.training.recipe import Recipe
from molinterp.training.vae.settings import VAETraining
from tests.cli.commands import LOUD, STEPS, TINY, check_refused

pytestmark = pytest.mark.usefixtures("molecules")


def test_a_start_that_a_checkpoint_overrules_is_said(command):
    assert command(*TINY, "-o", "own", STEPS, "2") == (0, "", "")
    assert Bundle.load("own").training["steps"] == 2
    answer = command(*LOUD, "-o", "own", STEPS, "3", "--start", "own")
    assert answer.code == 0 and "resumes from" in answer.err
    assert "own.work/train.checkpoint'; its `start` is left aside" in answer.err
    assert Bundle.load("own").training["steps"] == 3


def test_a_start_that_is_missing_is_found_before_the_work(command, tmp_path):
    check_refused(command(*TINY, "-o", "own", STEPS, "1", "--start", "none"), 4, "bundle 'none' must be")
    assert {p.name for p in tmp_path.iterdir()} == {"m.csv"}


def test_what_a_training_lacks_is_named_by_its_option(command, tmp_path):
    budget = f"a training needs a budget: give --minutes or {STEPS}"
    check_refused(command(*TINY, "-o", "own"), 2, budget)
    check_refused(command(*TINY, STEPS, "1"), 2, "Give --output")
    molecules = "a training needs MOLECULES, or --recipe"
    check_refused(command("train", "-o", "own", STEPS, "1"), 2, molecules)
    assert {p.name for p in tmp_path.iterdir()} == {"m.csv"}


def test_python_and_the_command_have_the_same_defaults(command, tmp_path):
    code, out, _ = command("train", "m.csv", STEPS, "7", "--print-recipe")
    (tmp_path / "recipe.toml").write_text(out)
    assert code == 0
    (stage,) = Recipe.from_toml(tmp_path / "recipe.toml").stages
    assert stage.settings == VAETraining(n_steps=7)


def test_a_recipe_is_followed_with_other_molecules(command, tmp_path):
    (tmp_path / "r.toml").write_text(
        "[corpus]\nmolecules = 'none.csv'\nn_tokens = 60\n"
        "[[stages]]\nstage = 'train'\nname = 'a'\nn_steps = 2\nfeatures = 'none'\nlatent_dim = 4\n"
        "embedding_dim = 8\nencoder_dim = 8\ndecoder_dim = 16\nhead_dim = 8\n"
        "[[stages]]\nstage = 'tune-encoder'\nn_steps = 1\n"
    )
    asked = ("--recipe", "r.toml", "-o", "own")
    message = "--kl-weight belongs to the recipe: set it in 'r.toml'"
    check_refused(command("train", *asked, "--kl-weight", "0.5"), 2, message)
    check_refused(command("train", *asked, "-q"), 2, "file 'none.csv' does not exist")
    assert command("train", "m.csv", *asked, "--threads", "1", "-q") == (0, "", "")
    own = Bundle.load("own")
    assert own.training["steps"] == 2 and len(own.training["encoder_tuning"]) == 1
    assert {p.name for p in (tmp_path / "own.work").iterdir()} >= {"a", "tune-encoder", "finished.json"}


def test_a_bundle_is_trained_in_the_current_folder(command, tmp_path):
    (tmp_path / "here").mkdir()
    asked = ("train", "../m.csv", *TINY[2:], "-o", ".", STEPS, "1")
    assert command(*asked, cwd=tmp_path / "here") == (0, "", "")
    assert Bundle.load(tmp_path / "here").name == "here"


@pytest.mark.parametrize(
    "arguments",
    [
        (*TINY, STEPS, "1", "-o"),
        ("self-train", "{small}", "m.csv", "--work", "work", "-o"),
        ("tune-encoder", "{small}", "m.csv", "--work", "work", "-o"),
        ("fit", "density", "m.csv", "--model", "{small}", "-o"),
        ("features", "train", "mine", "m.csv", "--model", "{small}", "-o"),
    ],
)
@pytest.mark.parametrize(
    ("target", "message"), [("thesis", "is not empty and is not a bundle"), ("m.csv", "'m.csv' is a file")]
)
def test_a_folder_that_is_no_bundle_is_found_before_the_work(
    command, small, tmp_path, arguments, target, message
):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("irreplaceable")
    asked = [a.format(small=small[1]) for a in arguments]
    check_refused(command(*asked, target), 4, message)
    assert {p.name for p in tmp_path.iterdir()} == {"thesis", "m.csv"}


def test_a_device_that_torch_cannot_use_is_found_before_the_work(command, tmp_path):
    answer = command(*TINY, "-o", "own", STEPS, "1", "--device", "abacus")
    check_refused(answer, 2, "--device must be one that torch can use here")
    assert {p.name for p in tmp_path.iterdir()} == {"m.csv"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--minutes", "1"), "does not exist"),
        ((), "needs a budget"),
        pytest.param(
            ("--minutes", "1", "--features", "bbb,herg"),
            "must name some of ahr, bace1, bbb, lipophilic, soluble, or all or none; got 'herg'",
            marks=pytest.mark.weights,
        ),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(command, tmp_path, arguments, message):
    check_refused(command("train", "none.csv", "-o", "x", *arguments), 2, message)
    assert {p.name for p in tmp_path.iterdir()} == {"m.csv"}


@pytest.mark.weights
def test_a_bundle_of_ones_own_is_trained_improved_averaged_measured_and_used(command, tmp_path):
    smiles = [f"{'C' * i}{x}" for i in range(1, 9) for x in ("O", "N", "F", "Cl", "C(=O)O", "c1ccccc1")]
    lines = [f"{s},{split}" for s in smiles for split in ("train", "test")]
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *lines]))
    sizes = ("--latent-dim", "4", "--encoder-dim", "16", "--decoder-dim", "32", "--n-tokens", "50")
    budget = (STEPS, "30", "--batch-size", "16", "--representation", "selfies")
    answer = command("train", "m.csv", "-o", "own", *budget, *sizes)
    assert answer.code == 0, answer.err
    assert "bundle written to own" in answer.err
    improve = ("self-train", "own", "m.csv", "-o", "better", "--work", "own.work", STEPS, "3")
    answer = command(*improve, "--n-points", "64", "--n-compounds", "40")
    assert answer.code == 0, answer.err
    answer = command("models", "average", "own", "better", "-o", "mean")
    assert answer.code == 0, answer.err
    assert command("models", "verify", "./mean").out == "mean: sound\n"
    few = ("--n-molecules", "40", "--n-pairs", "20")
    answer = command("models", "eval", "m.csv", "--model", "better", "--save", *few)
    assert answer.code == 0, answer.err
    figures = json.loads(answer.out)
    # The greedy string of so young a model may be empty; of a beam, all others in SELFIES are molecules.
    assert figures["n_molecules"] == 40 and figures["beam_midpoint_valid"] == 1.0
    info = json.loads(command("models", "info", "better").out)
    assert info["figures"] == figures
    assert info["training"]["steps"] == 30 and len(info["training"]["self_training"]) == 2
    path = command("path", "CCO", "CCCCN", "--model", "better", "-q")
    assert path.code == 0 and len(path.out.splitlines()) >= 3
