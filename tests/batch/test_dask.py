"""A real scheduler and two real dask workers, each a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from molinterp.batch.job import Budget
from molinterp.batch.pairs import pairs_of
from molinterp.batch.run import Job, run_batch
from molinterp.errors import BundleError, MissingDependencyError, WorkerError
from molinterp.paths.request import PathRequest
from tests.batch.faulty import COMMAND, pool

distributed = pytest.importorskip(
    "distributed", reason="clusters need dask.distributed: pip install 'molinterp[dask]'"
)
pytestmark = pytest.mark.filterwarnings("ignore")  # of distributed's own
ROOT = Path(__file__).resolve().parents[2]
QUIET = {"DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical", "OMP_NUM_THREADS": "1"}


def _start(name, *arguments):
    environment = os.environ | QUIET | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "distributed.cli.dask_" + name, *arguments]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _wait_for(file, scheduler):
    deadline = time.monotonic() + 120
    while not file.exists():
        assert scheduler.poll() is None and time.monotonic() < deadline, "the scheduler did not start"
        time.sleep(0.1)


@pytest.fixture
def cluster(tmp_path):
    """Address of a scheduler, and its two worker processes."""
    file = tmp_path / "scheduler.json"
    common = ("--scheduler-file", str(file))
    processes = [_start("scheduler", *common, "--port", "0", "--no-dashboard", "--host", "127.0.0.1")]
    workers = (
        "--nthreads",
        "1",
        "--no-dashboard",
        "--no-nanny",
        "--local-directory",
        str(tmp_path / "scratch"),
    )
    processes += [_start("worker", *common, *workers) for _ in range(2)]
    try:
        _wait_for(file, processes[0])
        with distributed.Client(scheduler_file=str(file), timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)
            address = client.scheduler.address
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_cluster_gives_the_same_bytes_though_a_worker_is_killed(tmp_path, cluster):
    from molinterp.batch.dask import Cluster

    address, workers = cluster
    starts = ["bad" if i == 5 else "crash" if i == 20 else "slow" if i % 2 else f"C{i}" for i in range(60)]
    job = Job(pairs_of({"start": starts, "end": ["N"] * 60}), PathRequest(), Budget(20, 300), 2)
    run_batch(job, pool(2), tmp_path / "local.csv")
    finished = []

    def progress(n, _):
        finished.append(n)
        if len(finished) == 8:
            workers[0].send_signal(signal.SIGKILL)

    run_batch(
        job, Cluster(address, PathRequest(), job.budget, COMMAND), tmp_path / "cluster.csv", progress=progress
    )
    assert workers[0].wait(10) == -signal.SIGKILL and workers[1].poll() is None
    assert sum(finished) == 60
    assert (tmp_path / "cluster.csv").read_bytes() == (tmp_path / "local.csv").read_bytes()
    text = (tmp_path / "cluster.csv").read_text()
    assert "this pair crashed its process (SIGSEGV)" in text and "bad is no molecule" in text


def test_two_runs_on_one_cluster_keep_their_own_setup(cluster):
    from molinterp.batch.dask import Cluster

    address, _ = cluster
    pairs = [("slow", "N")] * 3
    first = Cluster(address, PathRequest(), Budget(20, 300), COMMAND)
    second = Cluster(address, PathRequest(model="none"), Budget(20, 300), COMMAND)
    try:
        assert len(list(first.run(iter(enumerate([pairs] * 4))))) == 4
        with pytest.raises(BundleError, match="bundle 'none' is missing"):
            list(second.run(iter([(0, pairs)])))
    finally:
        first.close()
        second.close()


def test_no_scheduler_is_said_so(monkeypatch):
    from molinterp.batch.dask import Cluster

    monkeypatch.setattr(distributed, "Client", _no_answer)
    with pytest.raises(WorkerError, match="no dask scheduler answers at 'tcp://127.0.0.1:9'"):
        Cluster("tcp://127.0.0.1:9", PathRequest())


def test_without_dask_the_error_says_what_to_install(monkeypatch):
    from molinterp.batch.dask import Cluster

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'molinterp\[dask\]'"):
        Cluster("tcp://127.0.0.1:9", PathRequest())


def _no_answer(*_, **__):
    raise TimeoutError("no answer")
