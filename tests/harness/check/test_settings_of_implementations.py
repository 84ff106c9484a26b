"""A project says of each implementation how it is called, in a table in place of its name."""

import shutil
import subprocess

import pytest
from softmax_harness.check.gate.settings import found_settings
from softmax_harness.ground.errors import BadImplementation, BadSettings
from softmax_harness.subjects.declaration import Said

TABLE = """
[tool.softmax-harness]
dtypes = ["float32"]
implementations = [
    "max-shifted",
    {name = "libsoftmax.so:softmax_f32", signature = "f32 rows,n"},
    {name = "kernel.py:softmax", arrays = "torch", device = "cuda", standard = "wide"},
]

[tool.softmax-harness.operations.cross_entropy]
implementations = [{name = "libsoftmax.so:cross_entropy_f32", signature = "SIGNATURE"}]
""".replace("SIGNATURE", "f32 x,n,target=size_t -> f32")


def settings(folder, text=TABLE):
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return found_settings(folder)


def test_what_is_said_of_an_implementation_is_read(tmp_path):
    project = settings(tmp_path)
    assert project.implementations == (
        "max-shifted",
        "libsoftmax.so:softmax_f32",
        "kernel.py:softmax",
    )
    assert project.said == {
        "libsoftmax.so:softmax_f32": Said(signature="f32 rows,n"),
        "kernel.py:softmax": Said(arrays="torch", device="cuda", standard="wide"),
    }
    (name,) = project.of("cross_entropy").implementations
    assert project.of("cross_entropy").said[name].signature.endswith("-> f32")
    assert not project.of("logsumexp").said


@pytest.mark.parametrize(
    "given, wrong, error, told",
    [
        ("signature =", "signatur =", BadSettings, "did you mean signature"),
        ('"f32 rows,n"', "3", BadSettings, "signature is 3: expected a string"),
        ('"wide"', '"wise"', BadSettings, "did you mean wide"),
        ('name = "kernel.py:softmax", ', "", BadSettings, "a list of strings, or of tables"),
        ('arrays = "torch", ', "", BadImplementation, "--device cuda was given without --arrays"),
        ("libsoftmax.so:softmax_f32", "kernel.py:f", BadImplementation, "--signature was given"),
        ('"torch"', '"troch"', BadSettings, "did you mean torch"),
    ],
)
def test_what_cannot_be_said_is_refused(tmp_path, given, wrong, error, told):
    with pytest.raises(error) as raised:
        settings(tmp_path, TABLE.replace(given, wrong))
    assert told in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("make", "cc")),
    reason="needs make and a C compiler: install make and gcc or clang as cc",
)
def test_the_example_in_c_passes_as_its_project_names_it(called, root, tmp_path):
    shutil.copytree(root / "examples" / "c", tmp_path, dirs_exist_ok=True)
    subprocess.run(["make", "-s"], cwd=tmp_path, check=True)
    lines = TABLE.splitlines()
    settings(tmp_path, "\n".join(line for line in lines if "kernel.py" not in line))
    done = called("check", "--only", "shapes", "--only", "repeats", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = [line.split()[1:3] for line in done.stdout.splitlines() if line.startswith("pass")]
    assert passed == [
        ["max-shifted", "float32"],
        ["libsoftmax.so:softmax_f32", "float32"],
        ["libsoftmax.so:cross_entropy_f32", "float32"],
    ]
