"""What a run is said to have been made on."""

import pytest
from softmax_harness.ground import environment as module
from softmax_harness.ground.environment import environment


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Puts a command in the place of nvidia-smi, on a machine that has a driver."""

    def put(script):
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        monkeypatch.setattr(module, "_DRIVER", tmp_path)
        monkeypatch.setattr(module, "_GPUS", (str(tool),))
        module.gpus.cache_clear()

    yield put
    module.gpus.cache_clear()


def test_cards_and_their_driver_are_told(told):
    told("echo 'NVIDIA H200, 580.1, 9.0'; echo 'NVIDIA L4, 580.1, 8.9'")
    assert environment()["GPUs"] == ["NVIDIA H200, driver 580.1", "NVIDIA L4, driver 580.1"]


def test_a_tool_that_fails_tells_of_no_card(told):
    told("exit 9")
    assert "GPUs" not in environment()


def test_what_judges_is_told_with_its_version():
    assert {"softmax-harness", "numpy", "mpmath", "pandas"} <= set(environment()["packages"])
