"""`molinterp median`: compounds in the middle of several."""

from __future__ import annotations

from pathlib import Path

import click
from molinterp.cli.options import tell_changes


@click.command()
@click.argument("compounds", nargs=-1, required=True, metavar="A B [C…]")
@click.option("-o", "--output", type=click.Path(path_type=Path), help=".csv or .tsv.")
@click.option("-n", type=click.IntRange(min=1), default=10, show_default=True, help="Compounds wanted.")
@click.option(
    "--output-space",
    type=click.Choice(["latent", "fingerprint", "properties", "tokens"]),
    default="fingerprint",
    show_default=True,
    help="What counts as a change.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--model", default="default", show_default=True, help="A shipped bundle, or a folder.")
@click.option("-d", "--device", default="cpu", show_default=True, help="cpu, cuda, mps.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
def median(
    compounds: tuple[str, ...],
    output: Path | None,
    n: int,
    output_space: str,
    seed: int,
    model: str,
    device: str,
    quiet: bool,
) -> None:
    """Compounds in the middle of two or more others, the most central first.

    Each is given as to `molinterp path`. The table goes to stdout as TSV, or to the file given by -o.
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
    found = find(
        [e.smiles for e in ends], bundle=model, output_space=output_space, n=n, seed=seed, device=device
    )
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
        far = "".join(f"; none is like {name}: {s:.2f} at most" for name, s in unlike(found, called).items())
        click.echo(f"{len(found)} compounds in the middle of {len(ends)}{far}", err=True)
