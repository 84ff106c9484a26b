"""A Dask cluster as an executor: its workers do the jobs, its scheduler does all the rest.

Results depend on the code, on the libraries and on the processor, whose exp every bound is measured
with. So only workers take part that are in all of this like the process that asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from typing import Any

from softmax_harness.ground.errors import HarnessError
from softmax_harness.run.identity import identity

_SECONDS_TO_CONNECT = 10
_INSTALL = "pip install 'softmax-harness[dask]'"


class NoCluster(HarnessError):
    """There is no cluster that could do the jobs."""


@contextmanager
def cluster(
    address: str, implementations: Iterable[str] = (), dtypes: Iterable[str] = ()
) -> Iterator[Executor]:
    """The cluster of a scheduler at an address such as ``tcp://10.0.0.1:8786``.

    Parameters
    ----------
    implementations, dtypes
        What `softmax_harness.run.identity.identity` takes: of these the workers have the same code
        and measure the same errors.

    Raises
    ------
    NoCluster
        If nothing answers there, or no worker is like this process.
    """
    try:
        import distributed
    except ImportError:
        raise NoCluster(f"--scheduler needs the package distributed: {_INSTALL}") from None
    connect: Any = distributed.Client
    try:
        client = connect(address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise NoCluster(
            f"no Dask scheduler answers at {address} ({error}): start one with dask scheduler, and "
            "give the address that it prints"
        ) from None
    with client:
        tell = partial(identity, tuple(implementations), tuple(dtypes))
        yield client.get_executor(workers=_alike(client.run(tell), tell(), address), pure=False)


def _alike(told: dict[str, str], own: str, address: str) -> list[str]:
    """The addresses of the workers that are like this process."""
    alike = [worker for worker, found in told.items() if found == own]
    if not alike:
        raise NoCluster(
            f"none of the {len(told)} workers of {address} is like this process: expected workers "
            "with the same versions of everything on the same kind of processor; start the command "
            "on such a machine, or workers on one like this"
        )
    return alike
