import json

import pytest

from molinterp.model.bundle import Bundle
from tests.cli.commands import check_refused, rows
from tests.conftest import SMALL

LABELS = [
    f"{'C' * n}{tail},{int(tail in ('O', 'CO'))}" for n in range(1, 21) for tail in ("O", "N", "CO", "CN")
]
ONE_CLASS = "smiles,y\n" + "".join(f"{'C' * i}O,1\n" for i in range(1, 40))


@pytest.mark.weights
def test_the_list_names_classifiers_rules_and_properties(command):
    code, out, err = command("features", "list")
    assert code == 0, err
    header, *lines = rows(out)
    assert all(len(line) == len(header) for line in lines)
    kinds = {line[0]: line[1] for line in lines}
    assert (kinds["bbb"], kinds["lipinski"], kinds["logp"]) == ("classifier", "rule", "property")
    assert kinds["scaffold"] == "substructure"
    meanings = {line[0]: line[header.index("meaning")] for line in lines}
    assert all(meanings.values())
    assert "blood-brain barrier" in meanings["bbb"] and meanings["mw"] == "Average molecular weight, g/mol."
    full = json.loads(command("features", "list", "--json").out)
    assert full["bbb"]["n"] > 1_000 and full["bbb"]["auc_random"] >= 0.92


@pytest.mark.weights
def test_a_table_of_labels_becomes_a_feature_of_a_bundle(command, saved_bundle, tmp_path):
    compounds = [f"{s},{split}" for s in SMALL * 8 for split in ("train", "valid")]
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *compounds]))
    (tmp_path / "labels.csv").write_text("\n".join(["smiles,alcohol", *LABELS]))
    model = ("--model", "small")
    sizes = ("--n-compounds", "200", "--n-decodes", "100")
    steps = ("--heads-n-bit-steps", "100", "--heads-n-property-steps", "100", "--heads-n-passes", "0")
    code, out, err = command("fit", "density", "m.csv", *model, *sizes, "-q")
    assert (code, err) == (0, "") and set(json.loads(out)) == {"density"}
    code, out, err = command("fit", "heads", "m.csv", *model, *sizes, *steps, "-q", "-o", "taught")
    assert (code, err) == (0, "") and set(json.loads(out)) == {"density", "heads", "properties"}
    assert Bundle.load("taught").model.config.head_blocks == 3
    said = ("--meaning", "Bears\ta hydroxyl group.")
    code, out, err = command("features", "train", "alcohol", "labels.csv", *model, *said)
    figures = json.loads(out)
    assert code == 0 and figures["labels"] == ["labels.csv"] and figures["column"] == "alcohol"
    assert err.startswith("note: labels from column alcohol: ") and len(err.splitlines()) == 1
    reference = Bundle.load(saved_bundle).realism.reference
    assert figures["n"] == len(set(LABELS)) and figures["n_latent"] + figures["n_held_out"] == len(reference)
    models = Bundle.load(saved_bundle).realism
    assert models.index is not None and "alcohol" in models.features and "alcohol" in models.classifiers
    listed = command("features", "list", *model).out.splitlines()
    assert any(
        row.startswith("alcohol\tclassifier\t") and row.endswith("\tBears a hydroxyl group.")
        for row in listed
    )
    code, out, err = command("features", "eval", "alcohol", "labels.csv", *model)
    assert code == 0 and json.loads(out)["auc_molecules"] > 0.9, err


@pytest.mark.weights
def test_few_labels_are_enough_to_measure_on(command, tmp_path):
    (tmp_path / "few.csv").write_text("SMILES,Y\nCCCCCCCCCCc1ccccc1,1\nOC(=O)C(O)C(O)C(=O)O,0\n")
    code, out, err = command("features", "eval", "bbb", "few.csv")
    figures = json.loads(out)
    # A hydrocarbon enters the brain, tartaric acid does not.
    assert (code, err, figures["n"], figures["auc_molecules"]) == (0, "", 2, 1.0)
    assert figures["n_latent"] == 2


def test_a_classifier_alone_can_be_written(command, tmp_path):
    (tmp_path / "labels.csv").write_text("\n".join(["smiles,y", *LABELS, "nonsense,1"]))
    code, _, err = command("features", "train", "mine", "labels.csv", "--molecules-only", "-o", "out")
    assert code == 0 and "note: 1 row left out" in err
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["mine.json", "mine.safetensors"]


def test_a_bundle_without_reference_points_is_found_before_a_feature_is_learnt(
    command, saved_bundle, tmp_path, monkeypatch
):
    monkeypatch.setattr("molinterp.io.labels.read_labels", lambda *_: pytest.fail("read"))
    (tmp_path / "one.csv").write_text(ONE_CLASS)
    message = "bundle 'small' has no reference points; run `molinterp fit all` first"
    check_refused(command("features", "train", "mine", "one.csv", "--model", "small"), 2, message)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("train", "Mine", "none.csv"), 2, "must be lower-case letters"),
        (("train", "logp", "none.csv"), 2, "is taken by a rule or a property"),
        (("train", "mine", "none.csv"), 2, "'default' ships with molinterp and is not overwritten"),
        pytest.param(
            ("train", "mine", "none.csv", "-o", "new"), 2, "does not exist", marks=pytest.mark.weights
        ),
        pytest.param(
            *(("train", "mine", "one.csv", "-o", "new"), 2, "20 molecules of each class; got 0 with label 0"),
            marks=pytest.mark.weights,
        ),
        (("train", "mine", "one.csv", "--molecules-only"), 2, "Give --output"),
        (("train", "mine", "one.csv", "--molecules-only", "-o", "one.csv"), 4, "is a file"),
        (("train", "mine", "one.csv", "-o", "one.csv/mine"), 4, "one.csv' is a file"),
        (("train", "mine"), 2, "Missing argument"),
        (("eval", "bbb", "none.csv"), 2, "does not exist"),
        (("eval", "bbb", "one.csv"), 2, "at least 1 molecule of each class; got 0 with label 0"),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(command, tmp_path, arguments, code, message):
    (tmp_path / "one.csv").write_text(ONE_CLASS)
    check_refused(command("features", *arguments), code, message)
    assert [p.name for p in tmp_path.iterdir()] == ["one.csv"]
