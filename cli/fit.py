"""`molinterp fit`: fit what a bundle knows of realism on its latent space."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from molinterp.cli.options import Command, target_of
from molinterp.cli.progress import Bars
from molinterp.cli.settings_options import settings_from, settings_options

from molinterp.training.latent.settings import PARTS, LatentFit
from molinterp.training.settings import Machine


@click.command(cls=Command)
@click.argument("part", type=click.Choice(["all", *PARTS]))
@click.argument("molecules", type=click.Path(path_type=Path))
@click.option("--model", default="default", show_default=True, help="A shipped bundle, or a folder.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder written.  [default: that of --model]"
)
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    help="Folder of the tokenised corpus, which the heads need.  [default: that folder with .work]",
)
@settings_options(LatentFit, Machine)  # type: ignore[untyped-decorator]
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def fit(
    part: str, molecules: Path, model: str, output: Path | None, work: Path | None, quiet: bool, **values: Any
) -> None:
    """Fit a PART of a bundle on MOLECULES (.csv with a column smiles, or .smi; also .gz).

    The split train is learnt from, valid is measured on: by a column `split`, or as `molinterp train`
    divides a file without one. The parts are the heads (ECFP4 bits and properties from a latent point), the
    density of encoded compounds, the validity of decodes, the latent form of all features, the property
    windows: how far off the property head is, and where; and the familiar chemistry: atom environments and
    ring systems of the compounds, which filters know. Encoder and decoder stay. The figures are printed as
    JSON, and stored in the bundle.
    """
    from molinterp.model.bundle import Bundle
    from molinterp.model.storage import check_target
    from molinterp.training.pipeline import fit_latent, threads_of, workshop_of

    target = target_of(model, output)
    settings = settings_from(LatentFit, values, parts=PARTS if part == "all" else (part,))
    machine = settings_from(Machine, values)
    with threads_of(machine):
        bundle = Bundle.load(model, machine.device)
        check_target(target)
        shop = workshop_of(bundle, molecules, work or _beside(model, target), machine, Bars(quiet))
        fitted = fit_latent(settings, shop, bundle)
    fitted.save(target)
    click.echo(json.dumps(dict(fitted.realism.facts), indent=1))


def _beside(model: str, target: Path) -> Path:
    """Folder of the work: that of the training, if the model is a bundle of the user's."""
    folder = Path(model) if Path(model).is_dir() else target
    return folder.with_name(f"{folder.resolve().name}.work")
