"""Standard output that cannot be written: what is lost is told, a reader that has gone is not."""

import os
import sys
from pathlib import Path

import click
import pytest
from softmax_harness.cli.output import OutputLost, guarded_output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("text", ["", "few words", "many words" * 10_000])
def test_what_is_lost_is_told_once(monkeypatch, text):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(OutputLost, match="No space left on device"), guarded_output():
            click.echo(text)
        assert sys.stdout is full
        full.write("what comes later decides nothing")


def test_a_reader_that_has_gone_ends_nothing(monkeypatch):
    read, written = os.pipe()
    os.close(read)
    with os.fdopen(written, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        done = []
        with guarded_output():
            click.echo("more than it read" * 10_000)
            done.append("the verdict")
    assert done == ["the verdict"]


def test_what_is_written_arrives(monkeypatch):
    read, written = os.pipe()
    with os.fdopen(written, "w") as pipe, os.fdopen(read) as reader:
        monkeypatch.setattr(sys, "stdout", pipe)
        with guarded_output():
            click.echo("here")
        assert reader.readline() == "here\n"
