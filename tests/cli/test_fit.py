import pytest
from molinterp.data import drugs

from molinterp.model.bundle import Bundle
from molinterp.training.data import recombination
from molinterp.training.latent import fit as realism
from tests.cli.commands import STEPS, TINY, check_refused


def test_recombined_compounds_are_learnt_beside_the_others(command, monkeypatch, tmp_path):
    monkeypatch.setattr(recombination, "CHUNK", 20)
    monkeypatch.setitem(realism.fit_parts.__kwdefaults__, "n_steps", 5)
    rows = [f"{s},{'valid' if i % 10 == 0 else 'train'}" for i, s in enumerate(drugs().values())]
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *rows]))
    assert command(*TINY, "-o", "own", STEPS, "2", "--recombined", "30") == (0, "", "")
    training = Bundle.load("own").training
    assert training["n_recombined"] == 30
    fit = ("fit", "heads", "m.csv", "--model", "own", "--compounds", "100", "--points", "100", "-q")
    answer = command(*fit, "--cache", "own.cache", "--recombined", "30")
    assert (answer.code, answer.err) == (0, "")
    assert Bundle.load("own").realism.facts["heads"]["n"] == training["n_train"] + 30
    check_refused(command(*fit, "--recombined", "30"), 2, "`--recombined` needs --cache")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("density", "one.csv"), 2, "'default' ships with molinterp and is not overwritten"),
        (("density", "none.csv", "-o", "new"), 2, "cannot be read"),
        (
            ("density", "one.csv", "-o", "new"),
            2,
            "'one.csv' holds no molecule of the split 'valid'. Give it a column 'split'",
        ),
        (("everything", "none.csv"), 2, "'everything' is not one of"),
        (("all", "none.csv", "--model", "none"), 4, "must be one that ships"),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(command, tmp_path, arguments, code, message):
    (tmp_path / "one.csv").write_text("smiles,y\n" + "".join(f"{'C' * i}O,1\n" for i in range(1, 40)))
    check_refused(command("fit", *arguments), code, message)
    assert [p.name for p in tmp_path.iterdir()] == ["one.csv"]
