"""`molinterp report`: a path in a file in, one HTML page out."""

from __future__ import annotations

from pathlib import Path

import click
from molinterp.cli.options import Command


@click.command(cls=Command)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The page, .html.")
@click.option("--pair", help="Which pair or path, where PATH is a table of several.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
def report(path: Path, output: Path, pair: str | None, quiet: bool) -> None:
    """Draw PATH as one HTML page that works offline.

    PATH is what `molinterp path` wrote as .json, .csv or .tsv, or a table of `molinterp batch`.
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
