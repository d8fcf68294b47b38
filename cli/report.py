"""`molinterp report`: render a path from a file as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click
from molinterp.cli.options import Command


@click.command(cls=Command)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="File to write: .html.")
@click.option("--pair", help="Name of the pair or path if PATH is a table of several.")
@click.option("-q", "--quiet", is_flag=True, help="Write only errors to stderr.")
def report(path: Path, output: Path, pair: str | None, quiet: bool) -> None:
    """Render PATH as one HTML page that works offline.

    PATH is a .json, .csv or .tsv file of `molinterp path`, or a table of `molinterp batch`.
    """
    from molinterp.errors import InputError
    from molinterp.io.files import write_whole
    from molinterp.report.formats import check_writable
    from molinterp.report.page import page
    from molinterp.report.view import read_view

    if output.suffix != ".html":
        raise InputError(f"the page must end in .html; got {output.name!r}.")
    check_writable(output)
    view = read_view(path, pair)
    write_whole(output, page(view))
    if not quiet:
        click.echo(f"{len(view.table)} molecules drawn: {output}", err=True)
