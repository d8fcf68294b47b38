"""`molinterp models`: list, show, verify, download, average and evaluate models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from molinterp.cli.options import Command, byte_bar
from molinterp.cli.progress import Bars
from molinterp.cli.settings_options import settings_from, settings_options

from molinterp.training.settings import Evaluation, Machine


@click.group()
def models() -> None:
    """List, show, verify, download, average and evaluate models."""


@models.command("list", cls=Command)
def list_() -> None:
    """List the shipped and the downloaded models by name."""
    from molinterp.pretrained import BUNDLES

    from molinterp.model.storage import downloaded_names

    for name in (*BUNDLES, *downloaded_names()):
        click.echo(name)


@models.command(cls=Command)
@click.argument("bundle", default="default")
def info(bundle: str) -> None:
    """Print sizes, training and metrics of BUNDLE as JSON."""
    from molinterp.model.storage import locate, read_header

    header = read_header(locate(bundle))
    vocabulary = header.pop("vocabulary")
    header["representation"] = vocabulary["representation"]
    header["n_symbols"], header["n_merges"] = len(vocabulary["symbols"]), len(vocabulary["merges"])
    click.echo(json.dumps(header, indent=1))


@models.command(cls=Command)
@click.argument("bundle", default="default")
def verify(bundle: str) -> None:
    """Check every file of BUNDLE against its SHA-256 and load it."""
    from molinterp.model.bundle import Bundle

    click.echo(f"{Bundle.load(bundle).name}: sound")


@models.command(cls=Command)
@click.argument("bundle", required=False)
@click.option("--sha256", help="SHA-256 of the archive if BUNDLE is an address.")
@click.option("--name", help="Name to install it under.  [default: its name, or that of the archive]")
@click.option("-q", "--quiet", is_flag=True, help="Write only errors to stderr.")
def download(bundle: str | None, sha256: str | None, name: str | None, quiet: bool) -> None:
    """Download BUNDLE, a name or the address of a .zip or .tar file, into the user's cache.

    Without BUNDLE, list the names that can be downloaded. Use a downloaded bundle by its name, as
    `--model NAME`; this needs no network.
    """
    from molinterp.pretrained import BUNDLES

    from molinterp.model.bundle_archives import download_bundle, downloads

    if bundle is None:
        for one in downloads():
            click.echo(one)
        if not downloads():
            click.echo(
                f"no bundle can be downloaded by name yet; these ship: {', '.join(BUNDLES)}. "
                "Give the address of an archive and its --sha256.",
                err=True,
            )
        return
    with byte_bar(bundle, quiet) as show:
        called = download_bundle(bundle, sha256, name, show)
    click.echo(called)
    if not quiet:
        click.echo(f"{called}: sound; use it with --model {called}", err=True)


@models.command(cls=Command)
@click.argument("bundles", nargs=-1, required=True)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder to write the bundle to."
)
def average(bundles: tuple[str, ...], output: Path) -> None:
    """Average the parameters of BUNDLES from trainings that continue one another.

    The average is often better than each of them. Fit density, validity, features and heads again with
    `molinterp fit all`.
    """
    from molinterp.model.bundle import Bundle
    from molinterp.model.storage import check_target
    from molinterp.training.vae.weight_averaging import average as mean_of

    check_target(output)
    mean_of([Bundle.load(bundle) for bundle in bundles], output.name).save(output)
    click.echo(f"bundle written to {output}; evaluate it with `molinterp models eval`", err=True)


@models.command("eval", cls=Command)
@click.argument("molecules", type=click.Path(path_type=Path))
@click.option("--model", default="default", show_default=True, help="Name or folder of the model.")
@settings_options(Evaluation, Machine, leave_out=("n_processes",))  # type: ignore[untyped-decorator]
@click.option("--save", is_flag=True, help="Store the metrics in the bundle.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress on stderr.")
def evaluate(molecules: Path, model: str, save: bool, quiet: bool, **values: Any) -> None:
    """Evaluate a model on the first molecules of a held-out split of MOLECULES (.csv, .smi; also .gz).

    All molecules of a file without splits are used, unless the model was trained on it; then only the one
    molecule in a hundred that `molinterp train` held out is used.
    """
    from molinterp.model.bundle import Bundle
    from molinterp.model.storage import check_target, locate
    from molinterp.training.pipeline import measure, threads_of, workshop_of

    settings, machine = settings_from(Evaluation, values), settings_from(Machine, values)
    with threads_of(machine):
        bundle = Bundle.load(model, machine.device)
        if save:
            check_target(locate(model))
        shop = workshop_of(bundle, molecules, locate(model), machine, Bars(quiet))
        measured = measure(settings, shop, bundle)
    if save:
        measured.save(locate(model))
    click.echo(json.dumps(dict(measured.figures), indent=1))
