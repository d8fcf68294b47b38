import json

import pytest

from molinterp.model.bundle import Bundle
from molinterp.training.latent import features
from molinterp.training.latent import fit as realism
from tests.conftest import SMALL

ROWS = [
    f"{'C' * n}{tail},{int(tail in ('O', 'CO'))}" for n in range(1, 21) for tail in ("O", "N", "CO", "CN")
]


@pytest.fixture
def run(command, monkeypatch, tmp_path):
    """The command in this process: exit code, stdout and stderr; the folder is `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    return command


def test_the_list_names_classifiers_rules_and_properties(run):
    code, out, err = run("features", "list")
    assert code == 0, err
    lines = [line.split("\t") for line in out.splitlines()]
    assert all(len(line) == len(lines[0]) for line in lines)
    kinds = {line[0]: line[1] for line in lines[1:]}
    assert (kinds["bbb"], kinds["lipinski"], kinds["logp"]) == ("classifier", "rule", "property")
    assert kinds["scaffold"] == "substructure"
    meanings = {line[0]: line[lines[0].index("meaning")] for line in lines[1:]}
    assert all(meanings.values())
    assert "blood-brain barrier" in meanings["bbb"] and meanings["mw"] == "Average molecular weight, g/mol."
    full = json.loads(run("features", "list", "--json")[1])
    assert full["bbb"]["n"] > 1_000 and full["bbb"]["auc_random"] >= 0.92


def test_a_table_of_labels_becomes_a_feature_of_a_bundle(run, saved_bundle, tmp_path, monkeypatch):
    for function in (realism.fit_parts, features.teach_feature):
        monkeypatch.setitem(function.__kwdefaults__, "n_steps", 100)
    compounds = [f"{s},{split}" for s in SMALL * 8 for split in ("train", "valid")]
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *compounds]))
    (tmp_path / "labels.csv").write_text("\n".join(["smiles,alcohol", *ROWS]))
    sizes = ("--compounds", "200", "--points", "100")
    code, out, err = run("fit", "density", "m.csv", "--model", "small", *sizes, "-q")
    assert (code, err) == (0, "") and set(json.loads(out)) == {"density"}
    code, out, err = run("fit", "heads", "m.csv", "--model", "small", *sizes, "-q", "-o", "taught")
    assert (code, err) == (0, "") and set(json.loads(out)) == {"density", "heads", "properties"}
    assert Bundle.load("taught").model.config.head_blocks == 3
    said = ("--meaning", "Bears\ta hydroxyl group.")
    code, out, err = run("features", "train", "alcohol", "labels.csv", "--model", "small", *said)
    figures = json.loads(out)
    assert (code, err) == (0, "") and figures["labels"] == ["labels.csv"]
    reference = Bundle.load(saved_bundle).realism.reference
    assert figures["n"] == len(set(ROWS)) and figures["n_latent"] + figures["n_held_out"] == len(reference)
    models = Bundle.load(saved_bundle).realism
    assert models.index is not None and "alcohol" in models.features and "alcohol" in models.classifiers
    listed = run("features", "list", "--model", "small")[1].splitlines()
    assert any(
        row.startswith("alcohol\tclassifier\t") and row.endswith("\tBears a hydroxyl group.")
        for row in listed
    )
    code, out, err = run("features", "eval", "alcohol", "labels.csv", "--model", "small")
    assert code == 0 and json.loads(out)["auc_molecules"] > 0.9, err


def test_few_labels_are_enough_to_measure_on(run, tmp_path):
    (tmp_path / "few.csv").write_text("SMILES,Y\nCCCCCCCCCCc1ccccc1,1\nOC(=O)C(O)C(O)C(=O)O,0\n")
    code, out, err = run("features", "eval", "bbb", "few.csv")
    figures = json.loads(out)
    # A hydrocarbon enters the brain, tartaric acid does not.
    assert (code, err, figures["n"], figures["auc_molecules"]) == (0, "", 2, 1.0)
    assert figures["n_latent"] == 2


def test_a_classifier_alone_can_be_written(run, tmp_path):
    (tmp_path / "labels.csv").write_text("\n".join(["smiles,y", *ROWS, "nonsense,1"]))
    code, _, err = run("features", "train", "mine", "labels.csv", "--molecules-only", "-o", "out")
    assert code == 0 and "note: 1 row left out" in err
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["mine.json", "mine.safetensors"]


ONE_CLASS = "smiles,y\n" + "".join(f"{'C' * i}O,1\n" for i in range(1, 40))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("fit", "density", "one.csv"), 2, "'default' ships with molinterp and is not written over"),
        (("fit", "density", "none.csv", "-o", "new"), 2, "cannot be read"),
        (
            ("fit", "density", "one.csv", "-o", "new"),
            2,
            "'one.csv' holds no molecule of the split 'valid'. Give it a column 'split'",
        ),
        (("fit", "everything", "none.csv"), 2, "'everything' is not one of"),
        (("fit", "all", "none.csv", "--model", "none"), 4, "must be one that ships"),
        (("features", "train", "Mine", "none.csv"), 2, "must be lower-case letters"),
        (("features", "train", "logp", "none.csv"), 2, "is taken by a rule or a property"),
        (
            ("features", "train", "mine", "none.csv"),
            2,
            "'default' ships with molinterp and is not written over",
        ),
        (("features", "train", "mine", "none.csv", "-o", "new"), 2, "cannot be read"),
        (
            ("features", "train", "mine", "one.csv", "-o", "new"),
            2,
            "20 molecules of each class; got 0 with label 0",
        ),
        (("features", "train", "mine", "one.csv", "--molecules-only"), 2, "give --output"),
        (("features", "train", "mine", "one.csv", "--molecules-only", "-o", "one.csv"), 4, "is a file"),
        (("features", "train", "mine", "one.csv", "-o", "one.csv/mine"), 4, "one.csv' is a file"),
        (("features", "train", "mine"), 2, "Missing argument"),
        (("features", "eval", "bbb", "none.csv"), 2, "cannot be read"),
        (("features", "eval", "bbb", "one.csv"), 2, "at least 1 molecule of each class; got 0 with label 0"),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(run, tmp_path, arguments, code, message):
    (tmp_path / "one.csv").write_text(ONE_CLASS)
    found, out, err = run(*arguments)
    assert message in err
    assert (found, out) == (code, "")
    assert [p.name for p in tmp_path.iterdir()] == ["one.csv"]
