"""Worker processes under watch: a pair that crashes, hangs or eats memory costs one row.

A group of pairs is computed together. Where that fails, its process is ended and the pairs are computed
one by one, so that only the pair at fault fails, and its row says why. What a pair gives does not depend
on the group, so the result is the same whatever happened.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, final

from molinterp.batch.job import Budget, Outcome
from molinterp.batch.worker import MEMORY
from molinterp.errors import BundleError, InputError, MolinterpError, WorkerError
from molinterp.paths.request import PathRequest

TICK = 0.05
"""Seconds between two looks at the workers."""
PAUSE = 0.5
"""Seconds between two looks after which this process itself is taken to have stood still."""
START_SECONDS = 600.0
"""Time for a worker to load the model."""
REHEARSAL = (("CCO", "CCN"),)
"""Pairs computed before the first task, so that what is loaded late counts for no pair."""

Shard = tuple[int, Sequence[tuple[str, str]]]
"""Number of a shard and its pairs of SMILES."""
Result = tuple[int, list[Outcome]]
"""Number of a shard and an outcome for each of its pairs, in order."""


class Engine(Protocol):
    """Something that computes shards."""

    def run(self, shards: Iterator[Shard]) -> Iterator[Result]:
        """Results as they come, in any order; a shard is taken when there is room for it."""

    def close(self) -> None:
        """End all that was started."""


def default_command() -> list[str]:
    """The command that starts a worker: this interpreter, this molinterp, no folder of the user's."""
    root = str(Path(__file__).resolve().parents[2])
    code = f"import sys; sys.path.append({root!r}); from molinterp.batch.worker import main; main()"
    return [sys.executable, "-P", "-c", code]


@final
@dataclass
class _Task:
    """A shard on its way through one worker."""

    number: int
    pairs: Sequence[tuple[str, str]]
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    groups: deque[list[int]] = field(default_factory=deque)
    is_alone: bool = False

    def split(self) -> None:
        """Compute what is left one by one."""
        left = [i for i in range(len(self.pairs)) if i not in self.outcomes]
        self.groups, self.is_alone = deque([i] for i in left), True


@final
class _Worker:
    """One child process, and what it is busy with."""

    def __init__(
        self, slot: int, command: Sequence[str], first: dict[str, Any], inbox: queue.Queue[Any]
    ) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
            start_new_session=True,
        )
        self.is_ready = False
        self.began = time.monotonic()
        self.deadline = self.began + START_SECONDS
        self.baseline = 0
        stream = self.process.stdout
        assert stream is not None
        self._reader = threading.Thread(target=self._read, args=(stream, inbox, slot), daemon=True)
        self._reader.start()
        self.send(first)

    def _read(self, stream: IO[str], inbox: queue.Queue[Any], slot: int) -> None:
        with contextlib.suppress(ValueError, OSError):
            for line in stream:
                inbox.put((slot, self, json.loads(line)))
        inbox.put((slot, self, None))

    def send(self, message: dict[str, Any]) -> None:
        """Give an order; one that cannot be delivered shows as a crash."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError, OSError):
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def end(self) -> int:
        """Kill the process and wait for it; its exit code."""
        self.process.kill()
        code = self.process.wait()
        with contextlib.suppress(BrokenPipeError, OSError):
            self.process.stdin and self.process.stdin.close()
        self._reader.join(10)
        self.process.stdout and self.process.stdout.close()
        return code

    def memory(self) -> int:
        """Resident memory in bytes; 0 where it cannot be told."""
        try:
            with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as numbers:
                return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError, IndexError):
            return 0


@final
class Pool:
    """Worker processes on this machine."""

    def __init__(
        self,
        request: PathRequest,
        n_workers: int,
        budget: Budget | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """Say what is computed and by how many processes; they start with the first shard.

        Args:
            request: template of the pairs' requests.
            n_workers: processes, at least 1; each holds the model.
            budget: of one pair; None means the default.
            command: what starts a worker; None means molinterp's own.

        Raises:
            InputError: `n_workers` is below 1.
        """
        if n_workers < 1:
            raise InputError(f"`n_workers` must be at least 1; got {n_workers}.")
        self.budget = budget or Budget()
        self._command = list(command or default_command())
        self._first = {
            "request": request.given(),
            "budget": asdict(self.budget),
            "rehearsal": REHEARSAL,
        }
        self._workers: list[_Worker | None] = [None] * n_workers
        self._starting, self._is_closed = threading.Lock(), False
        # In Python 3.11 SimpleQueue.get waits for ever where its timeout passes before it begins to wait.
        self._inbox: queue.Queue[Any] = queue.Queue()
        self._seconds, self._n_timed = 0.0, 0
        self._looked = 0.0

    def run(self, shards: Iterator[Shard]) -> Iterator[Result]:
        """Results as they come, in any order; a shard is taken when a worker is free.

        Raises:
            BundleError: the workers cannot load the bundle.
            InputError: an option cannot be used.
            WorkerError: a worker ends before it is ready, or the pool is closed meanwhile.
        """
        tasks: list[_Task | None] = [None] * len(self._workers)
        self._looked = time.monotonic()
        while True:
            self._check_open()
            for slot, task in enumerate(tasks):
                if task is None and (shard := next(shards, None)) is not None:
                    number, pairs = shard
                    tasks[slot] = _Task(number, pairs, groups=deque([list(range(len(pairs)))]))
                    self._give(slot, tasks[slot])
            if not any(tasks):
                return
            for slot in self._events(tasks):
                task = tasks[slot]
                if task is not None and len(task.outcomes) == len(task.pairs):
                    tasks[slot] = None
                    yield task.number, [task.outcomes[i] for i in range(len(task.pairs))]

    def close(self) -> None:
        """End all workers, for good; a run on another thread ends with them."""
        self._is_closed = True
        with self._starting:
            self._end_workers()

    def _check_open(self) -> None:
        if self._is_closed:
            raise WorkerError("the workers were ended before the batch was done.")

    def _end_workers(self) -> None:
        for slot, worker in enumerate(self._workers):
            if worker is not None:
                worker.end()
                self._workers[slot] = None

    def __enter__(self) -> Pool:
        """The pool itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all workers."""
        self.close()

    def _events(self, tasks: list[_Task | None]) -> list[int]:
        """Slots where something came in during one tick, with it worked into their tasks."""
        touched = []
        with contextlib.suppress(queue.Empty):
            slot, worker, message = self._inbox.get(timeout=TICK)
            while True:
                if worker is self._workers[slot]:
                    self._take(slot, worker, tasks[slot], message)
                    touched.append(slot)
                slot, worker, message = self._inbox.get_nowait()
        now = time.monotonic()
        # Ctrl-Z, or a machine that slept: an answer may lie unread, and a worker gets that time again.
        pause = now - self._looked if now - self._looked > PAUSE else 0.0
        self._looked = now
        for slot, (worker, task) in enumerate(zip(self._workers, tasks, strict=True)):
            if worker is None or task is None:
                continue
            worker.deadline += pause
            if now > worker.deadline:
                self._fail(slot, worker, task, f"took longer than {self.budget.seconds:g} s")
                touched.append(slot)
            elif worker.is_ready and self._is_too_large(worker):
                self._fail(slot, worker, task, self._memory_reason())
                touched.append(slot)
        return touched

    def _is_too_large(self, worker: _Worker) -> bool:
        return worker.memory() - worker.baseline > self.budget.mebibytes << 20

    def _memory_reason(self) -> str:
        return f"needed more than {self.budget.mebibytes} MiB of memory"

    def _give(self, slot: int, task: _Task | None) -> None:
        """Hand the next group of a task to its worker, which is started where there is none."""
        worker = self._workers[slot]
        if worker is None:
            first = self._first | {"die_with_parent": threading.current_thread() is threading.main_thread()}
            with self._starting:
                self._check_open()
                self._workers[slot] = _Worker(slot, self._command, first, self._inbox)
        elif worker.is_ready and task is not None and task.groups:
            group = task.groups[0]
            worker.began, worker.baseline = time.monotonic(), worker.memory()
            worker.deadline = worker.began + self._limit(len(group), task.is_alone)
            worker.send({"pairs": [task.pairs[i] for i in group]})

    def _limit(self, n: int, is_alone: bool) -> float:
        """Seconds for a group: one budget, and room for the others at twice their usual time."""
        mean = self._seconds / self._n_timed if self._n_timed else self.budget.seconds / 20
        return self.budget.seconds + (0.0 if is_alone else 2 * n * mean)

    def _take(self, slot: int, worker: _Worker, task: _Task | None, message: dict[str, Any] | None) -> None:
        """Work one message of a worker into its task."""
        self._check_open()  # else a worker that was ended passes for one that crashed
        if message is not None and "fatal" in message:
            self._raise(slot, message)
        if message is not None and "ready" in message:
            worker.is_ready = True
            self._give(slot, task)
        elif task is None:
            if message is None:
                worker.end()
                self._workers[slot] = None
        elif message is None:
            self._crash(slot, worker, task)
        elif "failed" in message:
            is_memory = message["failed"] == MEMORY
            self._fail(slot, worker, task, self._memory_reason() if is_memory else message["failed"])
        else:
            group = task.groups.popleft()
            self._seconds += time.monotonic() - worker.began
            self._n_timed += len(group)
            outcomes = map(Outcome.from_json, message["outcomes"])
            task.outcomes |= dict(zip(group, outcomes, strict=True))
            self._give(slot, task)

    def _raise(self, slot: int, message: dict[str, Any]) -> None:
        """Raise here what a worker met while it loaded the model."""
        self._end_workers()
        kinds: dict[str, type[MolinterpError]] = {"BundleError": BundleError, "InputError": InputError}
        raise kinds.get(message["fatal"], WorkerError)(message["message"])

    def _crash(self, slot: int, worker: _Worker, task: _Task) -> None:
        code = worker.end()
        how = signal.Signals(-code).name if -code in set(signal.Signals) else f"exit code {code}"
        if not worker.is_ready:
            self._end_workers()
            raise WorkerError(f"a worker process ended before it was ready ({how}). Is there enough memory?")
        self._fail(slot, worker, task, f"crashed its process ({how})")

    def _fail(self, slot: int, worker: _Worker, task: _Task, reason: str) -> None:
        """End the worker; a group is tried again pair by pair, a single pair has failed."""
        worker.end()
        self._workers[slot] = None
        if not worker.is_ready:
            self._end_workers()
            raise WorkerError(f"a worker process was not ready after {START_SECONDS:g} s. Is the disk slow?")
        if task.is_alone:
            (i,) = task.groups.popleft()
            task.outcomes[i] = Outcome(error=f"this pair {reason}")
        else:
            task.split()
        if task.groups:
            self._give(slot, task)
