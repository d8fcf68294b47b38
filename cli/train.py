"""`molinterp train`: train a model on molecules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from molinterp.cli.options import Command
from molinterp.cli.progress import Bars
from molinterp.cli.settings_options import flag_of, settings_from, settings_options

from molinterp.training.data.settings import CorpusSettings
from molinterp.training.settings import Machine
from molinterp.training.vae.settings import VAETraining

OWN = ("molecules", "recipe", "output", "work", "print_recipe", "quiet", "device", "threads", "n_processes")
"""Parameters that are not part of a recipe, or that may be given together with one."""


@click.command(cls=Command)
@click.argument("molecules", required=False, type=click.Path(path_type=Path))
@click.option(
    "--recipe", type=click.Path(path_type=Path), help="TOML file with corpus and stages, instead of options."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write the bundle to.")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    help="Folder for corpus, checkpoints and the bundles of stages.  [default: OUTPUT.work]",
)
@click.option(
    "--start", help="Model to start from, with the same vocabulary and sizes, except those that can grow."
)
@click.option("--print-recipe", is_flag=True, help="Print the recipe and exit.")
@settings_options(CorpusSettings, VAETraining, Machine, leave_out=("molecules",))  # type: ignore[untyped-decorator]
@click.option("-q", "--quiet", is_flag=True, help="Show no progress on stderr.")
def train(
    molecules: Path | None,
    recipe: Path | None,
    output: Path | None,
    work: Path | None,
    start: str | None,
    print_recipe: bool,
    quiet: bool,
    **values: Any,
) -> None:
    """Train a model on MOLECULES (.csv with a column smiles, or .smi; also .gz).

    A column `split` (train, valid, test) is used if there is one. Otherwise one molecule in a hundred is held
    out for each of the last two. Without --recipe only a VAE is trained; the other commands run one further
    stage each. With --recipe all stages run, and MOLECULES replaces those of the recipe. The run can be
    interrupted at any moment. Repeat the command to resume it from OUTPUT.work.
    """
    from molinterp.errors import InputError

    chosen = _read(recipe, molecules) if recipe else _asked(molecules, start, values)
    if print_recipe:
        click.echo(chosen.to_toml(), nl=False)
        return
    if output is None:
        raise InputError("the bundle needs a folder to be written to. Give --output.")
    from molinterp.training.pipeline import train as run

    machine = settings_from(Machine, values)
    bundle = run(chosen, output, machine=machine, work=work, progress=Bars(quiet))
    if not quiet:
        hint = "" if bundle.figures else "; evaluate it with `molinterp models eval`"
        click.echo(f"bundle written to {output}{hint}", err=True)


def _asked(molecules: Path | None, start: str | None, values: dict[str, Any]) -> Any:
    """Build a recipe with one stage from the options."""
    from molinterp.errors import InputError
    from molinterp.training.recipe import Recipe, Stage

    if molecules is None:
        raise InputError("a training needs MOLECULES, or --recipe with a file that names them.")
    corpus = settings_from(CorpusSettings, values, molecules=str(molecules))
    stage = Stage(settings_from(VAETraining, values), start=(start,) if start else ())
    return Recipe(corpus, (stage,))


def _read(path: Path, molecules: Path | None) -> Any:
    """Read a recipe from a file, and replace its molecules if others are given."""
    from dataclasses import replace

    from click.core import ParameterSource

    from molinterp.errors import InputError
    from molinterp.training.recipe import Recipe

    context = click.get_current_context()
    for name in context.params:
        is_given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if is_given and name not in OWN:
            raise InputError(f"{flag_of(name)} belongs to the recipe: set it in '{path}'.")
    recipe = Recipe.from_toml(path)
    if molecules is None:
        return recipe
    return replace(recipe, corpus=replace(recipe.corpus, molecules=str(molecules)))
