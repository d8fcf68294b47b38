import subprocess
import sys
from pathlib import Path

import pytest

from molinterp.errors import InputError
from molinterp.settings import leaves
from molinterp.training.data.settings import CorpusSettings
from molinterp.training.latent.settings import LatentFit
from molinterp.training.recipe import KINDS, Recipe, Stage
from molinterp.training.settings import Evaluation
from molinterp.training.vae.settings import Averaging, VAETraining

CORPUS = CorpusSettings("molecules.csv")
TRAIN = Stage(VAETraining(n_steps=5), "first")
RECIPES = sorted((Path(__file__).parents[2] / "pretrained").glob("*/recipe.toml"))


def test_a_recipe_is_the_same_from_its_toml(tmp_path):
    again = Stage(VAETraining(minutes=1, features="none"), "again", ("first",))
    mean = Stage(Averaging(), "mean", ("first", "again"))
    recipe = Recipe(CORPUS, (TRAIN, again, mean, Stage(LatentFit()), Stage(Evaluation())))
    (tmp_path / "recipe.toml").write_text(recipe.to_toml())
    assert Recipe.from_toml(tmp_path / "recipe.toml") == recipe
    starts = [stage.start for stage in recipe.stages]
    assert starts == [(), ("first",), ("first", "again"), ("mean",), ("fit",)]
    assert [stage.kind for stage in recipe.stages] == ["train", "train", "average", "fit", "evaluate"]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.parent.name)
def test_shipped_recipes_can_be_read(path):
    recipe = Recipe.from_toml(path)
    assert recipe.stages[0].kind == "train" and recipe.stages[-1].kind == "evaluate"


def test_each_shipped_bundle_has_its_recipe():
    assert {path.parent.name for path in RECIPES} == {"default", "selfies-small", "smiles-small"}


@pytest.mark.parametrize("cls", [CorpusSettings, *KINDS.values()])
def test_names_of_settings_are_unique_and_each_says_what_it_does(cls):
    found = list(leaves(cls, is_expert=True))
    assert len({leaf.name for leaf in found}) == len(found)
    assert all(leaf.help.endswith(".") for leaf in found)
    assert not {leaf.name for leaf in found} & {"stage", "name", "start"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[corpus", "is not TOML"),
        ("[corpora]", "a recipe has no table 'corpora'; it has corpus, recombination, stages"),
        ("stages = []", r"\[corpus\] must have 'molecules'"),
        ("[corpus]\nmolecules = 'm'", "must have at least one stage"),
        ("[corpus]\nmolecules = 'm'\n[stages]", "must be tables; write"),
        ("[[stages]]\nstage = 'bake'", "`stage` of stage 1 must be one of train, .* got 'bake'"),
        ("[[stages]]\nstage = 'train'", "stage 1: a training needs a budget"),
        (
            "[[stages]]\nstage = 'fit'\nname = 'x'\nsed = 1",
            r"stage 1 \(x\) has no setting 'sed'. Did you mean seed?",
        ),
        ("[[stages]]\nstage = 'fit'", "the first stage, 'fit', has no bundle to begin from"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_named(tmp_path, text, message):
    corpus = "[corpus]\nmolecules = 'm'\n" if text.startswith("[[stages]]") else ""
    (tmp_path / "r.toml").write_text(corpus + text)
    with pytest.raises(InputError, match=message):
        Recipe.from_toml(tmp_path / "r.toml")


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ((TRAIN, TRAIN), "two stages are called 'first'"),
        ((), "must have at least one stage"),
    ],
)
def test_stages_that_do_not_go_together_are_refused(stages, message):
    with pytest.raises(InputError, match=message):
        Recipe(CORPUS, tuple(stages))


def test_stages_are_checked_when_they_are_made():
    with pytest.raises(InputError, match="'mean' must average two bundles or more; got 1"):
        Stage(Averaging(), "mean", ("first",))
    with pytest.raises(InputError, match="must be letters, digits, - and _; got 'a b'"):
        Stage(Averaging(), "a b", ("first", "second"))
    with pytest.raises(InputError, match="'fit' must begin from one bundle; got a, b"):
        Stage(LatentFit(), start=("a", "b"))


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(InputError, match="none.toml' cannot be read"):
        Recipe.from_toml(tmp_path / "none.toml")


def test_a_recipe_is_read_without_torch():
    code = "import sys, molinterp.training.recipe; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
