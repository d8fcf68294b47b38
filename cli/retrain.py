"""`molinterp self-train` and `tune-encoder`: improve a trained model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from molinterp.cli.options import Command
from molinterp.cli.progress import Bars
from molinterp.cli.settings_options import settings_from, settings_options

from molinterp.training.settings import Machine
from molinterp.training.vae.settings import EncoderTuning, SelfTraining

_SHARED = (
    click.argument("bundle"),
    click.argument("molecules", type=click.Path(path_type=Path)),
    click.option(
        "-o",
        "--output",
        required=True,
        type=click.Path(path_type=Path),
        help="Folder to write the bundle to.",
    ),
    click.option(
        "--work",
        required=True,
        type=click.Path(path_type=Path),
        help="Folder of the tokenised corpus of the training.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Show no progress on stderr."),
)


def _shared(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in reversed(_SHARED):
        command = decorate(command)
    return command


@click.command("self-train", cls=Command)
@_shared
@settings_options(SelfTraining, Machine)  # type: ignore[untyped-decorator]
def self_train(bundle: str, molecules: Path, output: Path, work: Path, quiet: bool, **values: Any) -> None:
    """Train the decoder of BUNDLE on its own decodes between the MOLECULES it was trained on.

    Points between random training compounds are decoded in several ways. Of the decodes that pass the filters
    of a path, the one whose encoding is nearest to the point becomes the target there. The bundle is written
    without density, validity and features. Fit them again with `molinterp fit`.
    """
    _run(settings_from(SelfTraining, values), bundle, molecules, output, work, quiet, values)


@click.command("tune-encoder", cls=Command)
@_shared
@settings_options(EncoderTuning, Machine)  # type: ignore[untyped-decorator]
def tune_encoder(bundle: str, molecules: Path, output: Path, work: Path, quiet: bool, **values: Any) -> None:
    """Train the encoder of BUNDLE with a fixed decoder on the MOLECULES it was trained on.

    The bundle is written without density, validity and features. Fit them again with `molinterp fit`.
    """
    _run(settings_from(EncoderTuning, values), bundle, molecules, output, work, quiet, values)


def _run(
    settings: Any, name: str, molecules: Path, output: Path, work: Path, quiet: bool, values: dict[str, Any]
) -> None:
    from dataclasses import replace

    from molinterp.model.bundle import Bundle
    from molinterp.model.storage import check_target, locate
    from molinterp.training.pipeline import run_stage, threads_of, workshop_of
    from molinterp.training.recipe import Stage

    machine = settings_from(Machine, values)
    with threads_of(machine):
        check_target(output)
        shop = workshop_of(Bundle.load(name), molecules, work, machine, Bars(quiet))
        trained = run_stage(Stage(settings), shop, [locate(name)])
    replace(trained, name=output.resolve().name).save(output)
