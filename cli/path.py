"""`molinterp path`: two compounds in, a table of molecules out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from molinterp.path import MoleculePath


@click.command()
@click.argument("compounds", nargs=-1, required=True, metavar="START [BY WAY OF…] END")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help=".csv, .tsv, .json, .sdf, .smi or .html."
)
@click.option(
    "--method", type=click.Choice(["geodesic", "linear", "slerp"]), default="geodesic", show_default=True
)
@click.option(
    "--output-space",
    type=click.Choice(["latent", "fingerprint", "properties", "tokens"]),
    default="fingerprint",
    show_default=True,
    help="What counts as a change along the geodesic.",
)
@click.option(
    "--keep", multiple=True, metavar="FEATURE", help="All molecules must have it, as bbb, logp=1..4."
)
@click.option("--gain", multiple=True, metavar="FEATURE", help="The start may lack it; once gained it stays.")
@click.option(
    "--lose", multiple=True, metavar="FEATURE", help="The start may have it; once lost it stays away."
)
@click.option("--avoid", multiple=True, metavar="FEATURE", help="No molecule may have it.")
@click.option("--steps", type=click.IntRange(min=2), help="Molecules wanted, ends included.  [default: auto]")
@click.option(
    "--min-step-similarity",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.5,
    show_default=True,
    help="Least ECFP4 Tanimoto similarity of neighbours.",
)
@click.option(
    "--objective",
    type=click.Choice(["smooth", "short"]),
    default="smooth",
    show_default=True,
    help="Many small steps, or few that are just small enough.",
)
@click.option(
    "--paths",
    "n_paths",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Paths without a molecule between in common; files are numbered.",
)
@click.option("--max-sa", type=click.FloatRange(1, 10), help="Largest SA score.  [default: ends' + 0.5]")
@click.option("--alerts", default="PAINS,BRENK", show_default=True, help="Catalogues to heed, or none.")
@click.option("--elements", help="Only these, as C,N,O,F.  [default: any familiar]")
@click.option("--substructure", metavar="SMARTS", help="The same as --keep smarts:SMARTS.")
@click.option("--scaffold", is_flag=True, help="The same as --keep scaffold.")
@click.option("--library", type=click.Path(path_type=Path), help="Compounds that exist; they may stand too.")
@click.option("--only-library", is_flag=True, help="Only compounds of the library may stand between.")
@click.option("--reference", type=click.Path(), help="Known compounds: a column says which steps are.")
@click.option("--no-edits", is_flag=True, help="Molecules that the model decodes, and no others.")
@click.option("--pointwise", is_flag=True, help="Decodes of the curve as they come, jumps and all.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--model", default="default", show_default=True, help="A shipped bundle, or a folder.")
@click.option("-d", "--device", default="cpu", show_default=True, help="cpu, cuda, mps.")
@click.option("--raw-csv", is_flag=True, help="Text cells as they are, formulas of a spreadsheet too.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("-v", "--verbose", is_flag=True, help="More about the path on stderr.")
def path(
    compounds: tuple[str, ...],
    output: Path | None,
    method: str,
    output_space: str,
    keep: tuple[str, ...],
    gain: tuple[str, ...],
    lose: tuple[str, ...],
    avoid: tuple[str, ...],
    steps: int | None,
    min_step_similarity: float,
    objective: Literal["smooth", "short"],
    n_paths: int,
    max_sa: float | None,
    alerts: str,
    elements: str | None,
    substructure: str | None,
    scaffold: bool,
    library: Path | None,
    only_library: bool,
    reference: str | None,
    no_edits: bool,
    pointwise: bool,
    timeout: float,
    seed: int,
    model: str,
    device: str,
    raw_csv: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Molecules between START and END, through those named between them.

    Each is a SMILES, a file (.smi, .sdf, .mol, .csv, also .gz), the name of a well-known drug, or -
    for standard input; file:, smiles: and name: say which where it is not clear. The table goes to
    stdout as TSV, or to the file given by -o.
    """
    from molinterp.assemble import Search
    from molinterp.chem.compounds import resolve
    from molinterp.chem.judge import Limits
    from molinterp.chem.library import Library, known_smiles
    from molinterp.interpolation import interpolate_several, interpolate_through
    from molinterp.output import check_writable, numbered, render, render_several, write_whole

    if output is not None:
        check_writable(output)
    if len(compounds) < 2:
        raise click.UsageError("a path needs two compounds, a start and an end.")
    if len(compounds) > 2 and n_paths > 1:
        raise click.UsageError("--paths goes with two compounds.")
    ends = [resolve(c) for c in compounds]
    options: dict[str, Any] = dict(
        bundle=model,
        method=method,
        output_space=output_space,
        keep=(
            *keep,
            *((f"smarts:{substructure}",) if substructure else ()),
            *(("scaffold",) if scaffold else ()),
        ),
        gain=gain,
        lose=lose,
        avoid=avoid,
        steps=steps,
        pointwise=pointwise,
        search=Search(
            min_step_similarity=min_step_similarity,
            objective=objective,
            edits=not no_edits,
            timeout=timeout,
        ),
        limits=Limits(
            max_sa_score=max_sa,
            catalogues=() if alerts == "none" else tuple(alerts.split(",")),
            elements=None if elements is None else tuple(elements.split(",")),
        ),
        library=None if library is None else Library.load(library, progress=_bar(quiet)),
        only_library=only_library,
        reference=None if reference is None else known_smiles(reference),
        seed=seed,
        device=device,
        names=[e.name for e in ends],
    )
    if len(ends) == 2:
        found = interpolate_several(ends[0].smiles, ends[1].smiles, n_paths, **options)
    else:
        found = [interpolate_through([e.smiles for e in ends], **options)]
    if output is None:
        if n_paths > 1:
            text = render_several(found, ".tsv", raw_cells=raw_csv)
        else:
            text = render(found[0], ".tsv", raw_cells=raw_csv)
        click.echo(text, nl=False)
    else:
        for target, one in zip(numbered(output, n_paths), found, strict=False):
            write_whole(target, render(one, output.suffix, raw_cells=raw_csv))
    if quiet:
        return
    for note in found[0].notes:
        click.echo(f"note: {note}", err=True)
    if len(found) < n_paths:
        click.echo(f"note: {n_paths} paths were asked for; {len(found)} were found", err=True)
    for one in found:
        _log(one, verbose)


def _bar(quiet: bool) -> Any:
    from tqdm import tqdm

    return lambda items: tqdm(items, desc="index library", leave=False, disable=quiet)


def _log(found: MoleculePath, verbose: bool) -> None:
    exact = sum(trip.is_exact for trip in found.round_trips)
    click.echo(
        f"{len(found)} molecules; worst step {found.worst_step:.2f}, mean {found.mean_step:.2f}; "
        f"chosen from {found.n_candidates}; "
        f"{found.raw_validity:.0%} of {found.n_decoded} decodes are molecules; "
        f"{exact} of 2 ends reconstructed",
        err=True,
    )
    if verbose:
        for reason, n in sorted(found.rejected.items()):
            click.echo(f"left out: {n} {reason}", err=True)
        for name, (low, high) in found.property_ranges().items():
            click.echo(f"{name}: {low:.4g} to {high:.4g}", err=True)
