"""`molinterp fit`: fit the models of realism on the latent space of a bundle."""

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
@click.option("--model", default="default", show_default=True, help="Name or folder of the model.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder to write.  [default: that of --model]"
)
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    help="Folder of the tokenised corpus, which the heads need.  [default: the folder of the model + .work]",
)
@settings_options(LatentFit, Machine)  # type: ignore[untyped-decorator]
@click.option("-q", "--quiet", is_flag=True, help="Show no progress on stderr.")
def fit(
    part: str, molecules: Path, model: str, output: Path | None, work: Path | None, quiet: bool, **values: Any
) -> None:
    """Fit a PART of a bundle on MOLECULES (.csv with a column smiles, or .smi; also .gz).

    The split train is used for fitting and valid for evaluation. A file without a column `split` is divided
    as by `molinterp train`. The parts are the heads (ECFP4 bits and properties of a latent point), the
    density of encoded compounds, the validity of decodes, the latent forms of all features, the property
    windows (the error of the property head as a function of the point), and the familiar chemistry (atom
    environments and ring systems of the compounds, which the filters use). Encoder and decoder do not change.
    The metrics are printed as JSON and stored in the bundle.
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
        shop = workshop_of(bundle, molecules, work or _work_folder(model, target), machine, Bars(quiet))
        fitted = fit_latent(settings, shop, bundle)
    fitted.save(target)
    click.echo(json.dumps(dict(fitted.realism.facts), indent=1))


def _work_folder(model: str, target: Path) -> Path:
    """Return the folder of work: that of the training if the model is in a folder of the user's."""
    folder = Path(model) if Path(model).is_dir() else target
    return folder.with_name(f"{folder.resolve().name}.work")
