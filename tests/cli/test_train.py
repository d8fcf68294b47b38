import json

import pytest

from molinterp.model.bundle import Bundle
from tests.cli.commands import STEPS, TINY, check_refused


@pytest.mark.usefixtures("molecules")
def test_a_warm_start_that_a_checkpoint_overrules_is_said(command):
    assert command(*TINY, "-o", "own", STEPS, "2") == (0, "", "")
    assert Bundle.load("own").training["steps"] == 2
    answer = command(*TINY, "-o", "own", STEPS, "3", "--warm-start", "own")
    note = "note: the run goes on from 'own.checkpoint'; --warm-start is left aside\n"
    assert answer == (0, "", note)
    assert Bundle.load("own").training["steps"] == 3


@pytest.mark.usefixtures("molecules")
def test_a_warm_start_that_is_missing_is_found_before_the_work(command, tmp_path):
    answer = command(*TINY, "-o", "own", STEPS, "1", "--warm-start", "none")
    check_refused(answer, 4, "bundle 'none' must be")
    assert {p.name for p in tmp_path.iterdir()} == {"m.csv"}


@pytest.mark.usefixtures("molecules")
def test_a_bundle_is_trained_in_the_current_folder(command, tmp_path):
    (tmp_path / "here").mkdir()
    asked = ("train", "../m.csv", *TINY[2:], "-o", ".", STEPS, "1")
    assert command(*asked, cwd=tmp_path / "here") == (0, "", "")
    assert Bundle.load(tmp_path / "here").name == "here"


@pytest.mark.parametrize(
    "arguments",
    [
        (*TINY, STEPS, "1", "-o"),
        ("refine", "{small}", "m.csv", "--cache", "cache", "-o"),
        ("fit", "density", "m.csv", "--model", "{small}", "-o"),
        ("features", "train", "mine", "m.csv", "--model", "{small}", "-o"),
    ],
)
@pytest.mark.parametrize(
    ("target", "message"), [("thesis", "is not empty and no bundle"), ("m.csv", "'m.csv' is a file")]
)
@pytest.mark.usefixtures("molecules")
def test_a_folder_that_is_no_bundle_is_found_before_the_work(
    command, small, tmp_path, arguments, target, message
):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("irreplaceable")
    asked = [a.format(small=small[1]) for a in arguments]
    check_refused(command(*asked, target), 4, message)
    assert {p.name for p in tmp_path.iterdir()} == {"thesis", "m.csv"}


@pytest.mark.usefixtures("molecules")
def test_a_device_that_torch_cannot_use_is_found_before_the_work(command, tmp_path):
    answer = command(*TINY, "-o", "own", STEPS, "1", "-d", "abacus")
    check_refused(answer, 2, "`device` must be one that torch can use here")
    assert {p.name for p in tmp_path.iterdir()} == {"m.csv"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--minutes", "1"), "does not exist"),
        ((), "needs a budget"),
        pytest.param(
            ("--minutes", "1", "--teach", "bbb,herg"),
            "must name some of ahr, bace1, bbb, lipophilic, soluble, or all or none; got 'herg'",
            marks=pytest.mark.weights,
        ),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(command, tmp_path, arguments, message):
    check_refused(command("train", "none.csv", "-o", "x", *arguments), 2, message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.weights
def test_a_bundle_of_ones_own_is_trained_refined_averaged_measured_and_used(command, tmp_path):
    smiles = [f"{'C' * i}{x}" for i in range(1, 9) for x in ("O", "N", "F", "Cl", "C(=O)O", "c1ccccc1")]
    lines = [f"{s},{split}" for s in smiles for split in ("train", "test")]
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *lines]))
    sizes = ("--latent-dim", "4", "--encoder-dim", "16", "--decoder-dim", "32", "--tokens", "50")
    budget = (STEPS, "30", "--batch-size", "16", "--representation", "selfies")
    answer = command("train", "m.csv", "-o", "own", *budget, *sizes)
    assert answer.code == 0, answer.err
    assert "bundle written to own" in answer.err
    refine = ("refine", "own", "m.csv", "-o", "better", "--cache", "own.cache", "--steps", "3")
    answer = command(*refine, "--points", "64", "--compounds", "40")
    assert answer.code == 0, answer.err
    answer = command("models", "average", "own", "better", "-o", "mean")
    assert answer.code == 0, answer.err
    assert command("models", "verify", "./mean").out == "mean: sound\n"
    evaluate = ("models", "eval", "m.csv", "--model", "better", "--save", "-n", "40", "--pairs", "20")
    answer = command(*evaluate)
    assert answer.code == 0, answer.err
    figures = json.loads(answer.out)
    # The greedy string of so young a model may be empty; of a beam, all others in SELFIES are molecules.
    assert figures["n_molecules"] == 40 and figures["beam_midpoint_valid"] == 1.0
    info = json.loads(command("models", "info", "better").out)
    assert info["figures"] == figures
    assert info["training"]["steps"] == 30 and len(info["training"]["refined"]) == 2
    path = command("path", "CCO", "CCCCN", "--model", "better", "-q")
    assert path.code == 0 and len(path.out.splitlines()) >= 3
