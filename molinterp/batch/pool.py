"""Supervised worker processes: a pair that crashes, hangs or exhausts memory costs only its own row.

The pairs of a group are computed together. If that fails, the process is ended and the pairs are computed
one by one, so that only the pair at fault fails and its row gives the reason. The result of a pair does not
depend on its group, so the table is the same either way.
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
"""Seconds between two checks of the workers."""
PAUSE = 0.5
"""Seconds between two checks from which this process counts as having been suspended."""
START_SECONDS = 600.0
"""Seconds that a worker may take to load the model."""
REHEARSAL = (("CCO", "CCN"),)
"""Pairs computed before the first task, so that late imports do not count against a pair's budget."""

Shard = tuple[int, Sequence[tuple[str, str]]]
"""Number of a shard and its pairs of SMILES."""
Result = tuple[int, list[Outcome]]
"""Number of a shard and the outcomes of its pairs, in order."""


class Engine(Protocol):
    """Computes shards."""

    def run(self, shards: Iterator[Shard]) -> Iterator[Result]:
        """Yield results as they arrive, in any order; shards are taken as capacity allows."""

    def close(self) -> None:
        """Stop everything that was started."""


def default_command() -> list[str]:
    """Return the command that starts a worker with this interpreter and this installation."""
    root = str(Path(__file__).resolve().parents[2])
    code = f"import sys; sys.path.append({root!r}); from molinterp.batch.worker import main; main()"
    return [sys.executable, "-P", "-c", code]


@final
@dataclass
class _Task:
    """A shard that one worker computes."""

    number: int
    pairs: Sequence[tuple[str, str]]
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    groups: deque[list[int]] = field(default_factory=deque)
    is_alone: bool = False

    def split(self) -> None:
        """Compute the remaining pairs one by one."""
        left = [i for i in range(len(self.pairs)) if i not in self.outcomes]
        self.groups, self.is_alone = deque([i] for i in left), True


@final
class _Worker:
    """One child process and the state of its current group."""

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
        """Send a message; if that fails, the reader reports the crash."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError, OSError):
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def end(self) -> int:
        """Kill the process, wait for it and return its exit code."""
        self.process.kill()
        code = self.process.wait()
        with contextlib.suppress(BrokenPipeError, OSError):
            self.process.stdin and self.process.stdin.close()
        self._reader.join(10)
        self.process.stdout and self.process.stdout.close()
        return code

    def memory(self) -> int:
        """Return the resident memory in bytes, or 0 if it is unknown."""
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
        """Configure the pool; the processes start with the first shard.

        Args:
            request: template of the pairs' requests.
            n_workers: number of processes, at least 1; each loads the model.
            budget: budget of one pair; None means the default.
            command: command that starts a worker; None means molinterp's own.

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
        # In Python 3.11, SimpleQueue.get blocks forever if its timeout expires before it starts to wait.
        self._inbox: queue.Queue[Any] = queue.Queue()
        self._seconds, self._n_timed = 0.0, 0
        self._looked = 0.0

    def run(self, shards: Iterator[Shard]) -> Iterator[Result]:
        """Yield results as they arrive, in any order; a shard is taken when a worker is free.

        Raises:
            BundleError: the workers cannot load the model.
            InputError: an option cannot be used.
            WorkerError: a worker ended before it was ready, or the pool was closed during the run.
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
        """End all workers permanently; a run in another thread ends with them."""
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
        """Return the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all workers."""
        self.close()

    def _events(self, tasks: list[_Task | None]) -> list[int]:
        """Process the messages and time-outs of one tick; return the slots that were affected."""
        touched = []
        with contextlib.suppress(queue.Empty):
            slot, worker, message = self._inbox.get(timeout=TICK)
            while True:
                if worker is self._workers[slot]:
                    self._take(slot, worker, tasks[slot], message)
                    touched.append(slot)
                slot, worker, message = self._inbox.get_nowait()
        now = time.monotonic()
        # After Ctrl-Z or sleep, an answer may be waiting unread: extend the deadlines by the pause.
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
        """Send the next group of a task to its worker, and start the worker if there is none."""
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
        """Return the seconds for a group: one full budget, plus twice the mean time for each pair."""
        mean = self._seconds / self._n_timed if self._n_timed else self.budget.seconds / 20
        return self.budget.seconds + (0.0 if is_alone else 2 * n * mean)

    def _take(self, slot: int, worker: _Worker, task: _Task | None, message: dict[str, Any] | None) -> None:
        """Process one message of a worker."""
        self._check_open()  # otherwise a worker that was ended would count as crashed
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
        """Raise the error that a worker met while it loaded the model."""
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
        """End the worker; retry a group pair by pair, or record the failure of a single pair."""
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
