"""`molinterp check`: run every filter on the molecules of a file."""

from __future__ import annotations

from pathlib import Path

import click

FAILED_ROWS = 3


@click.command()
@click.argument("molecules")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="File to write: .csv or .tsv.  [default: stdout]"
)
@click.option("--model", default="default", show_default=True, help="Model whose familiar chemistry is used.")
@click.option("--strict", is_flag=True, help="Let soft alerts fail a molecule too.")
@click.option("-q", "--quiet", is_flag=True, help="Write only errors to stderr.")
@click.pass_context
def check(
    context: click.Context, molecules: str, output: Path | None, model: str, strict: bool, quiet: bool
) -> None:
    """Run every filter on MOLECULES, a file or - for SMILES on standard input.

    The table has one row per molecule: name, SMILES, verdict (clean, or the first filter that it fails),
    reason, and the indices of the atoms at fault in that SMILES, starting at 0. The exit code is 3 if a
    molecule fails.
    """
    import pandas as pd

    from molinterp.chem.filters import CLEAN, Filters
    from molinterp.chem.filters.survey import INVALID, Verdict, verdict_on
    from molinterp.errors import InputError
    from molinterp.io.files import write_whole
    from molinterp.io.molecule_files import read_records
    from molinterp.model.storage import familiar_of
    from molinterp.report.formats import check_writable, table

    if output is not None:
        if output.suffix not in (".csv", ".tsv"):
            raise InputError(f"an output file must end in .csv or .tsv; got {output.name!r}.")
        check_writable(output)
    filters = Filters.alone(familiar_of(model), soft_alerts_pass=not strict)
    names, found = [], []
    for record in read_records(molecules):
        names.append(record.name)
        fault = Verdict(record.smiles, INVALID, record.fault, ())
        found.append(fault if record.fault else verdict_on(record.cxsmiles, filters))
    if not found:
        raise InputError(f"{molecules!r} holds no molecule.")
    frame = pd.DataFrame([v.to_row() for v in found])
    frame.insert(0, "name", names)
    text = table(frame, ".tsv" if output is None else output.suffix)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_whole(output, text)
    n_failed = sum(v.verdict != CLEAN for v in found)
    if not quiet:
        click.echo(f"{len(found) - n_failed} of {len(found)} molecules pass every filter", err=True)
    if n_failed:
        context.exit(FAILED_ROWS)
