import pytest
from molinterp.data import drugs

from molinterp.model.bundle import Bundle
from molinterp.training.data.recombination import with_recombined
from molinterp.training.data.settings import Recombination
from tests.cli.commands import STEPS, TINY, check_refused


def test_recombined_compounds_are_learnt_beside_the_others(command, monkeypatch, tmp_path):
    def few(corpus, n, cache, settings, *rest):
        return with_recombined(corpus, n, cache, Recombination(chunk_size=20), *rest)

    monkeypatch.setattr("molinterp.training.pipeline.with_recombined", few)
    rows = [f"{s},{'valid' if i % 10 == 0 else 'train'}" for i, s in enumerate(drugs().values())]
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *rows]))
    assert command(*TINY, "-o", "own", STEPS, "2", "--n-recombined", "30") == (0, "", "")
    training = Bundle.load("own").training
    assert training["n_recombined"] == 30
    sizes = ("--n-compounds", "100", "--n-decodes", "100", "--n-recombined", "30")
    steps = ("--heads-n-bit-steps", "5", "--heads-n-property-steps", "5", "--heads-n-passes", "0")
    answer = command("fit", "heads", "m.csv", "--model", "own", *sizes, *steps, "-q")
    assert (answer.code, answer.err) == (0, "")
    assert Bundle.load("own").realism.facts["heads"]["n"] == training["n_train"] + 30


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("density", "one.csv"), 2, "'default' ships with molinterp and is not overwritten"),
        (("density", "none.csv", "-o", "new"), 2, "does not exist"),
        (
            ("density", "one.csv", "-o", "new"),
            2,
            "'one.csv' holds no molecule of the split 'valid'. Give it a column 'split'",
        ),
        (("everything", "none.csv"), 2, "'everything' is not one of"),
        (("all", "none.csv", "--model", "none"), 4, "must be one that ships"),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(command, small, tmp_path, arguments, code, message):
    model = small if "new" in arguments else ()
    (tmp_path / "one.csv").write_text("smiles,y\n" + "".join(f"{'C' * i}O,1\n" for i in range(1, 40)))
    check_refused(command("fit", *arguments, *model), code, message)
    assert [p.name for p in tmp_path.iterdir()] == ["one.csv"]
