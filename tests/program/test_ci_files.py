"""action.yml and the workflows to copy: valid, safe, and run as a CI server runs them."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib

import junitparser
import pytest
import yaml
from check_jsonschema import main as validate
from click.testing import CliRunner
from packaging.version import Version

SCHEMAS = {
    "action.yml": ["vendor.github-actions"],
    "ci/github.yml": ["vendor.github-workflows"],
    ".github/workflows/test.yml": ["vendor.github-workflows"],
    ".github/workflows/release.yml": ["vendor.github-workflows"],
    "CITATION.cff": ["vendor.citation-file-format"],
    "ci/gitlab.yml": ["vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
}
KERNEL = """
    import os
    import numpy as np

    def right(x, axis=-1):
        with np.errstate(all="ignore"):
            e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
            return e / np.sum(e, axis=axis, keepdims=True)

    def wrong(x, axis=-1):
        with np.errstate(all="ignore"):
            e = np.exp(x)
            return e / np.sum(e, axis=axis, keepdims=True)

    def ends(x, axis=-1):
        os._exit(3)
"""
# The verdict comes with the first call.
SETTINGS = """
[tool.softmax-harness]
implementations = ["sub/kernel.py:ends"]
dtypes = ["float32"]
"""


def document(root, name):
    return yaml.safe_load((root / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_keeps_to_the_schema_of_its_kind(root, name):
    done = CliRunner().invoke(validate, ["--builtin-schema", *SCHEMAS[name], str(root / name)])
    assert done.exit_code == 0, done.output


def steps_of(root, name):
    found = document(root, name)
    return [
        step
        for job in found.get("jobs", {"action": found.get("runs")}).values()
        for step in job["steps"]
    ]


@pytest.mark.parametrize("name", ["action.yml", "ci/github.yml"])
def test_nothing_from_outside_is_written_into_a_script(root, name):
    scripts = [step["run"] for step in steps_of(root, name) if "run" in step]
    assert scripts and not any("${{" in script for script in scripts)


def test_this_repository_uses_the_action(root):
    assert "./" in [step.get("uses") for step in steps_of(root, ".github/workflows/test.yml")]


def test_only_inputs_that_there_are_are_used(root):
    text = (root / "action.yml").read_text(encoding="utf-8")
    assert {*re.findall(r"inputs\.([\w-]+)", text)} == {*document(root, "action.yml")["inputs"]}


@pytest.fixture(scope="module")
def versions(root):
    """The Pythons of the job that runs the tests from the lowest versions to the newest."""
    matrix = document(root, ".github/workflows/test.yml")["jobs"]["versions"]["strategy"]["matrix"]
    assert matrix["versions"] == ["lowest", "newest"]
    return matrix["python"]


def test_the_versions_that_are_admitted_are_the_ones_that_are_tested(root, versions):
    """Else: requirements/compile.sh."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={versions[0]}"
    admitted = [*project["dependencies"], *project["optional-dependencies"]["narrow"]]
    floors = dict(each.replace("_", "-").split(">=") for each in admitted)
    for python in versions:
        text = (root / "requirements" / f"lowest-{python}.txt").read_text(encoding="utf-8")
        pinned = {name: Version(pin) for name, pin in re.findall("^([a-z].*)==(.*)$", text, re.M)}
        lowest = {name: pinned[name] for name in floors}
        if python == versions[0]:
            assert lowest == {name: Version(floor) for name, floor in floors.items()}
        # A newer Python may have no wheel of so old a version.
        assert all(lowest[name] >= Version(floor) for name, floor in floors.items())


@pytest.fixture(scope="module")
def action(root, tmp_path_factory):
    """Runs the scripts of the action in a repository of its own, installed beside this clone."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    site = tmp_path_factory.mktemp("site")
    steps = [step for step in steps_of(root, "action.yml") if "run" in step]

    def run(folder, **inputs):
        temporary = folder / "temporary"
        temporary.mkdir(exist_ok=True)
        given = {
            name: each["default"] for name, each in document(root, "action.yml")["inputs"].items()
        }
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        runner = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(root),
            "GITHUB_OUTPUT": str(temporary / "output"),
            "GITHUB_STEP_SUMMARY": str(temporary / "summary.md"),
            "RUNNER_TEMP": str(temporary),
            "PATH": os.pathsep.join(
                [str(site / "bin"), os.path.dirname(sys.executable), os.environ["PATH"]]
            ),
            "PYTHONPATH": str(site),
        }
        if not (site / "softmax_harness").exists():
            # So that pip installs what the action says, and all else stays as it is; to pip this
            # "0" means that the build is not isolated.
            runner |= {"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_TARGET": str(site)}
            done = script(steps[0], folder, given, runner)
            assert done.returncode == 0, done.stderr
        return script(steps[1], folder, given, runner)

    return run


def script(step, folder, inputs, runner):
    def value(text):
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], text)

    environment = os.environ | runner | {key: value(text) for key, text in step["env"].items()}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder / value(step.get("working-directory", ".")),
        env=environment,
    )


@pytest.fixture
def repository(tmp_path):
    """Somebody's kernels, in a folder of a repository."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "kernel.py").write_text(textwrap.dedent(KERNEL), encoding="utf-8")
    return tmp_path


def test_it_passes_what_is_right_and_says_where_its_documents_are(action, repository):
    done = action(
        repository,
        implementations="kernel.py:right",
        dtypes="float32,float64",
        args="--only shapes\n--only integers",
        working_directory="sub",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pass         kernel.py:right float64" in done.stdout
    outputs = dict(
        line.split("=", 1)
        for line in (repository / "temporary" / "output").read_text().splitlines()
    )
    suites = junitparser.JUnitXml.fromfile(outputs["junit"])
    assert [(suite.tests, suite.failures) for suite in suites] == [(2, 0)]
    with open(outputs["markdown"], encoding="utf-8") as file:
        assert "2 of 2 pass" in file.read()
    assert sorted(each.name for each in (repository / "sub").iterdir() if each.is_file()) == [
        "kernel.py"
    ]


def test_it_fails_on_what_is_wrong_and_tells_it_everywhere(action, repository):
    done = action(
        repository,
        implementations="kernel.py:right\nkernel.py:wrong",
        dtypes="float32",
        args="--only accuracy\n--fail-fast",
        working_directory="sub",
    )
    assert done.returncode == 1, done.stdout + done.stderr
    lines = textwrap.dedent(KERNEL).splitlines()
    line = next(at for at, text in enumerate(lines, 1) if text.startswith("def wrong("))
    place = f"file=sub/kernel.py,line={line}"
    assert f"::error {place},title=kernel.py%3Awrong float32 wrong_special::" in done.stdout
    temporary = repository / "temporary"
    assert "**wrong\\_special**" in (temporary / "summary.md").read_text(encoding="utf-8")
    right, wrong = junitparser.JUnitXml.fromfile(str(temporary / "softmax-check.xml"))
    assert (right.failures, wrong.failures) == (0, 1)
    (case,) = wrong
    (failure,) = case.result
    assert failure.message == "wrong_special" and "witness float32:" in failure.text


def test_without_inputs_it_checks_what_the_project_names(action, repository):
    (repository / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    done = action(repository)
    assert done.returncode == 1
    assert re.search("^fail +sub/kernel.py:ends float32", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    "inputs",
    [
        {"implementations": "$(touch gone) `touch gone` ;touch gone"},
        {"args": "; touch gone #"},
        {"dtypes": '"; touch gone; "'},
        {"baseline": "$(touch gone)"},
    ],
)
def test_an_input_is_never_run(action, repository, inputs):
    done = action(repository, **inputs)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert not (repository / "gone").exists()


def test_the_check_of_gitlab_runs_as_written(root, repository):
    job = document(root, "ci/gitlab.yml")["softmax-check"]
    (line,) = [line for line in job["script"] if line.startswith("softmax-harness check")]
    program = os.path.join(os.path.dirname(sys.executable), "softmax-harness")
    words = [program, *line.split()[1:]]
    (repository / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=repository)
    assert done.returncode == 1, done.stderr
    report = repository / job["artifacts"]["reports"]["junit"]
    assert [suite.failures for suite in junitparser.JUnitXml.fromfile(str(report))] == [1]
    assert all((repository / path).is_file() for path in job["artifacts"]["paths"])
