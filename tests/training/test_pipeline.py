from dataclasses import replace

import pytest

from molinterp.errors import BundleError, InputError
from molinterp.model.bundle import Bundle
from molinterp.training import pipeline
from molinterp.training.pipeline import classifiers_named, train
from molinterp.training.recipe import Recipe
from molinterp.training.settings import Machine
from tests.conftest import SMALL
from tests.realism.test_fitting import Recorder

pytestmark = pytest.mark.weights

TINY = """
[corpus]
molecules = "{molecules}"
representation = "selfies"
n_tokens = 60

[recombination]
min_atoms = 4
chunk_size = 20

[[stages]]
stage = "train"
name = "first"
n_steps = 150
batch_size = 32
learning_rate = 5e-3
features = "bbb"
latent_dim = 4
embedding_dim = 16
encoder_dim = 16
decoder_dim = 32
head_dim = 16
encoder_blocks = 0
condition_dim = 0

[[stages]]
stage = "train"
name = "second"
start = "first"
n_steps = 5
batch_size = 32
n_recombined = 5
features = "none"
latent_dim = 4
embedding_dim = 16
encoder_dim = 16
decoder_dim = 32
head_dim = 16
encoder_blocks = 1
condition_dim = 0

[[stages]]
stage = "average"
start = ["first", "second"]

[[stages]]
stage = "self-train"
n_rounds = 1
n_points = 24
n_steps = 2
n_compounds = 32
beam_width = 2
n_samples = 2

[[stages]]
stage = "tune-encoder"
n_steps = 2
batch_size = 32

[[stages]]
stage = "fit"
n_compounds = 60
n_decodes = 30
density_kind = "prior"
heads_n_bit_steps = 2
heads_n_property_steps = 2
heads_n_passes = 0
validity_n_steps = 2
features_n_steps = 2

[[stages]]
stage = "evaluate"
split = "valid"
n_molecules = 8
n_pairs = 4
n_lines = 2
n_line_points = 4
n_sampled = 8
beam_width = 2
"""
MACHINE = Machine(threads=1)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe")
    rows = [f"{s},{'valid' if i < 8 else 'train'}" for i, s in enumerate(SMALL * 5)]
    (folder / "m.csv").write_text("\n".join(["smiles,split", *rows]))
    (folder / "recipe.toml").write_text(TINY.format(molecules=folder / "m.csv"))
    return Recipe.from_toml(folder / "recipe.toml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("out") / "tiny"


@pytest.fixture(scope="module")
def bundle(recipe, folder):
    return train(recipe, folder, machine=MACHINE)


def test_a_recipe_gives_a_bundle_with_all_its_stages(bundle, recipe, folder):
    assert bundle.name == "tiny" and Bundle.load(folder).figures == bundle.figures
    assert Recipe.from_table(bundle.training["recipe"]) == recipe
    assert bundle.training["averaged_with"][0]["before"]["steps"] == 150
    assert len(bundle.training["self_training"]) == len(bundle.training["encoder_tuning"]) == 1
    assert set(bundle.realism.facts) == {"heads", "density", "validity", "features", "properties", "familiar"}
    assert bundle.figures["n_molecules"] == 8 and 0 <= bundle.figures["reconstruction"] <= 1
    assert bundle.model.config.encoder_blocks == 1


def test_finished_stages_are_not_run_again(bundle, recipe, folder, monkeypatch):
    monkeypatch.setattr(pipeline, "run_stage", lambda stage, *_: pytest.fail(stage.name))
    progress = Recorder()
    again = train(recipe, folder, machine=MACHINE, progress=progress)
    assert again.training == bundle.training
    assert progress.seen == [f"stage {stage.name}: finished before" for stage in recipe.stages]


def test_a_changed_stage_and_those_behind_it_run_again(bundle, recipe, folder, monkeypatch):
    run = []

    def record(stage, shop, starts):
        run.append(stage.name)
        return Bundle.load(starts[0])

    monkeypatch.setattr(pipeline, "run_stage", record)
    fit = recipe.stages[-2]
    changed = replace(fit, settings=replace(fit.settings, seed=1))
    other = replace(recipe, stages=(*recipe.stages[:-2], changed, recipe.stages[-1]))
    train(other, folder, machine=MACHINE)
    assert run == ["fit", "evaluate"]


def test_what_a_recipe_cannot_begin_from_is_found_before_the_work(recipe, tmp_path):
    lost = replace(recipe, stages=(replace(recipe.stages[0], start=("none",)),))
    with pytest.raises(BundleError, match="bundle 'none' must be one that ships"):
        train(lost, tmp_path / "b", machine=MACHINE)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("irreplaceable")
    with pytest.raises(BundleError, match="is not empty and is not a bundle"):
        train(recipe, tmp_path / "thesis", machine=MACHINE)
    with pytest.raises(InputError, match="`device` must be one that torch can use here"):
        train(recipe, tmp_path / "b", machine=Machine("abacus"))
    assert {p.name for p in tmp_path.iterdir()} == {"thesis"}


def test_molecules_of_another_vocabulary_are_refused(recipe, tmp_path):
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *["CCCCO,train"] * 9]))
    corpus = replace(recipe.corpus, molecules=str(tmp_path / "m.csv"))
    tuned = replace(recipe.stages[4], start=("selfies-small",))
    with pytest.raises(
        InputError, match="those that 'selfies-small' was trained on; their vocabulary differs"
    ):
        train(replace(recipe, corpus=corpus, stages=(tuned,)), tmp_path / "b", machine=MACHINE)


def test_features_are_named_among_those_that_ship():
    assert list(classifiers_named("soluble, bbb")) == ["soluble", "bbb"] and classifiers_named("none") == {}
    with pytest.raises(InputError, match="`features` must name some of .*bbb.*, or all or none; got 'bb'"):
        classifiers_named("bb")
