"""A batch on a dask.distributed cluster: one task a shard, one watched worker process a dask worker.

Each dask worker is given a plugin once; it starts a `Pool` of one process that loads the model. Tasks
carry SMILES alone, and a shard whose dask worker is lost is tried again, RETRIES times at most.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, final

from molinterp.batch.job import Budget, Outcome
from molinterp.batch.pool import Pool, Result, Shard
from molinterp.errors import BundleError, InputError, MissingDependencyError, WorkerError
from molinterp.paths.request import PathRequest

try:
    from distributed import WorkerPlugin
except ImportError:  # `Cluster` says what to install
    WorkerPlugin = object

RETRIES = 3
"""Further tries of a shard that failed on its worker; dask grants as many where the worker was lost."""
AHEAD = 3
"""Shards handed out for each worker of the cluster, so that none waits for the next."""


@final
class ModelPlugin(WorkerPlugin):  # type: ignore[misc]
    """What a dask worker keeps between tasks: a process that has loaded the model."""

    def __init__(self, request: PathRequest, budget: Budget, command: Sequence[str] | None) -> None:
        """Say what is computed; nothing is started before it reaches the worker."""
        self.name = f"molinterp-{uuid.uuid4().hex}"  # of this run alone: others may share the cluster
        self.description = request.to_json(), budget, command
        self._pool: Pool | None = None
        self._guard: Any = None

    def setup(self, worker: Any) -> None:
        """Prepare the process, which starts with the first shard."""
        request, budget, command = self.description
        pool = Pool(PathRequest.from_json(request), 1, budget, command)
        self._pool, self._guard = pool, threading.Lock()

    def teardown(self, worker: Any) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.close()

    def compute(self, pairs: Sequence[tuple[str, str]]) -> list[Any]:
        """Outcomes of one shard, as JSON has them."""
        assert self._pool is not None
        with self._guard:
            ((_, outcomes),) = self._pool.run(iter([(0, pairs)]))
        return [outcome.to_json() for outcome in outcomes]


def compute_shard(pairs: Sequence[tuple[str, str]], name: str) -> list[Any]:
    """The task: run on a dask worker that has the plugin of this name."""
    from distributed import get_worker

    plugin: ModelPlugin = get_worker().plugins[name]
    return plugin.compute(pairs)


@final
class Cluster:
    """The engine that hands shards to a dask scheduler.

    Every dask worker needs molinterp of the same version, and the bundle under the same name or path.
    Start workers with `--nthreads 1`: one shard at a time is computed on each.
    """

    def __init__(
        self,
        scheduler: str,
        request: PathRequest,
        budget: Budget | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """Connect.

        Args:
            scheduler: address, as tcp://host:8786.
            request: template of the pairs' requests.
            budget: of one pair; None means the default.
            command: what starts a worker process; None means molinterp's own.

        Raises:
            WorkerError: there is no scheduler at the address.
            MissingDependencyError: dask.distributed is not installed.
        """
        try:
            from distributed import Client
        except ImportError as error:
            raise MissingDependencyError("clusters", "dask.distributed", "dask") from error
        try:
            self._client = Client(scheduler, timeout=30, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise WorkerError(f"no dask scheduler answers at '{scheduler}': {error}.") from error
        plugin = ModelPlugin(request, budget or Budget(), command)
        self._plugin = plugin.name
        self._client.register_plugin(plugin)

    def run(self, shards: Iterator[Shard]) -> Iterator[Result]:
        """Results as they come, in any order; a few shards a worker are under way at a time.

        Raises:
            BundleError: the workers cannot load the bundle.
            InputError: an option cannot be used.
            WorkerError: a shard was lost with its worker again and again.
        """
        from distributed import as_completed

        under_way: dict[Any, int] = {}
        done = as_completed(loop=self._client.loop)
        while True:
            room = AHEAD * max(1, len(self._client.nthreads()))
            while len(under_way) < room and (shard := next(shards, None)) is not None:
                future = self._client.submit(
                    compute_shard, shard[1], self._plugin, pure=False, retries=RETRIES
                )
                under_way[future] = shard[0]
                done.add(future)
            if not under_way:
                return
            future = next(done)
            yield under_way.pop(future), _outcomes(future)

    def close(self) -> None:
        """End the processes on the workers and let go of the scheduler, which stays."""
        with contextlib.suppress(Exception):  # the scheduler may be gone
            self._client.unregister_worker_plugin(self._plugin)
        self._client.close()


def _outcomes(future: Any) -> list[Outcome]:
    try:
        return [Outcome.from_json(entry) for entry in future.result()]
    except (BundleError, InputError, WorkerError):
        raise
    except Exception as error:
        raise WorkerError(f"a shard was not computed: {type(error).__name__}: {error}.") from error
