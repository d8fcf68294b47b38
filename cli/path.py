"""`molinterp path`: two compounds in, a table of molecules out."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("start")
@click.argument("end")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help=".csv, .tsv, .json, .sdf, .smi or .html."
)
@click.option("--method", type=click.Choice(["linear", "slerp"]), default="linear", show_default=True)
@click.option("--steps", type=click.IntRange(min=2), help="Molecules wanted, ends included.  [default: all]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--model", default="default", show_default=True, help="A shipped bundle, or a folder.")
@click.option("-d", "--device", default="cpu", show_default=True, help="cpu, cuda, mps.")
@click.option("--raw-csv", is_flag=True, help="Text cells as they are, formulas of a spreadsheet too.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("-v", "--verbose", is_flag=True, help="More about the path on stderr.")
def path(
    start: str,
    end: str,
    output: Path | None,
    method: str,
    steps: int | None,
    seed: int,
    model: str,
    device: str,
    raw_csv: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Molecules between START and END.

    Each is a SMILES, a file (.smi, .sdf, .mol, .csv, also .gz), the name of a well-known drug, or -
    for standard input; file:, smiles: and name: say which where it is not clear. The table goes to
    stdout as TSV, or to the file given by -o.
    """
    from molinterp.chem.compounds import resolve
    from molinterp.interpolation import interpolate
    from molinterp.output import check_writable, render, write_whole

    if output is not None:
        check_writable(output)
    first, last = resolve(start), resolve(end)
    found = interpolate(
        first.smiles,
        last.smiles,
        bundle=model,
        method=method,
        steps=steps,
        seed=seed,
        device=device,
        names=(first.name, last.name),
    )
    if output is None:
        click.echo(render(found, ".tsv", raw_cells=raw_csv), nl=False)
    else:
        write_whole(output, render(found, output.suffix, raw_cells=raw_csv))
    if quiet:
        return
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    exact = sum(trip.is_exact for trip in found.round_trips)
    click.echo(
        f"{len(found)} molecules; worst step {found.worst_step:.2f}, mean {found.mean_step:.2f}; "
        f"{found.raw_validity:.0%} of {found.n_decoded} decodes are molecules; "
        f"{exact} of 2 ends reconstructed",
        err=True,
    )
    if verbose:
        for reason, n in sorted(found.rejected.items()):
            click.echo(f"left out: {n} {reason}", err=True)
        for name, (low, high) in found.property_ranges().items():
            click.echo(f"{name}: {low:.4g} to {high:.4g}", err=True)
