"""Run a batch: pairs in, one file out, resumable at any moment and reproducible byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

from molinterp.batch.job import FILES, SHARD_SIZE, Budget, Outcome, Pair, plan
from molinterp.batch.long_table import check_format, layout, records, write_table
from molinterp.batch.pairs import digest
from molinterp.batch.pool import Engine, Shard
from molinterp.batch.store import Store
from molinterp.errors import BundleError, InputError, MolinterpError
from molinterp.io.files import sha256, write_whole
from molinterp.paths.request import PathRequest

SCHEMA = 3
ON_ERROR = ("keep", "skip", "stop")

Progress = Callable[[int, int], None]
"""Called with the numbers of pairs and failures that were just completed."""


@final
@dataclass(frozen=True)
class Job:
    """Everything that determines the rows of a run."""

    pairs: Sequence[Pair]
    """The pairs, in order."""
    request: PathRequest
    """Template of the pairs' requests."""
    budget: Budget = Budget()
    """Time and memory that one pair may use."""
    shard_size: int = SHARD_SIZE
    """Number of pairs in a full shard."""

    @cached_property
    def plan(self) -> list[range]:
        """Indices of the pairs of each shard; see `job.plan`."""
        return plan(len(self.pairs), self.shard_size)

    @property
    def n_shards(self) -> int:
        """Number of shards."""
        return len(self.plan)

    def shard(self, number: int) -> Sequence[Pair]:
        """Return the pairs of one shard."""
        places = self.plan[number]
        return self.pairs[places.start : places.stop]


@final
@dataclass(frozen=True)
class Summary:
    """Counts of a completed run."""

    n_pairs: int
    """Number of pairs in the input."""
    n_failed: int
    """Number of pairs without a path."""
    n_rows: int
    """Number of rows written."""


@final
class StoppedError(MolinterpError):
    """A run with `on_error="stop"` met a pair without a path."""


def run_batch(
    job: Job,
    engine: Engine,
    output: Path,
    *,
    resume: bool = False,
    on_error: str = "keep",
    errors: Path | None = None,
    raw_cells: bool = False,
    source: Path | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Compute all pairs and write the long table of their paths.

    Finished shards are stored in OUTPUT.parts until the table is written; OUTPUT.manifest.json then records
    how it was made. The same job and version give the same bytes, whatever the engine, the number of workers
    and the interruptions.

    Args:
        job: the pairs and everything that determines their rows.
        engine: engine that computes the shards; it is closed at the end.
        output: .csv, .csv.gz or .parquet.
        resume: continue an unfinished run of the same job.
        on_error: "keep" writes one row with the reason for a failed pair, "skip" leaves it out, "stop" ends
            the run at the first failure.
        errors: .csv file for the failed pairs; None means that it is not written.
        raw_cells: do not escape text cells of a .csv that a spreadsheet would read as formulas.
        source: file that the pairs came from, which no output may replace; None means that there is none.
        progress: called after each shard, and once for a run that is already complete.

    Raises:
        InputError: a file or an option cannot be used, another run is writing the output, an unfinished run
            of another job exists, or a finished table would have to be written in another form.
        BundleError: the model is missing or damaged.
        StoppedError: a pair failed and `on_error` is "stop".
        WorkerError: the workers cannot be started.
    """
    store = Store(output)
    tell = progress or (lambda n, failed: None)
    try:
        _check(job, output, on_error, errors, source)
        manifest = _manifest(job)
        form = {"on_error": on_error, "raw_cells": raw_cells}
        if resume and (done := _finished(output, manifest, form, errors)) is not None:
            tell(done.n_pairs, done.n_failed)
            return done
        store.open(manifest, resume)
        try:
            _compute(job, engine, store, on_error == "stop", tell)
        except (BundleError, InputError):
            if store.is_empty:  # a run that never began must not block the next one
                store.remove()
            raise
        summary = _write(job, store, output, on_error, errors, raw_cells)
        finished = manifest | {
            "form": form,
            "output_sha256": sha256(output),
            "errors_sha256": None if errors is None else sha256(errors),
            "summary": asdict(summary),
        }
        write_whole(_manifest_file(output), json.dumps(finished, indent=1) + "\n")
        store.remove()
        return summary
    finally:
        engine.close()
        store.close()


def _check(job: Job, output: Path, on_error: str, errors: Path | None, source: Path | None) -> None:
    if on_error not in ON_ERROR:
        raise InputError(f"`on_error` must be one of {', '.join(ON_ERROR)}; got {on_error!r}.")
    if job.shard_size < 1:
        raise InputError(f"`shard_size` must be at least 1; got {job.shard_size}.")
    if not job.pairs:
        raise InputError("`pairs` must hold at least one pair; got none.")
    check_format(output)
    if errors is not None:
        if errors.suffix != ".csv":
            raise InputError(f"the file of errors must end in .csv; got '{errors}'.")
        check_format(errors)
    _check_apart({"file of pairs": source, "output": output, "file of errors": errors})


def _check_apart(files: Mapping[str, Path | None]) -> None:
    roles: dict[Path, str] = {}
    for role, file in files.items():
        other = role if file is None else roles.setdefault(file.resolve(), role)
        if other != role:
            raise InputError(f"the {role}, '{file}', must not be the same file as the {other}. Rename it.")


def _manifest(job: Job) -> dict[str, Any]:
    from importlib.metadata import version

    from molinterp import __version__

    return {
        "schema": SCHEMA,
        "n_pairs": len(job.pairs),
        "pairs_sha256": digest(job.pairs),
        "request": job.request.given(),
        "model_sha256": sha256(_bundle_header(job.request.model)),
        "files": {k: _sha256_of(k, Path(v)) for k in FILES if isinstance(v := getattr(job.request, k), str)},
        "budget": asdict(job.budget),
        "shard_size": job.shard_size,
        "versions": {"molinterp": __version__, **{n: version(n) for n in ("rdkit", "torch")}},
    }


def _bundle_header(name: str) -> Path:
    """Return the file of a bundle that records the SHA-256 of all others; workers verify them.

    Raises:
        BundleError: there is no such bundle.
    """
    from molinterp.pretrained import BUNDLES, bundle_folder

    file = (bundle_folder(name) if name in BUNDLES else Path(name)) / "bundle.json"
    if not file.is_file():
        from molinterp.model.storage import locate  # imports torch, so only if necessary

        return locate(name) / file.name
    return file


def _finished(
    output: Path, manifest: dict[str, Any], form: dict[str, Any], errors: Path | None
) -> Summary | None:
    """Return the summary of a completed run of the same job; None if there is none.

    Raises:
        InputError: its table has another form and its shards have been deleted.
    """
    file = _manifest_file(output)
    if not (file.is_file() and output.is_file()):
        return None
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        summary, hashed = Summary(**document.pop("summary")), document.pop("output_sha256")
        written = dict(document.pop("form"))
        listed = document.pop("errors_sha256", None)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if document != json.loads(json.dumps(manifest)) or hashed != sha256(output):
        return None
    if errors is not None and not (errors.is_file() and listed == sha256(errors)):
        return None
    store = Store(output)
    # Without a failure, `on_error` does not change the table.
    different = [k for k, v in form.items() if written.get(k) != v and (k != "on_error" or summary.n_failed)]
    if different:
        if not store.is_empty:
            return None
        name = different[0]
        raise InputError(
            f"the finished table '{output}' was written with `{name}` {json.dumps(written.get(name))}; "
            f"asked for is {json.dumps(form[name])}. Run without `resume` to write it again."
        )
    if store.folder.is_dir():
        store.open(manifest, resume=True)
        store.remove()
    return summary


def _compute(job: Job, engine: Engine, store: Store, stop: bool, progress: Progress) -> None:
    """Compute the missing shards and store each as soon as it is finished."""
    limit = job.n_shards
    missing = []
    for number in range(job.n_shards):
        outcomes = store.read(number)
        if outcomes is None or len(outcomes) != len(job.shard(number)):
            missing.append(number)
            continue
        failed = sum(o.is_failed for o in outcomes)
        progress(len(outcomes), failed)
        limit = min(limit, number) if stop and failed else limit

    def shards() -> Iterator[Shard]:
        for number in missing:
            if number <= limit:  # shards after the first failure are not started
                yield number, [(pair.start, pair.end) for pair in job.shard(number)]

    for number, outcomes in engine.run(shards()):
        store.write(number, outcomes)
        failed = sum(o.is_failed for o in outcomes)
        progress(len(outcomes), failed)
        limit = min(limit, number) if stop and failed else limit
    if limit < job.n_shards:
        _stop(job, limit, store.read(limit) or [])


def _stop(job: Job, number: int, outcomes: Sequence[Outcome]) -> None:
    pair, outcome = next((p, o) for p, o in zip(job.shard(number), outcomes, strict=True) if o.is_failed)
    raise StoppedError(f"pair '{pair.id}' has no path: {outcome.error} Stopped, as `on_error` asks.")


def _write(
    job: Job, store: Store, output: Path, on_error: str, errors: Path | None, raw_cells: bool
) -> Summary:
    columns = layout(store.outcomes(job.n_shards))
    counts = {"rows": 0, "failed": 0}

    def counted() -> Iterator[Outcome]:
        for outcome in store.outcomes(job.n_shards):
            counts["failed"] += outcome.is_failed
            counts["rows"] += len(outcome.rows) or (on_error != "skip")
            yield outcome

    rows = records(job.pairs, counted(), list(columns), keep_failed=on_error != "skip")
    write_table(output, columns, rows, raw_cells)
    if errors is not None:
        failed = (
            (pair.id, pair.start, pair.end, outcome.error)
            for pair, outcome in zip(job.pairs, store.outcomes(job.n_shards), strict=True)
            if outcome.is_failed
        )
        write_table(errors, dict.fromkeys(("pair", "start", "end", "error"), "str"), failed, raw_cells)
    return Summary(len(job.pairs), counts["failed"], counts["rows"])


def _manifest_file(output: Path) -> Path:
    return output.with_name(f"{output.name}.manifest.json")


def _sha256_of(option: str, file: Path) -> str:
    try:
        return sha256(file)
    except OSError as error:
        raise InputError(f"`{option}` '{file}' cannot be read: {error.strerror}. Check the path.") from error
