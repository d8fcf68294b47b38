"""The folder of an unfinished run: its manifest, its shards, and a lock.

Every file appears whole or not at all, so that a run can be killed at any moment and resumed.
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
    """Finished shards of a run, beside its output."""

    def __init__(self, output: Path) -> None:
        """Name the folder after the output; nothing is written yet."""
        self.folder = output.with_name(f"{output.name}.parts")
        self.output = output
        self._lock: IO[str] | None = None

    def open(self, manifest: Mapping[str, Any], resume: bool) -> None:
        """Lock the folder and hold its manifest against this run's.

        Args:
            manifest: what the run is made of, of JSON types.
            resume: go on with an unfinished run, if there is one.

        Raises:
            InputError: another run holds the folder, an unfinished run lies in it and `resume` is off,
                or it was made of other inputs or options, or of what cannot be told.
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
        """Keep a finished shard."""
        text = json.dumps([outcome.to_json() for outcome in outcomes], allow_nan=False)
        write_whole(self._file(number), text + "\n")

    def read(self, number: int) -> list[Outcome] | None:
        """A finished shard; None where it is missing or damaged."""
        try:
            document = json.loads(self._file(number).read_text(encoding="utf-8"))
            return [Outcome.from_json(entry) for entry in document]
        except (OSError, ValueError, TypeError):
            return None

    def outcomes(self, n_shards: int) -> Iterator[Outcome]:
        """Results of all pairs, in order, one shard in memory at a time."""
        for number in range(n_shards):
            shard = self.read(number)
            if shard is None:
                raise InputError(f"shard {number} in '{self.folder}' is gone. Run again with `resume`.")
            yield from shard

    @property
    def is_empty(self) -> bool:
        """Whether there is no finished shard."""
        return next(self.folder.glob("[0-9]*.json"), None) is None

    def remove(self) -> None:
        """Delete the folder, shards first and the manifest last, while the lock is held."""
        for file in sorted(self.folder.glob("*"), key=lambda f: f.name == MANIFEST):
            if file.name != "lock":
                file.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.close()

    def close(self) -> None:
        """Let go of the lock."""
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
                continue  # the run that held it has just removed it
            except OSError as error:
                raise InputError(f"folder '{self.folder}' cannot be written: {error.strerror}.") from error
            try:
                _lock(stream)
                # A run that ends removes the folder; a lock on what it removed holds nobody off.
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
    """Lock a file for this process; the system lets go of it when the process ends, however it ends."""
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
        pass  # some network file systems know no locks


def _read(file: Path) -> Mapping[str, Any]:
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        return dict(manifest)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"'{file}' is damaged, so nobody can tell what the unfinished run was made of. "
            f"Delete '{file.parent}' and begin anew."
        ) from error


def _compare(old: Mapping[str, Any], new: Mapping[str, Any], folder: Path) -> None:
    different = [k for k in dict(old) | dict(new) if old.get(k) != new.get(k)]
    if different:
        name = different[0]
        raise InputError(
            f"the unfinished run in '{folder}' must be resumed as it began: `{name}` was "
            f"{_short(old.get(name))} and is {_short(new.get(name))} now. Delete the folder to begin anew."
        )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
