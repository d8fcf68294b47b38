import os
import queue
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from molinterp.batch.job import Budget, Outcome
from molinterp.batch.pool import Pool, default_command
from molinterp.errors import BundleError, InputError, WorkerError
from molinterp.paths.request import PathRequest
from tests.batch.faulty import outcome, pool

GOOD = [(f"C{i}", "N") for i in range(6)]


def run(pool, *shards):
    with pool:
        return dict(pool.run(iter(enumerate(shards))))


def test_outcomes_come_back_as_they_are():
    found = run(pool(), GOOD[:2], GOOD[2:], [("bad", "N")])
    assert found == {
        0: [outcome(*p) for p in GOOD[:2]],
        1: [outcome(*p) for p in GOOD[2:]],
        2: [Outcome(error="bad is no molecule.")],
    }


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_one_that_crashes_one_that_hangs_and_one_that_eats_memory_cost_a_row_each():
    shard = [GOOD[0], ("crash", "N"), GOOD[1], ("hang", "N"), ("eat", "N"), GOOD[2]]
    (found,) = run(pool(seconds=5.0), shard).values()
    assert [o.error for o in found] == [
        "",
        "this pair crashed its process (SIGSEGV)",
        "",
        "this pair took longer than 5 s",
        "this pair needed more than 300 MiB of memory",
        "",
    ]
    assert [found[i] for i in (0, 2, 5)] == [outcome(*p) for p in GOOD[:3]]


def test_faults_of_the_code_and_refused_memory_cost_a_row_each():
    (found,) = run(pool(), [GOOD[0], ("fault", "N"), ("gobble", "N")]).values()
    assert [o.error for o in found] == [
        "",
        "this pair met an internal error: ZeroDivisionError: a fault of its own",
        "this pair needed more than 300 MiB of memory",
    ]


def test_what_is_printed_meanwhile_harms_nothing():
    assert run(pool(), [("print", "N")]) == {0: [outcome("print", "N")]}


def test_results_do_not_depend_on_the_number_of_workers():
    shards = [GOOD[:3], [("bad1", "N"), *GOOD[3:]], [("fault", "N")], [GOOD[0]]]
    found = run(pool(3), *shards)
    assert found == run(pool(1), *shards) and sorted(found) == [0, 1, 2, 3]


def test_shards_are_taken_when_there_is_room():
    taken = []

    def shards():
        for number in range(5):
            taken.append(number)
            yield number, [("slow", "N")]

    with pool() as workers:
        results = workers.run(shards())
        next(results)
        assert len(taken) == 1


def test_workers_end_with_the_pool():
    workers = pool(2)
    results = workers.run(iter([(0, GOOD), (1, [("hang", "N")])]))
    next(results)
    pids = [w.process.pid for w in workers._workers]
    workers.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_run_ends_when_its_pool_is_closed_on_another_thread():
    workers = pool()
    ended = []

    def compute():
        try:
            list(workers.run(iter([(0, GOOD), (1, [("hang", "N")])])))
        except WorkerError as error:
            ended.append(str(error))

    running = threading.Thread(target=compute, daemon=True)
    running.start()
    while workers._workers[0] is None:
        time.sleep(0.01)
    pid = workers._workers[0].process.pid
    workers.close()
    running.join(60)
    assert not running.is_alive() and workers._workers == [None]
    assert ended == ["the workers were ended before the batch was done."]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_pair_is_not_charged_for_a_pause_of_its_parent(monkeypatch):
    paused = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + paused)
    monkeypatch.setattr("molinterp.batch.pool.time", clock)
    give = Pool._give

    def give_and_pause(self, slot, task):
        nonlocal paused
        give(self, slot, task)
        if task.is_alone and self._workers[slot].is_ready:
            paused += 100

    monkeypatch.setattr(Pool, "_give", give_and_pause)
    ((_, found),) = list(run(pool(seconds=5.0), [("fault", "N"), ("slow", "N")]).items())
    assert "a fault of its own" in found[0].error and found[1] == outcome("slow", "N")


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        ("none", BundleError, "bundle 'none' is missing"),
        ("dies", WorkerError, "before it was ready .exit code 7"),
    ],
)
def test_a_worker_that_cannot_start_ends_the_run(model, error, message):
    with pytest.raises(error, match=message):
        run(pool(model=model), GOOD)


def test_arguments_are_checked():
    with pytest.raises(InputError, match="`n_workers` must be at least 1"):
        Pool(PathRequest(), 0)
    with pytest.raises(InputError, match="`seconds` must be above 0"):
        Budget(seconds=float("nan"))
    with pytest.raises(InputError, match="`mebibytes` must be at least 1"):
        Budget(mebibytes=0)


def test_the_working_folder_is_not_imported_from(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("import os; os._exit(9)")
    monkeypatch.chdir(tmp_path)
    assert "-P" in default_command()
    with (
        Pool(PathRequest(model="no such bundle"), 1) as workers,
        pytest.raises(BundleError, match="no such bundle"),
    ):
        list(workers.run(iter([(0, GOOD)])))


def test_a_hang_is_found_in_time():
    began = time.monotonic()
    run(pool(seconds=0.5), [("hang", "N")])
    assert time.monotonic() - began < 15


def test_waiting_for_workers_ends_however_short_the_wait():
    """Python 3.11's SimpleQueue waits for ever where a timeout passes before the wait begins."""
    inbox = pool()._inbox

    def wait():
        for _ in range(20_000):
            inbox.put(None)
            inbox.get()
            with pytest.raises(queue.Empty):
                inbox.get(timeout=1e-9)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    waiting.join(60)
    assert not waiting.is_alive()
