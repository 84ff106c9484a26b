"""How bench has revisions built: by which commands and in which process, and what it says then."""

import importlib.machinery
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from softmax_harness.ground.errors import HarnessError
from softmax_harness.subjects.isolation import group
from softmax_harness.timing import built_file
from softmax_harness.timing.bench import building, builds, commands
from softmax_harness.timing.bench.building import builder
from softmax_harness.timing.bench.starting import Timed, write_template
from softmax_harness.timing.built import FOLDER, library_file

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody lists processes")


@pytest.mark.parametrize(
    "files, found",
    [
        ((), ()),
        (("Makefile",), ("make",)),
        (("CMakeLists.txt",), commands._OTHERS["CMakeLists.txt"]),
        (("CMakeLists.txt", "Makefile"), ("make",)),
        (("Makefile", "setup.py"), ()),
        (("CMakeLists.txt", "pyproject.toml"), ()),
    ],
)
def test_what_builds_a_project_is_told_by_its_files(tmp_path, files, found):
    for name in files:
        (tmp_path / name).touch()
    assert commands.guessed(tmp_path) == found


@pytest.mark.skipif(os.name == "nt", reason="another shell")
def test_a_line_of_the_shell_comes_to_the_shell_as_it_was_written(tmp_path):
    util = pytest.importorskip("asv.util", reason="pip install 'softmax-harness[asv]'")
    line = "for n in 1 2; do echo \"$n ${HERE}\" '{braces}' >> told; done && cat told"
    words, *_ = util.interpolate_command(commands.of_shell(line), {"build_dir": "unused"})
    environment = os.environ | {"HERE": "here"}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout == "1 here {braces}\n2 here {braces}\n", done.stderr


@pytest.mark.parametrize("kind", ["by pip", "by make", "by a line"])
def test_the_template_is_a_configuration_of_asv(tmp_path, monkeypatch, kind):
    pytest.importorskip("asv", reason="pip install 'softmax-harness[asv]'")
    if kind == "by make":
        (tmp_path / "Makefile").touch()
    line = 'cmake -B "a b" && ninja' if kind == "by a line" else None
    write_template(tmp_path, line)
    config = builds._loaded(tmp_path / "asv.conf.json")
    assert commands.stays_in_its_folder(config) == (kind != "by pip")
    text = (tmp_path / "benchmarks" / "softmax.py").read_text(encoding="utf-8")
    assert ('signature="f32 rows,n"' in text) == (kind != "by pip")
    if kind == "by make":
        assert (config.project, config.build_command) == (tmp_path.name, ["make"])
    elif kind == "by pip":
        # asv's own defaults, but for what pip would fetch from elsewhere.
        assert (
            "--no-deps" in config.build_command[0] and "{wheel_file}" in config.install_command[0]
        )
    else:
        assert config.build_command == [commands.of_shell(line)]


class Failed(Exception):
    def __init__(self, stdout, stderr):
        super().__init__("Command make returned 2")
        self.stdout, self.stderr = stdout, stderr


@pytest.mark.parametrize(
    "stdout, stderr, reason",
    [
        (
            "cc -c a.c\n",
            "a.c:3:1: warning: unused\na.c:6:9: error: expected ;\na.c:7:1: error: more\n"
            "make: *** [Makefile:3: a.so] Error 1\n",
            "a.c:6:9: error: expected ;",
        ),
        ("", "CMake Error: no CMakeLists.txt\nlast\n", "CMake Error: no CMakeLists.txt"),
        ("", "Traceback\nValueError: first\nImportError: last\n", "ImportError: last"),
        ("", "sh: 1: nosuch: not found\n", "sh: 1: nosuch: not found"),
        ("said\nat last\n", "", "at last"),
        ("", "", "Command make returned 2"),
    ],
)
def test_the_reason_of_a_build_that_failed_is_its_cause(stdout, stderr, reason):
    assert builds._reason(Failed(stdout, stderr)).removesuffix(" (all of it is above)") == reason


def test_programs_of_the_system_are_found_and_others_named():
    class Environment:
        def find_executable(self, name):
            if name == "python":
                return "its own"
            raise OSError(f"Could not find {name} in its folder")

    environment = Environment()
    builds._find_programs_too(environment)
    assert environment.find_executable("python") == "its own"
    assert Path(environment.find_executable("git")).is_absolute()
    with pytest.raises(OSError, match="there is no program 'nosuch'"):
        environment.find_executable("nosuch")


def test_pip_is_blamed_only_where_there_is_nothing_for_it(tmp_path):
    assert commands.advice(tmp_path).endswith("--build COMMAND")
    (tmp_path / "makefile").touch()
    assert commands.advice(tmp_path).endswith("--build make")
    (tmp_path / "setup.py").touch()
    assert commands.advice(tmp_path) == ""


def test_a_file_of_a_build_is_found_or_it_is_said_what_is_there(tmp_path, monkeypatch):
    monkeypatch.delenv(FOLDER, raising=False)
    with pytest.raises(HarnessError, match="outside softmax-harness bench"):
        built_file("lib.so")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    (tmp_path / "softmax.c").touch()
    with pytest.raises(HarnessError, match=r"no 'lib\.so'.* holds softmax\.c$"):
        built_file("lib.so")
    (tmp_path / "lib.so").touch()
    assert built_file("lib.so") == str(tmp_path / "lib.so")


@pytest.mark.parametrize("name", [None, "kernel.py:f", "lib.so:f"])
def test_the_template_times_the_operation_that_is_named(tmp_path, name):
    signature = "f64 y,x,n:int" if name == "lib.so:f" else None
    *_, benchmark = write_template(tmp_path, timed=Timed(name, signature, "log_softmax"))
    text = benchmark.read_text(encoding="utf-8")
    compile(text, "benchmark", "exec")
    assert text.count('", operation="log_softmax", ') == 1


@pytest.mark.parametrize("name", ["kernel.py:f", "their/lib.so:f"])
def test_the_template_times_what_is_named(tmp_path, name):
    signature = "f64 y,x,n:int" if "lib" in name else None
    *_, benchmark = write_template(tmp_path, timed=Timed(name, signature))
    text = benchmark.read_text(encoding="utf-8")
    compile(text, "benchmark", "exec")
    assert f'suite("{name}", ' in text and "softmax_f32" not in text
    assert (f'signature="{signature}"' in text) == (signature is not None)


def test_a_library_is_that_of_the_build_or_of_a_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(FOLDER, raising=False)
    with pytest.raises(HarnessError, match=r"no 'their/lib\.so'"):
        library_file("their/lib.so")
    installed = tmp_path / "site" / "their" / f"lib{importlib.machinery.EXTENSION_SUFFIXES[0]}"
    built = tmp_path / "built" / "their" / "lib.so"
    for path in (installed, built):
        path.parent.mkdir(parents=True)
        path.touch()
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert Path(library_file("their/lib.so")) == installed
    monkeypatch.setenv(FOLDER, str(tmp_path / "built"))
    assert Path(library_file("their/lib.so")) == built


# In a group of its own, as asv starts what builds.
start_sleep = partial(os.posix_spawnp, "sleep", ["sleep", "600"], {}, setpgroup=0)


@linux
def test_what_a_build_has_started_ends_with_it():
    with builder() as ask:
        pid, builder_pid = ask(start_sleep), ask(os.getpid)
        assert pid in group.started_by(builder_pid)
        with pytest.raises(HarnessError, match="ValueError: .*'no number'"):
            ask(int, "no number")
    assert not group.started_by(builder_pid)


@linux
def test_what_a_build_has_started_ends_with_a_builder_that_hangs(monkeypatch):
    monkeypatch.setattr(building, "_SECONDS_TO_END", 0.1)
    with builder() as ask:
        _, builder_pid = ask(start_sleep), ask(os.getpid)
        os.kill(builder_pid, signal.SIGSTOP)
    assert not group.started_by(builder_pid)


@linux
def test_what_a_build_has_started_ends_with_who_asked_for_it():
    """By the signal that leaves nobody time to do it."""
    program = (
        "import os; from softmax_harness.timing.bench.building import builder\n"
        "with builder() as ask: print(ask(os.getpid), flush=True); ask(os.system, 'sleep 600')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        builder_pid = int(process.stdout.readline())
        process.kill()
    until = time.monotonic() + 5
    while group.started_by(builder_pid) or Path(f"/proc/{builder_pid}").exists():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_builder_that_died_is_one_line():
    with pytest.raises(HarnessError, match="died with exit code 7"), builder() as ask:
        ask(os._exit, 7)
