"""`molinterp batch`: compute paths for a table of pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from molinterp.cli.options import Command, path_options

FAILED_ROWS = 3


@click.command(cls=Command)
@click.argument("pairs", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write: .csv, .csv.gz or .parquet.",
)
@click.option("--start", default="start", show_default=True, help="Column with the SMILES of the start.")
@click.option("--end", default="end", show_default=True, help="Column with the SMILES of the end.")
@click.option("--id", help="Column with the name of a pair.  [default: pair, id, or the row number]")
@click.option(
    "-j",
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of worker processes.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    help="Time limit of a pair.",
)
@click.option(
    "--mebibytes", type=click.IntRange(min=1), default=2048, show_default=True, help="Memory limit of a pair."
)
@click.option("--resume", is_flag=True, help="Resume an interrupted run.")
@click.option(
    "--on-error",
    type=click.Choice(["keep", "skip", "stop"]),
    default="keep",
    show_default=True,
    help="Write a row for a failed pair, skip it, or stop the run.",
)
@click.option("--errors", type=click.Path(path_type=Path), help="File for the failed pairs, .csv.")
@click.option(
    "--shard-size",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Largest number of pairs per shard.",
)
@path_options("n_paths")  # type: ignore[untyped-decorator]
@click.option(
    "--engine",
    type=click.Choice(["local", "dask"]),
    default="local",
    show_default=True,
    help="Compute on this machine or on a dask cluster.",
)
@click.option("--scheduler", help="Address of a dask scheduler, for --engine dask.")
@click.option(
    "--raw-csv", is_flag=True, help="Do not escape cells that a spreadsheet would read as formulas."
)
@click.option("-q", "--quiet", is_flag=True, help="Write only errors to stderr.")
def batch(
    pairs: Path,
    output: Path,
    start: str,
    end: str,
    id: str | None,
    workers: int,
    seconds: float,
    mebibytes: int,
    resume: bool,
    on_error: str,
    errors: Path | None,
    shard_size: int,
    engine: str,
    scheduler: str | None,
    raw_csv: bool,
    quiet: bool,
    given: dict[str, Any],
) -> int:
    """Compute the paths of all PAIRS (.csv, .csv.gz, .parquet, or - for a .csv on stdin) as one long table.

    The same pairs, options and version give the same bytes, whatever the number of workers and the
    interruptions. A pair that exceeds --seconds or --mebibytes fails.
    """
    from molinterp.batch.job import Budget, template
    from molinterp.batch.pairs import read_pairs
    from molinterp.batch.pool import Engine, Pool
    from molinterp.batch.progress import bar
    from molinterp.batch.run import Job, StoppedError, run_batch
    from molinterp.errors import InputError

    if (engine == "dask") != (scheduler is not None):
        raise InputError("--engine dask and --scheduler ADDRESS go together; got one of them.")
    request = template(given)
    table = read_pairs(pairs, start, end, id)
    job = Job(table, request, Budget(seconds, mebibytes), shard_size)
    if scheduler is None:
        computes: Engine = Pool(request, workers, job.budget)
    else:
        from molinterp.batch.dask import Cluster

        computes = Cluster(scheduler, request, job.budget)
    try:
        with bar(len(table), not quiet) as tick:
            summary = run_batch(
                job,
                computes,
                output,
                resume=resume,
                on_error=on_error,
                errors=errors,
                raw_cells=raw_csv,
                source=pairs,
                progress=tick,
            )
    except KeyboardInterrupt:
        click.echo("finished pairs are kept: repeat the command with --resume to continue", err=True)
        raise
    except StoppedError as error:
        click.echo(f"molinterp: {error}", err=True)
        return FAILED_ROWS
    if not quiet:
        click.echo(
            f"{summary.n_pairs - summary.n_failed} of {summary.n_pairs} pairs have a path; "
            f"{summary.n_rows} rows: {output}",
            err=True,
        )
    return FAILED_ROWS if summary.n_failed else 0
