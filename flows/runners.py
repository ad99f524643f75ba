"""Where shards are worked on: in this process, or by Prefect's task runners in the processes of a Dask or Ray cluster.

Writes: nothing of its own; a cluster started here ends with the campaign. Must not know: which steps there are.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, NamedTuple

from prefect.context import FlowRunContext, TagsContext
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.settings import Campaign
from warehouse.errors import PlumblineError


class Pools(NamedTuple):
    """`away` is where shards are worked on, `here` the threads for what must stay in this process; None: one by one."""

    away: TaskRunner[Any] | None = None
    here: TaskRunner[Any] | None = None


ONE_BY_ONE = Pools()


@contextmanager
def pools(settings: Campaign) -> Iterator[Pools]:
    """The runner that the settings name. Raises PlumblineError where it is not installed or does not start."""
    with ExitStack() as stack:
        threads: TaskRunner[Any] | None = None
        if settings.workers > 1:
            threads = stack.enter_context(ThreadPoolTaskRunner[Any](settings.workers))
        if settings.runner == "threads":
            yield Pools(threads, threads)
            return
        runner = _cluster(settings)
        try:
            away = stack.enter_context(runner)
        except Exception as error:  # whatever Ray raises, an Exception as such among others
            raise PlumblineError(
                f"runner: {settings.runner} did not start ({error}); on a busy machine start it yourself "
                "and name it as `cluster`, or use runner: threads"
            ) from error
        yield Pools(away, threads)


def submit(pool: TaskRunner[Any], task: Any, parameters: dict[str, Any]) -> PrefectFuture[Any]:
    """The task on the pool, as part of the flow run at hand."""
    context = FlowRunContext.get()
    # A worker is sent the context of the flow run, and a flow's parameters are the open workshop, which stays here.
    with untagged(), context.model_copy(update={"parameters": {}}) if context else nullcontext():
        return pool.submit(task, parameters=parameters)


def untagged() -> TagsContext:
    """Around tasks: the campaign's tag is for its flow runs. A task that carries one asks the server first, and waits,
    whether a limit of that name has a slot for it."""
    return TagsContext(current_tags=set())


def _cluster(settings: Campaign) -> TaskRunner[Any]:
    try:
        return _dask(settings) if settings.runner == "dask" else _ray(settings)
    except ImportError as error:
        raise PlumblineError(
            f"runner: {settings.runner} is an extra that is not installed ({error}); "
            f"pip install 'plumbline[{settings.runner}]', or use runner: threads"
        ) from error


def _dask(settings: Campaign) -> TaskRunner[Any]:
    from prefect_dask import DaskTaskRunner

    if settings.cluster:
        return DaskTaskRunner(address=settings.cluster)
    # One thread each: a worker holds one copy of the models. How much memory they take is not Dask's to ration.
    ours = {"n_workers": settings.workers, "threads_per_worker": 1, "memory_limit": 0, "dashboard_address": None}
    return DaskTaskRunner(cluster_kwargs=ours)


def _ray(settings: Campaign) -> TaskRunner[Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from prefect_ray import RayTaskRunner

    if settings.cluster:
        return RayTaskRunner(address=settings.cluster, init_kwargs={"log_to_driver": False})
    # What passes through the object store are names and seeds, so the smallest one does (bytes).
    ours = {"num_cpus": settings.workers, "object_store_memory": 100 * 2**20, "include_dashboard": False}
    return RayTaskRunner(init_kwargs=ours | {"log_to_driver": False, "logging_level": "ERROR"})
