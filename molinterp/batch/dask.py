"""Run a batch on a dask.distributed cluster, with one task per shard.

Each dask worker receives a plugin once, which starts a `Pool` with one process that loads the model. Tasks
contain only SMILES. A shard whose dask worker is lost is retried up to RETRIES times.
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
"""Number of retries of a shard that failed on its worker; dask allows as many for a lost worker."""
AHEAD = 3
"""Number of shards submitted per worker of the cluster, so that no worker is idle."""


@final
class ModelPlugin(WorkerPlugin):  # type: ignore[misc]
    """Keeps a process with the loaded model on a dask worker between tasks."""

    def __init__(self, request: PathRequest, budget: Budget, command: Sequence[str] | None) -> None:
        """Describe what to compute; nothing starts before the plugin reaches the worker."""
        self.name = f"molinterp-{uuid.uuid4().hex}"  # unique, because other runs may share the cluster
        self.description = request.to_json(), budget, command
        self._pool: Pool | None = None
        self._guard: Any = None

    def setup(self, worker: Any) -> None:
        """Prepare the process; it starts with the first shard."""
        request, budget, command = self.description
        pool = Pool(PathRequest.from_json(request), 1, budget, command)
        self._pool, self._guard = pool, threading.Lock()

    def teardown(self, worker: Any) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.close()

    def compute(self, pairs: Sequence[tuple[str, str]]) -> list[Any]:
        """Compute the outcomes of one shard, in JSON form."""
        assert self._pool is not None
        with self._guard:
            ((_, outcomes),) = self._pool.run(iter([(0, pairs)]))
        return [outcome.to_json() for outcome in outcomes]


def compute_shard(pairs: Sequence[tuple[str, str]], name: str) -> list[Any]:
    """Compute a shard as a dask task, on a worker that has the plugin with this name."""
    from distributed import get_worker

    plugin: ModelPlugin = get_worker().plugins[name]
    return plugin.compute(pairs)


@final
class Cluster:
    """Engine that submits shards to a dask scheduler.

    Every dask worker needs the same version of molinterp and the model under the same name or path. Start
    workers with `--nthreads 1`, because each computes one shard at a time.
    """

    def __init__(
        self,
        scheduler: str,
        request: PathRequest,
        budget: Budget | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """Connect to a scheduler.

        Args:
            scheduler: address, such as tcp://host:8786.
            request: template of the pairs' requests.
            budget: budget of one pair; None means the default.
            command: command that starts a worker process; None means molinterp's own.

        Raises:
            WorkerError: no scheduler answers at the address.
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
        """Yield results as they arrive, in any order; several shards per worker are in flight.

        Raises:
            BundleError: the workers cannot load the model.
            InputError: an option cannot be used.
            WorkerError: a shard was lost with its worker too often.
        """
        from distributed import as_completed

        in_flight: dict[Any, int] = {}
        done = as_completed(loop=self._client.loop)
        while True:
            room = AHEAD * max(1, len(self._client.nthreads()))
            while len(in_flight) < room and (shard := next(shards, None)) is not None:
                future = self._client.submit(
                    compute_shard, shard[1], self._plugin, pure=False, retries=RETRIES
                )
                in_flight[future] = shard[0]
                done.add(future)
            if not in_flight:
                return
            future = next(done)
            yield in_flight.pop(future), _outcomes(future)

    def close(self) -> None:
        """End the processes on the workers and disconnect from the scheduler, which keeps running."""
        with contextlib.suppress(Exception):  # the scheduler may have stopped
            self._client.unregister_worker_plugin(self._plugin)
        self._client.close()


def _outcomes(future: Any) -> list[Outcome]:
    try:
        return [Outcome.from_json(entry) for entry in future.result()]
    except (BundleError, InputError, WorkerError):
        raise
    except Exception as error:
        raise WorkerError(f"a shard was not computed: {type(error).__name__}: {error}.") from error
