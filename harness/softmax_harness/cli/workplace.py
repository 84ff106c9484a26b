"""Where the jobs of long work are done: in processes of this machine, or on a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager

import click

from softmax_harness.ground.environment import usable_cores
from softmax_harness.ground.workers import workers

jobs = click.option(
    "--jobs",
    type=click.IntRange(1),
    default=usable_cores,
    help="Worker processes.  [default: cores]",
)
scheduler = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Let the workers of a Dask scheduler do the jobs, such as tcp://10.0.0.1:8786, in place "
    "of processes here. Only workers on processors like this one take part.",
)


@contextmanager
def workplace(
    count: int, address: str | None, implementations: Sequence[str], dtypes: Sequence[str]
) -> Iterator[Executor]:
    """An executor of so many processes, or of the cluster at an address.

    Parameters
    ----------
    implementations, dtypes
        Of which the workers of a cluster need the same code and errors as this process.
    """
    if address is None:
        with workers(count) as executor:
            yield executor
        return
    from softmax_harness.run.cluster import cluster

    with cluster(address, implementations, dtypes) as executor:
        yield executor
