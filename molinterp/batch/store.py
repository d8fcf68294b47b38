"""Store an unfinished run in a folder: its manifest, its shards, and a lock.

Every file is written atomically, so that a run can be killed at any moment and resumed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, final

from molinterp.batch.job import Outcome
from molinterp.errors import InputError
from molinterp.io.files import write_whole

MANIFEST = "manifest.json"


@final
class Store:
    """Finished shards of a run, in a folder beside its output."""

    def __init__(self, output: Path) -> None:
        """Derive the folder from the output; nothing is written yet."""
        self.folder = output.with_name(f"{output.name}.parts")
        self.output = output
        self._lock: IO[str] | None = None

    def open(self, manifest: Mapping[str, Any], resume: bool) -> None:
        """Lock the folder and compare its manifest with that of this run.

        Args:
            manifest: inputs and options of the run, in JSON types.
            resume: continue an unfinished run if there is one.

        Raises:
            InputError: another run has locked the folder, or the folder contains an unfinished run and
                `resume` is off, its inputs or options differ, or its manifest is damaged.
        """
        self._acquire()
        file = self.folder / MANIFEST
        if file.is_file() and not self.is_empty:
            if not resume:
                raise InputError(
                    f"an unfinished run lies in '{self.folder}'. Continue it with `resume`, or delete it."
                )
            _compare(_read(file), manifest, self.folder)
        else:
            write_whole(file, json.dumps(manifest, indent=1) + "\n")

    def write(self, number: int, outcomes: Sequence[Outcome]) -> None:
        """Store a finished shard."""
        text = json.dumps([outcome.to_json() for outcome in outcomes], allow_nan=False)
        write_whole(self._file(number), text + "\n")

    def read(self, number: int) -> list[Outcome] | None:
        """Return a finished shard, or None if it is missing or damaged."""
        try:
            document = json.loads(self._file(number).read_text(encoding="utf-8"))
            return [Outcome.from_json(entry) for entry in document]
        except (OSError, ValueError, TypeError):
            return None

    def outcomes(self, n_shards: int) -> Iterator[Outcome]:
        """Yield the results of all pairs in order, with one shard in memory at a time."""
        for number in range(n_shards):
            shard = self.read(number)
            if shard is None:
                raise InputError(f"shard {number} in '{self.folder}' is missing. Run again with `resume`.")
            yield from shard

    @property
    def is_empty(self) -> bool:
        """Whether there is no finished shard."""
        return next(self.folder.glob("[0-9]*.json"), None) is None

    def remove(self) -> None:
        """Delete the folder while holding the lock, the shards first and the manifest last."""
        for file in sorted(self.folder.glob("*"), key=lambda f: f.name == MANIFEST):
            if file.name != "lock":
                file.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.close()

    def close(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:08d}.json"

    def _acquire(self) -> None:
        while True:
            try:
                self.folder.mkdir(exist_ok=True)
                stream = (self.folder / "lock").open("a+", encoding="utf-8")
            except FileNotFoundError:
                continue  # the run that had locked it has just removed it
            except OSError as error:
                raise InputError(f"folder '{self.folder}' cannot be written: {error.strerror}.") from error
            try:
                _lock(stream)
                # A run that ends removes the folder, and a lock on a removed file protects nothing.
                if os.path.samestat(os.fstat(stream.fileno()), os.stat(self.folder / "lock")):
                    self._lock = stream
                    return
            except BlockingIOError as error:
                stream.close()
                raise InputError(
                    f"another run is writing '{self.output}'. Wait for it, or choose another output."
                ) from error
            except FileNotFoundError:
                pass
            stream.close()


def _lock(stream: IO[str]) -> None:
    """Lock a file for this process; the system releases the lock however the process ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        stream.seek(0)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError as error:
            raise BlockingIOError from error
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        pass  # some network file systems do not support locks


def _read(file: Path) -> Mapping[str, Any]:
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        return dict(manifest)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"'{file}' is damaged, so the unfinished run cannot be resumed. "
            f"Delete '{file.parent}' and start again."
        ) from error


def _compare(old: Mapping[str, Any], new: Mapping[str, Any], folder: Path) -> None:
    different = [k for k in dict(old) | dict(new) if old.get(k) != new.get(k)]
    if different:
        name = different[0]
        raise InputError(
            f"the unfinished run in '{folder}' must be resumed with the same options: `{name}` was "
            f"{_short(old.get(name))} and is now {_short(new.get(name))}. Delete the folder to start again."
        )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
