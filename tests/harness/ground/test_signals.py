"""Signals that come where Python raises nothing, or something else in their place."""

import os
import signal
import time

import pytest
from softmax_harness import cli
from softmax_harness.ground.signals import Terminated, interruption_in, termination_raised

posix = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="Windows has neither such signals nor timers"
)


class Dying:
    """What is signalled in its destructor, from which nothing can be raised."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        os.kill(os.getpid(), self.number)
        time.sleep(0.01)


@pytest.fixture
def interruptible():
    """Python raises KeyboardInterrupt, though a shell may have started it in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    "number, kind", [(signal.SIGTERM, Terminated), (signal.SIGINT, KeyboardInterrupt)]
)
def test_a_signal_that_comes_in_a_destructor_is_not_lost(number, kind):
    with termination_raised(), pytest.raises(KeyboardInterrupt) as raised:
        Dying(number)
        time.sleep(5)
    assert raised.type is kind


@posix
def test_what_else_a_destructor_raises_is_told_as_ever(capsys):
    class Failing:
        def __del__(self):
            raise ValueError("of the destructor")

    with termination_raised():
        Failing()
    assert "ValueError: of the destructor" in capsys.readouterr().err


@pytest.mark.parametrize("kind, code", [(Terminated, 143), (KeyboardInterrupt, 130)])
def test_an_interrupt_that_python_made_an_error_of_is_no_error_of_ours(
    kind, code, monkeypatch, capsys
):
    """As in 3.11 where it comes while a class is made."""

    def wrapped(standalone_mode):
        try:
            raise kind
        except KeyboardInterrupt as error:
            raise RuntimeError("Error calling __set_name__") from error

    monkeypatch.setattr(cli, "commands", wrapped)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert capsys.readouterr().err.endswith("; no file was left half-written\n")


def test_an_error_of_its_own_is_from_no_interrupt():
    assert interruption_in(ValueError()) is None
