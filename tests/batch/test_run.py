import errno
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from molinterp.batch.job import Pair, template
from molinterp.batch.pairs import read_pairs
from molinterp.batch.pool import Pool
from molinterp.batch.progress import bar
from molinterp.batch.run import Job, StoppedError, Summary, run_batch
from molinterp.batch.store import Store
from molinterp.errors import InputError
from molinterp.paths.request import PathRequest

pytestmark = pytest.mark.weights
ROOT = Path(__file__).resolve().parents[2]
DRIVER = """
import sys
from pathlib import Path
from molinterp.batch.pairs import read_pairs
from molinterp.batch import run
from molinterp.batch.run import Job, run_batch
from molinterp.paths.request import PathRequest
from tests.batch.faulty import pool
run._manifest = lambda job: {"n_pairs": len(job.pairs)}  # the real one imports torch
job = Job(read_pairs(Path("pairs.csv")), PathRequest(), shard_size=4)
run_batch(job, pool(2), Path("out.csv"), resume=True)
"""


def job(n=10, bad=(), shard_size=3, **options):
    pairs = [Pair(f"p{i}", f"bad{i}" if i in bad else f"C{i}", "N") for i in range(n)]
    return Job(pairs, template(options), shard_size=shard_size)


class Once:
    """An engine that computes here and stops after some shards."""

    def __init__(self, n=None):
        self.n, self.numbers, self.is_closed = n, [], False

    def run(self, shards):
        from tests.batch.faulty import compute

        for number, pairs in shards:
            if self.n is not None and len(self.numbers) == self.n:
                raise KeyboardInterrupt
            self.numbers.append(number)
            yield number, compute(pairs)

    def close(self):
        self.is_closed = True


@pytest.fixture(autouse=True)
def _header(monkeypatch):
    """No engine here loads a model: any file is a header of its bundle."""
    monkeypatch.setattr("molinterp.batch.run._bundle_header", lambda name: Path(__file__))


@pytest.fixture
def table(tmp_path):
    target = tmp_path / "out.csv"
    run_batch(job(bad=(4,)), Once(), target)
    return target.read_bytes()


def test_a_row_a_molecule_and_one_a_failure(tmp_path):
    engine = Once()
    summary = run_batch(job(bad=(4,)), engine, tmp_path / "out.csv", errors=tmp_path / "errors.csv")
    assert summary == Summary(n_pairs=10, n_failed=1, n_rows=28)
    frame = pd.read_csv(tmp_path / "out.csv")
    assert frame.columns.tolist() == [
        "pair",
        "step",
        "smiles",
        "t",
        "similarity",
        "is_end",
        "hbd",
        "status",
        "error",
        "note",
    ]
    assert frame["pair"].drop_duplicates().tolist() == [f"p{i}" for i in range(10)]
    noted = frame[frame["note"].notna()]
    assert noted["note"].tolist() == [f"C{i} is dry" for i in range(10) if i != 4] and set(noted["step"]) == {
        0
    }
    failed = frame[frame["status"] == "failed"]
    assert failed["pair"].tolist() == ["p4"] and failed["error"].tolist() == ["bad4 is no molecule."]
    assert (tmp_path / "errors.csv").read_text() == "pair,start,end,error\np4,bad4,N,bad4 is no molecule.\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["errors.csv", "out.csv", "out.csv.manifest.json"]
    manifest = json.loads((tmp_path / "out.csv.manifest.json").read_text())
    assert manifest["n_pairs"] == 10 and len(manifest["model_sha256"]) == 64
    assert engine.is_closed


def test_failed_pairs_can_be_left_out(tmp_path):
    summary = run_batch(job(bad=(4,)), Once(), tmp_path / "out.csv", on_error="skip")
    assert (summary.n_failed, summary.n_rows) == (1, 27)
    assert "p4" not in set(pd.read_csv(tmp_path / "out.csv")["pair"])


def test_stop_names_the_first_failure_and_keeps_what_is_finished(tmp_path):
    engine = Once()
    with pytest.raises(StoppedError, match="pair 'p4' has no path: bad4 is no molecule"):
        run_batch(job(bad=(7, 4)), engine, tmp_path / "out.csv", on_error="stop")
    assert engine.numbers == [0, 1, 2, 3]
    assert not (tmp_path / "out.csv").exists()
    with pytest.raises(StoppedError, match="pair 'p4'"):
        run_batch(job(bad=(7, 4)), Once(), tmp_path / "out.csv", on_error="stop", resume=True)
    again = Once()
    run_batch(job(bad=(7, 4)), again, tmp_path / "out.csv", resume=True)
    assert again.numbers == [4, 5]


@pytest.mark.parametrize("n", range(6))
def test_an_interrupted_run_goes_on_where_it_was(tmp_path, table, n):
    target = tmp_path / "second" / "out.csv"
    target.parent.mkdir()
    engine = Once(n)
    with pytest.raises(KeyboardInterrupt):
        run_batch(job(bad=(4,)), engine, target)
    assert engine.is_closed
    if n:
        with pytest.raises(InputError, match="an unfinished run lies in"):
            run_batch(job(bad=(4,)), Once(), target)
        seen = []
        engine = Once()
        run_batch(job(bad=(4,)), engine, target, resume=True, progress=lambda *done: seen.append(done))
        assert engine.numbers == list(range(n, 6))
        assert sum(d[0] for d in seen) == 10 and sum(d[1] for d in seen) == 1
        assert target.read_bytes() == table


@pytest.mark.parametrize("step", ["write_table", "write_whole", "remove"])
def test_a_run_killed_while_it_closes_can_be_resumed(tmp_path, table, step, monkeypatch):
    from molinterp.batch import run as module

    target = tmp_path / "second" / "out.csv"
    target.parent.mkdir()

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if step == "remove":
            patch.setattr(module.Store, "remove", die)
        else:
            patch.setattr(module, step, die)
        with pytest.raises(KeyboardInterrupt):
            run_batch(job(bad=(4,)), Once(), target)
    engine = Once()
    summary = run_batch(job(bad=(4,)), engine, target, resume=True)
    assert engine.numbers == [] and summary == Summary(10, 1, 28)
    assert target.read_bytes() == table
    assert sorted(p.name for p in target.parent.iterdir()) == ["out.csv", "out.csv.manifest.json"]


def test_a_damaged_shard_is_computed_again(tmp_path, table):
    target = tmp_path / "second" / "out.csv"
    target.parent.mkdir()
    with pytest.raises(KeyboardInterrupt):
        run_batch(job(bad=(4,)), Once(3), target)
    (target.with_name("out.csv.parts") / "00000001.json").write_text("[[")
    engine = Once()
    run_batch(job(bad=(4,)), engine, target, resume=True)
    assert engine.numbers == [1, 3, 4, 5] and target.read_bytes() == table


def test_a_torn_manifest_is_said_so_and_without_a_shard_made_anew(tmp_path, table):
    target = tmp_path / "second" / "out.csv"
    target.parent.mkdir()
    parts = target.with_name("out.csv.parts")
    with pytest.raises(KeyboardInterrupt):
        run_batch(job(bad=(4,)), Once(3), target)
    (parts / "manifest.json").write_text("")
    with pytest.raises(InputError, match="manifest.json' is damaged.*Delete"):
        run_batch(job(bad=(4,)), Once(), target, resume=True)
    for shard in parts.glob("0*.json"):
        shard.unlink()
    run_batch(job(bad=(4,)), Once(), target)
    assert target.read_bytes() == table and not parts.exists()


def test_a_list_of_failures_of_another_job_does_not_pass_for_this_ones(tmp_path):
    target, errors = tmp_path / "out.csv", tmp_path / "errors.csv"
    run_batch(job(bad=(4,)), Once(), tmp_path / "other.csv", errors=errors)
    run_batch(job(bad=(7,)), Once(), target)
    run_batch(job(bad=(7,)), Once(), target, resume=True, errors=errors)
    assert errors.read_text() == "pair,start,end,error\np7,bad7,N,bad7 is no molecule.\n"
    again = Once()
    run_batch(job(bad=(7,)), again, target, resume=True, errors=errors)
    assert again.numbers == []


def test_a_folder_whose_file_system_knows_no_locks_will_do(tmp_path, table, monkeypatch):
    import fcntl

    def refuse(*_):
        raise OSError(errno.ENOSYS, "not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    target = tmp_path / "second" / "out.csv"
    target.parent.mkdir()
    run_batch(job(bad=(4,)), Once(), target)
    assert target.read_bytes() == table


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (job(11), "n_pairs"),
        (job(bad=(1,)), "pairs_sha256"),
        (job(seed=1), "request"),
        (job(n_molecules=3), "request"),
        (job(shard_size=5), "shard_size"),
    ],
)
def test_another_job_is_not_resumed(tmp_path, other, name):
    with pytest.raises(KeyboardInterrupt):
        run_batch(job(), Once(1), tmp_path / "out.csv")
    with pytest.raises(InputError, match=f"must be resumed with the same options: `{name}` was"):
        run_batch(other, Once(), tmp_path / "out.csv", resume=True)


def test_a_finished_run_is_not_done_twice_and_another_replaces_it(tmp_path):
    target = tmp_path / "out.csv"
    run_batch(job(), Once(), target)
    engine, seen = Once(), []
    run_batch(job(), engine, target, resume=True, progress=lambda *done: seen.append(done))
    assert engine.numbers == [] and seen == [(10, 0)]
    run_batch(job(9), engine, target, resume=True)
    assert engine.numbers == [0, 1, 2, 3, 4] and len(pd.read_csv(target)) == 27


FORMS = [{"on_error": "skip"}, {"on_error": "stop"}, {"raw_cells": True}]


@pytest.mark.parametrize("form", FORMS)
def test_a_finished_table_does_not_pass_for_one_of_another_form(tmp_path, form):
    target, (name,) = tmp_path / "out.csv", form
    run_batch(job(bad=(4,)), Once(), target)
    before = target.read_bytes()
    with pytest.raises(InputError, match=f"was written with `{name}` .* Run without `resume`"):
        run_batch(job(bad=(4,)), Once(), target, resume=True, **form)
    assert target.read_bytes() == before
    assert run_batch(job(bad=(4,)), Once(), target, resume=True) == Summary(10, 1, 28)


@pytest.mark.parametrize("form", FORMS[:2])
def test_without_a_failure_it_is_the_same_whatever_failures_cost(tmp_path, form):
    run_batch(job(), Once(), tmp_path / "out.csv")
    assert run_batch(job(), Once(), tmp_path / "out.csv", resume=True, **form) == Summary(10, 0, 30)


def test_a_table_is_written_in_another_form_while_its_shards_lie_there(tmp_path, monkeypatch):
    target = tmp_path / "out.csv"
    with monkeypatch.context() as patch:
        patch.setattr(Store, "remove", lambda self: None)
        run_batch(job(bad=(4,)), Once(), target)
    engine = Once()
    assert run_batch(job(bad=(4,)), engine, target, resume=True, on_error="skip") == Summary(10, 1, 27)
    assert engine.numbers == [] and "p4" not in set(pd.read_csv(target)["pair"])
    assert not (tmp_path / "out.csv.parts").exists()


def test_a_log_that_nobody_reads_ends_no_run(tmp_path, table, monkeypatch):
    class Broken:
        def write(self, text=""):
            raise BrokenPipeError

        flush = write

    target = tmp_path / "second" / "out.csv"
    target.parent.mkdir()
    monkeypatch.setattr(sys, "stderr", Broken())
    with bar(10, is_shown=True) as tick:
        run_batch(job(bad=(4,)), Once(), target, progress=tick)
    assert target.read_bytes() == table


@pytest.mark.weights
def test_a_run_that_cannot_begin_leaves_nothing(tmp_path):
    asked = job(keep=["bbbb"])
    with pytest.raises(InputError, match="Did you mean 'bbb'"):
        run_batch(asked, Pool(asked.request, 1), tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []
    run_batch(job(), Once(), tmp_path / "out.csv")


def test_a_file_of_an_option_that_cannot_be_read_is_named(tmp_path):
    for missing in (tmp_path / "none.smi", tmp_path):
        asked = job(library=str(missing))
        with pytest.raises(InputError, match=r"`library` '.*' cannot be read: .*\. Check the path\."):
            run_batch(asked, Once(), tmp_path / "out.csv")


def test_two_runs_on_one_output_do_not_meet(tmp_path):
    class Meeting(Once):
        def run(self, shards):
            with pytest.raises(InputError, match="another run is writing"):
                run_batch(job(), Once(), tmp_path / "out.csv", resume=True)
            yield from super().run(shards)

    run_batch(job(), Meeting(), tmp_path / "out.csv")
    assert len(pd.read_csv(tmp_path / "out.csv")) == 30


def test_formats_hold_the_same_table(tmp_path, table):
    pytest.importorskip("pyarrow", reason="Parquet files need pyarrow: pip install 'molinterp[parquet]'")
    for suffix in (".csv.gz", ".parquet"):
        files = [tmp_path / f"{i}{suffix}" for i in range(2)]
        for file in files:
            run_batch(job(bad=(4,)), Once(), file)
        assert files[0].read_bytes() == files[1].read_bytes()
    assert gzip.decompress((tmp_path / "0.csv.gz").read_bytes()) == table
    frame = pd.read_parquet(tmp_path / "0.parquet")
    text = pd.read_csv(tmp_path / "0.csv.gz")
    assert frame["is_end"].isna().equals(text["is_end"].isna())
    frame, text = (f.astype({"is_end": "boolean"}) for f in (frame, text))
    pd.testing.assert_frame_equal(frame, text, check_dtype=False)
    assert read_pairs_back(tmp_path) == ["C0", "C1"]


def read_pairs_back(folder):
    pd.DataFrame({"start": ["C0", "C1"], "end": ["N", None]}).to_parquet(folder / "pairs.parquet")
    return [pair.start for pair in read_pairs(folder / "pairs.parquet")]


def test_cells_are_neutralised_unless_asked_otherwise(tmp_path):
    pairs = [Pair("=1+1", "C", "N"), Pair("-x", "bad", "N")]
    for raw, first in ((False, "'=1+1"), (True, "=1+1")):
        run_batch(Job(pairs, PathRequest()), Once(), tmp_path / "out.csv", raw_cells=raw)
        assert pd.read_csv(tmp_path / "out.csv")["pair"][0] == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"output": "out.xlsx"}, r"must end in one of \.csv, \.csv\.gz, \.parquet"),
        ({"output": "none/out.csv"}, "folder .* does not exist"),
        ({"on_error": "ignore"}, "`on_error` must be one of keep, skip, stop"),
        ({"errors": "errors.txt"}, "file of errors must end in .csv"),
        ({"errors": "out.csv"}, "the file of errors, '.*out.csv', must not be the same file as the output"),
        ({"source": "out.csv"}, "the output, '.*out.csv', must not be the same file as the file of pairs"),
        (
            {"source": "x/../e.csv", "errors": "e.csv"},
            "the file of errors, '.*', must not be the same file as the file of pairs",
        ),
        ({"job": Job([], PathRequest())}, "`pairs` must hold at least one pair"),
        ({"job": job(shard_size=0)}, "`shard_size` must be at least 1"),
    ],
)
def test_arguments_are_checked_before_the_work(tmp_path, change, message):
    engine = Once()
    options = {"job": job(), "output": "out.csv"} | change
    task, output = options.pop("job"), tmp_path / options.pop("output")
    options |= {name: tmp_path / options[name] for name in ("errors", "source") if name in options}
    with pytest.raises(InputError, match=message):
        run_batch(task, engine, output, **options)
    assert engine.numbers == [] and engine.is_closed and list(tmp_path.iterdir()) == []


def _started(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER], cwd=tmp_path, env=environment, stderr=subprocess.PIPE
    )


def _wait_for_a_shard(driver, parts):
    before = len(list(parts.glob("0*.json")))
    while driver.poll() is None and len(list(parts.glob("0*.json"))) <= before:
        time.sleep(0.005)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_kill_at_random_moments_and_resume_gives_the_same_bytes(tmp_path):
    rows = [f"{'slow' if i % 2 else f'C{i}'},N" for i in range(80)]
    (tmp_path / "pairs.csv").write_text("\n".join(["start,end", *rows]))
    run_batch(
        Job(read_pairs(tmp_path / "pairs.csv"), PathRequest(), shard_size=4), Once(), tmp_path / "whole.csv"
    )
    chance, n_killed = random.Random(0), 0
    for signal_number in (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        with _started(tmp_path) as driver:
            _wait_for_a_shard(driver, tmp_path / "out.csv.parts")
            time.sleep(chance.uniform(0, 0.2))
            driver.send_signal(signal_number)
            driver.communicate()
            # The last signals may come when the run is done, on a machine that is slow to send them.
            n_killed += driver.returncode != 0
    assert n_killed >= 2
    with _started(tmp_path) as driver:
        errors = driver.communicate()[1]
        assert driver.returncode == 0, errors
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    names = {f.name.replace("whole", "out") for f in tmp_path.iterdir()}
    assert names == {"pairs.csv", "out.csv", "out.csv.manifest.json"}
