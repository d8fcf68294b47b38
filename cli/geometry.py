"""`molinterp geometry`: measure curves between two compounds in each output space."""

from __future__ import annotations

from pathlib import Path

import click
from molinterp.cli.options import Command, tell_changes

from molinterp.model.protocol import OutputSpace

SPACES = tuple(map(str, OutputSpace))
OFF_DATA = 3.0
"""Powers of ten by which the realism index of a geodesic may fall below that of the line without a note."""


@click.command(cls=Command)
@click.argument("start")
@click.argument("end")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write: .csv or .tsv.")
@click.option(
    "--output-space",
    "spaces",
    type=click.Choice(SPACES),
    multiple=True,
    help="Map whose change is measured; may be given several times.  [default: all]",
)
@click.option("--model", default="default", show_default=True, help="Name or folder of the model.")
@click.option("-q", "--quiet", is_flag=True, help="Write only errors to stderr.")
def geometry(
    start: str, end: str, output: Path | None, spaces: tuple[str, ...], model: str, quiet: bool
) -> None:
    """Measure length, energy and quality of line, slerp and geodesic between START and END.

    START and END are given as for `molinterp path`. The table is written to stdout as TSV, or to the file
    given by -o. The column `improvement` is the relative length improvement, 1 - length / length of the line;
    `log_index` is the smallest log10 of the realism index along the curve. If it is far below that of the
    line, the curve leaves the data.
    """
    from molinterp.errors import InputError
    from molinterp.io.compounds import resolve_all
    from molinterp.io.files import write_whole
    from molinterp.model.bundle import Bundle
    from molinterp.model.output_spaces import compare_curves
    from molinterp.report.formats import check_writable

    if output is not None:
        if output.suffix not in (".csv", ".tsv"):
            raise InputError(f"an output file must end in .csv or .tsv; got {output.name!r}.")
        check_writable(output)
    first, last = resolve_all((start, end))
    bundle = Bundle.load(model)
    rows = compare_curves(bundle, first.smiles, last.smiles, spaces or SPACES)
    table: list[tuple[str, ...]] = [
        ("space", "curve", "length", "energy", "quality", "improvement", "log_index")
    ]
    for r in rows:
        numbers = (
            f"{r.length:.6g}",
            f"{r.energy:.6g}",
            f"{r.quality:.6g}",
            f"{r.improvement:.6f}",
            f"{r.log_index:.4g}",
        )
        table.append((r.space, r.curve, *numbers))
    separator = "," if output is not None and output.suffix == ".csv" else "\t"
    text = "".join(separator.join(row) + "\n" for row in table)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_whole(output, text)
    if quiet:
        return
    tell_changes([first, last])
    if any(r.space == "properties" for r in rows) and not bundle.realism.precision:
        click.echo("note: only the means of properties are used; the model has no uncertainty", err=True)
    for r in rows:
        if r.curve == "geodesic":
            line = next(o for o in rows if (o.space, o.curve) == (r.space, "linear"))
            click.echo(f"{r.space}: the geodesic is {r.improvement:.1%} shorter than the line", err=True)
            if not r.is_converged:
                click.echo(f"note: {r.space}: the geodesic is not known to be the shortest curve", err=True)
            if r.log_index < line.log_index - OFF_DATA:
                both = f"10^{r.log_index:.0f}, that of the line 10^{line.log_index:.0f}"
                click.echo(f"note: {r.space}: the geodesic leaves the data; realism index {both}", err=True)
