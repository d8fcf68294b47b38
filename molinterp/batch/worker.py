"""The child process of a batch: it loads one model and computes one group of pairs at a time.

The process reads commands as lines of JSON from standard input and writes answers as lines of JSON to its
original standard output. Anything else that is printed goes to standard error. It ends with its parent.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from molinterp.batch.job import Budget, Compute, open_compute
from molinterp.errors import MolinterpError
from molinterp.paths.request import PathRequest

MEMORY = "memory"
"""Answer for a group that ran out of memory."""


def serve(open_: Callable[[PathRequest], Compute]) -> None:
    """Answer the parent until it closes the pipe.

    Args:
        open_: returns the function that computes pairs; called once.
    """
    answers = _take_stdout()
    commands = _commands(sys.stdin)
    first = commands.get()
    if first["die_with_parent"]:
        _die_with_parent()
    try:
        compute = open_(PathRequest.of(**first["request"]))
        compute(first["rehearsal"])
    except MolinterpError as error:
        _send(answers, {"fatal": type(error).__name__, "message": str(error)})
        return
    _limit_memory(Budget(**first["budget"]))
    _send(answers, {"ready": True})
    while True:
        _send(answers, _answer(compute, [tuple(pair) for pair in commands.get()["pairs"]]))


def _answer(compute: Compute, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    try:
        outcomes = compute(pairs)
    except MemoryError:
        return {"failed": MEMORY}
    except Exception as error:  # an internal error costs a row, not the run
        return {"failed": f"met an internal error: {type(error).__name__}: {' '.join(str(error).split())}"}
    return {"outcomes": [outcome.to_json() for outcome in outcomes]}


def _take_stdout() -> TextIO:
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own


def _commands(stream: TextIO) -> queue.SimpleQueue[dict[str, Any]]:
    """Queue the commands as they arrive; when the pipe closes, end the process immediately."""
    commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def read() -> None:
        try:
            for line in stream:
                commands.put(json.loads(line))
        finally:  # also after an incomplete command, which means that the parent has died
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return commands


def _send(stream: TextIO, message: dict[str, Any]) -> None:
    try:
        stream.write(json.dumps(message, allow_nan=False) + "\n")
        stream.flush()
    except BrokenPipeError:
        os._exit(0)  # the parent has died


def _die_with_parent() -> None:
    """Ask Linux to kill this process with its parent, even while it hangs in C code."""
    if sys.platform == "linux":
        import ctypes
        import signal

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _limit_memory(budget: Budget) -> None:
    """Limit the memory to twice the budget, for pairs that grow faster than the parent checks."""
    if sys.platform == "linux":
        import resource

        with open("/proc/self/status", encoding="ascii") as status:
            used = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData"))
        limit = used + 2 * (budget.mebibytes << 20)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def main() -> None:
    """Run as a child process of a batch."""
    import torch

    torch.set_num_threads(1)  # sums do not depend on how many processes share the machine
    serve(open_compute)
