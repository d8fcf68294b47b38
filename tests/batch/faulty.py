"""A worker for tests: quick, without a model, and with pairs that go wrong on purpose."""

import os
import signal
import sys
import time

from molinterp.batch.job import Budget, Outcome, open_compute
from molinterp.batch.pool import Pool
from molinterp.batch.worker import serve
from molinterp.errors import BundleError
from molinterp.paths.request import PathRequest

COMMAND = [sys.executable, __file__]
COLUMNS = ("step", "smiles", "t", "similarity", "is_end", "hbd")


def outcome(start, end):
    if start.startswith("bad"):
        return Outcome(error=f"{start} is no molecule.")
    rows = [
        (i, s, i / 2, None if i == 0 else 0.1 * i, i != 1, len(start))
        for i, s in enumerate((start, "CC", end))
    ]
    return Outcome(COLUMNS, tuple(rows), note=f"{start} is dry" if end == "N" else "")


def compute(pairs, inner=None):
    out = []
    for start, end in pairs:
        if start == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif start == "hang":
            time.sleep(1000)
        elif start == "eat":
            eaten, piece = [], bytearray(b"x" * (1 << 23))
            while True:
                eaten.append(piece + b"y")
                time.sleep(0.001)  # the parent looks 20 times a second
        elif start == "gobble":
            bytearray(1 << 50)
        elif start == "fault":
            raise ZeroDivisionError("a fault\nof its own")
        elif start == "print":
            print("noise on stdout")
        elif start == "slow":
            time.sleep(0.05)
        if inner is None:
            out.append(outcome(start, end))
    return inner(pairs) if inner else out


def open_(request):
    if request.model == "none":
        raise BundleError("bundle 'none' is missing.")
    if request.model == "dies":
        os._exit(7)
    if "real" in sys.argv:
        model = open_compute(request)
        return lambda pairs: compute(pairs, model)
    return compute


def pool(n_workers=1, seconds=20.0, mebibytes=300, model="default"):
    return Pool(PathRequest(model=model), n_workers, Budget(seconds, mebibytes), COMMAND)


if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    serve(open_)
