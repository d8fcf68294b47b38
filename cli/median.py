"""`molinterp median`: find compounds in the middle of several others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from molinterp.cli.options import Command, path_options, tell_changes

_NOT_OF_A_MEDIAN = (
    *("library", "only_library", "reference", "keep", "gain", "lose", "avoid", "substructure", "scaffold"),
    *(
        "n_molecules",
        "n_paths",
        "objective",
        "min_step_similarity",
        "edits",
        "timeout",
        "method",
        "pointwise",
    ),
)
"""Options of a path that do not apply to a median."""


@click.command(cls=Command)
@click.argument("compounds", nargs=-1, required=True, metavar="A B [C…]")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write: .csv or .tsv.")
@click.option(
    "-n", type=click.IntRange(min=1), default=10, show_default=True, help="Number of compounds to find."
)
@path_options(*_NOT_OF_A_MEDIAN)  # type: ignore[untyped-decorator]
@click.option("-q", "--quiet", is_flag=True, help="Write only errors to stderr.")
def median(
    compounds: tuple[str, ...],
    output: Path | None,
    n: int,
    given: dict[str, Any],
    quiet: bool,
) -> None:
    """Find compounds in the middle of two or more others, the most central first.

    Compounds are given as for `molinterp path`. The table is written to stdout as TSV, or to the file given
    by -o.
    """
    from molinterp.errors import InputError
    from molinterp.io.compounds import resolve_all
    from molinterp.io.files import write_whole
    from molinterp.paths.median import median as find
    from molinterp.paths.median import median_frame, unlike
    from molinterp.report.formats import check_writable, table

    if output is not None:
        check_writable(output)
        if output.suffix not in (".csv", ".tsv"):
            raise InputError(f"an output file must end in .csv or .tsv; got {output.name!r}.")
    ends = resolve_all(compounds)
    found = find([e.smiles for e in ends], n=n, **given)
    names = [e.name or str(i) for i, e in enumerate(ends, start=1)]
    if len(set(names)) < len(names):
        names = [str(i) for i in range(1, len(names) + 1)]
    text = table(median_frame(found, names), ".tsv" if output is None else output.suffix)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_whole(output, text)
    if not quiet:
        tell_changes(ends)
        called = [e.name or e.smiles for e in ends]
        far = "".join(
            f"; none is similar to {name} ({s:.2f} at most)" for name, s in unlike(found, called).items()
        )
        click.echo(f"{len(found)} compounds in the middle of {len(ends)}{far}", err=True)
