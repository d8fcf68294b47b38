"""`molinterp data`: list and download the public sources of the training data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from molinterp.cli.options import Command, byte_bar


@click.group()
def data() -> None:
    """List and download public sets of molecules for training."""


@data.command("list", cls=Command)
def list_() -> None:
    """List the sources as TSV: name, number of molecules, state of the SHA-256, licence, address."""
    from molinterp.data import sources

    click.echo("name\tn_molecules\tchecksum\tlicence\taddress")
    for source in sources():
        file = source["file"]
        checksum = "by hand" if file is None else "known" if file["sha256"] else "unknown"
        address = source["address"] if file is None else file["address"]
        click.echo(
            "\t".join([source["name"], str(source["n_molecules"]), checksum, source["licence"], address])
        )


@data.command("fetch", cls=Command)
@click.argument("name")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File to write.  [default: NAME.csv.gz]"
)
@click.option("--limit", type=click.IntRange(min=1), help="Number of rows to read.  [default: all]")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress on stderr.")
def fetch(name: str, output: Path | None, limit: int | None, quiet: bool) -> None:
    """Download the source NAME and write its molecules as a table for `molinterp train`.

    The downloaded file stays in the user's cache, so that the next call needs no network. Repeat the command
    to resume an interrupted download.
    """
    from molinterp.errors import InputError
    from molinterp.io.files import check_place
    from molinterp.training.data.datasets import fetch_source, source_named, to_table

    target = output or Path(f"{name}.csv.gz")
    if not target.name.endswith(".csv.gz"):
        raise InputError(f"`--output` must end in .csv.gz; got '{target}'.")
    check_place(target)
    with byte_bar(name, quiet) as show:
        fetched = fetch_source(name, show)
    if not fetched.is_known:
        click.echo(
            f"note: no SHA-256 of {name} is known; this file has {fetched.sha256}, "
            "which was recorded beside it and will be required from now on",
            err=True,
        )
    layout = source_named(name)["file"]
    table = to_table(fetched.path, layout, target, limit, lambda rows: _bar(rows, quiet))
    if not quiet:
        click.echo(
            f"{table.n_molecules} molecules written to {target} ({table.n_repeated} duplicates, "
            f"{table.n_refused} rejected); train with `molinterp train {target} -o FOLDER --minutes 60`",
            err=True,
        )


def _bar(rows: Any, quiet: bool) -> Any:
    from tqdm import tqdm

    return tqdm(rows, desc="standardise", unit=" rows", leave=False, disable=quiet)
