"""The documentation says what is so: what it shows of commands, and tables of what there is."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from softmax_harness.cli import VERBS
from softmax_harness.ground.formats import FORMATS
from softmax_harness.inputs.families import FAMILIES
from softmax_harness.judgement.outcomes import OUTCOMES
from softmax_harness.operations import OPERATIONS
from softmax_harness.run.results import COLUMNS, FILES
from softmax_harness.studies.reproduce import PAPERS

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))

from making import gallery, pages
from making.accessible import accessible, mend
from making.transcripts import Shown, agrees, commands_of, ran_as_typed, wrong_ones

NEEDS_A_SHELL = pytest.mark.skipif(os.name == "nt", reason="needs bash and its commands")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def imported(path):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RELEASE = imported(ROOT / ".github" / "release_version.py")
RELEASED = imported(ROOT / ".github" / "release_readme.py")


def test_the_front_page_is_short():
    assert len(README.splitlines()) < 120


def test_the_front_page_has_the_figures_of_the_newest_survey_of_processors():
    dated = (ROOT / "reports" / "survey").glob("[0-9]" * 4 + "-[0-9][0-9]-[0-9][0-9]")
    measured = pd.read_csv(max(dated) / "results.csv")
    is_default = measured["setting"].isna() & measured["way"].isna()
    own = measured[is_default & (measured["operation"] == "softmax")]
    worst = own.groupby(["dtype", "implementation"])["max_ulp"].max()
    table = README[README.index("| largest error seen, ulp") :].split("\n\n")[0]
    head, _, *rows = (
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table.split("\n")
    )
    for dtype, *cells in rows:
        for name, cell in zip(head[1:], cells, strict=True):
            found = worst.get((dtype, name.lower()))
            assert cell == (
                "–" if found is None else f"{found:.3g}".replace("e+", "e").replace("e0", "e")
            )


def test_the_page_of_exhaustive_tables_has_what_was_measured():
    page = (ROOT / "docs" / "exhaustive.md").read_text(encoding="utf-8")
    tables = sorted((ROOT / "reports" / "survey").glob("*-exhaustive*/table.md"))
    rows = [row for table in tables for row in table.read_text(encoding="utf-8").splitlines()[2:]]
    assert len(tables) == 5 and len(rows) > 28 and [row for row in rows if row not in page] == []
    (accurate,) = (row for row in rows if row.startswith("| accurate | float16 "))
    assert "| 0.0000% | 0.0000% |" in accurate and "accurate rounds each result" in README
    (on_a_gpu,) = (table.with_suffix(".json") for table in tables if "cuda" in table.parent.name)
    measured = json.loads(on_a_gpu.read_text(encoding="utf-8"))["results"]
    (torch,) = (
        each["not_correctly_rounded"]
        for each in measured
        if (each["implementation"], each["dtype"]) == ("torch-cuda", "float16")
    )
    assert f"PyTorch on an H200 all but {torch:,}:" in README


@NEEDS_A_SHELL
def test_the_front_page_shows_what_commands_print(tmp_path):
    assert "\n\n".join(map(str, wrong_ones(ROOT / "README.md", tmp_path, ran_as_typed))) == ""


@pytest.mark.parametrize(
    "said, printed, agree",
    [
        ("a\nb", "a\nb\n", True),
        ("a\n...\nd", "a\nb\nc\nd\n", True),
        ("a\n...", "a\n", True),
        ("a\n...", "b\n", False),
        ("max ... ulp", "max 3.5 ulp\n", True),
        ("max ... ulp", "max 3.5\nulp\n", False),
        ("a", "a\nb\n", False),
        ("1.5", "1x5\n", False),
        ("", "", True),
        ("", "a\n", False),
    ],
)
def test_what_is_said_agrees_with_what_is_printed(said, printed, agree):
    assert agrees(said, printed) == agree


@NEEDS_A_SHELL
def test_a_page_that_says_something_else_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```python\n# a.py\nprint(1)\n```\n\n```console\n$ python a.py\n2\n$ cat a.py\n...\n```\n"
    )
    (wrong,) = wrong_ones(page, tmp_path, ran_as_typed)
    assert wrong.shown == Shown("python a.py", "2\n") and wrong.printed == "1\n"
    assert "-2" in str(wrong) and "+1" in str(wrong)
    assert [each.command for each in commands_of("$ a\nb\n$ c\n")] == ["a", "c"]


def test_the_findings_of_the_front_page_are_those_of_the_pages():
    published = (ROOT / "docs" / "published-tolerances.md").read_text(encoding="utf-8")
    claims = (ROOT / "docs" / "method" / "claims.md").read_text(encoding="utf-8")
    rows = README.partition("## What it found")[2].partition("\n## ")[0]
    let_pass, farthest = re.search(
        r"`kernelbench`.* \| (\d+ of \d+) \| .*: (\d+) rel", published
    ).groups()
    assert f"{let_pass} faulty" in rows and f"{farthest} times" in rows
    assert "n = 2048 on" in rows and "from n = 2048" in re.sub(r"\s+", " ", published)
    for number in re.findall(
        r"[\d.]+ (?:%|ulp)", next(r for r in rows.splitlines() if "(0, 1)" in r)
    ):
        assert number in claims


def test_each_finding_names_what_shows_it(called):
    rows = README.partition("## What it found")[2].partition("\n## ")[0].splitlines()
    shown = [row.rstrip(" |").rpartition(" | ")[2] for row in rows if row.startswith("| ")][1:]
    for each in shown:
        program, _, rest = each.strip("`").partition(" ")
        if program == "softmax-harness":
            assert rest.split()[0] in VERBS
        else:
            assert (
                ROOT / (rest if program == "python" else re.search(r"\((.*)\)", each)[1])
            ).exists()
    assert "  zeros " in called("audit", "webnn").stdout
    script = next(each.split()[1].strip("`") for each in shown if "scipy" in each)
    pytest.importorskip("ml_dtypes", reason="pip install 'softmax-harness[narrow]'")
    done = subprocess.run(
        [sys.executable, ROOT / script], capture_output=True, text=True, check=True
    )
    assert "sum of softmax(x): 16.0" in done.stdout and "sums to 16" in README


def test_every_operation_stands_in_each_table():
    text = (ROOT / "docs" / "reference" / "operations.md").read_text(encoding="utf-8")
    assert {*re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)} == {*OPERATIONS}
    text = (ROOT / "docs" / "method" / "speed.md").read_text(encoding="utf-8")
    assert {*OPERATIONS} <= {*re.findall(r"^\| (\w+), ", text, re.MULTILINE)}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "examples/c/README.md"])
def test_links_lead_to_files(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    inside = [link for link in links if not link.startswith("../../actions/")]  # GitHub's own pages
    assert all((ROOT / name).parent.joinpath(link).exists() for link in inside), inside


def test_the_guide_to_the_code_names_modules_that_exist():
    wings = ("docs", "harness", "implementations", "reports", "tests")
    found = [path.relative_to(ROOT) for wing in wings for path in (ROOT / wing).rglob("*.py")]
    known = {path.name for path in found} | {path.as_posix() for path in found}
    known |= {path.removeprefix("harness/softmax_harness/") for path in known}
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = {*re.findall(r"`([a-z_0-9/]+\.py)`", text)}
    assert len(named) > 100 and not named - known


def test_every_file_and_column_of_a_run_is_told():
    text = (ROOT / "docs" / "reference" / "results.md").read_text(encoding="utf-8")
    names = {*FILES, *COLUMNS} - {*OUTCOMES}
    assert names == {name for name in names if f"`{name}`" in text}


def test_links_of_a_released_front_page_lead_to_the_repository():
    text = RELEASED.absolute(README, "someone/softmax-harness", "v1.2.3")
    page = "https://github.com/someone/softmax-harness"
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert targets and all(target.startswith("https://") for target in targets)
    assert f"]({page}/raw/v1.2.3/docs/images/report.png)" in text
    assert f"]({page}/blob/v1.2.3/CONTRIBUTING.md)" in text
    assert f"]({page}/actions/workflows/test.yml)" in text
    assert f"]({page}/actions/workflows/test.yml/badge.svg)" in text


def test_the_workflow_of_the_front_page_is_one():
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    steps = yaml.safe_load(text)["jobs"]["softmax"]["steps"]
    assert steps[-1] == {"run": "softmax-harness check"}
    tutorial = (ROOT / "docs" / "tutorials" / "guard.md").read_text(encoding="utf-8")
    assert text in tutorial  # and is checked against its schema elsewhere


def test_the_settings_of_the_front_page_excuse_what_they_say(called, tmp_path):
    (settings,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    settings = settings.replace("# waivers", "waivers")  # which nothing there needs
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    kernel = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1].replace(
        "np.exp(x)", "np.exp(d)"
    )
    begun = "def softmax(x, axis=-1):\n    d = x - x.max(axis=axis, keepdims=True)"
    kernel = kernel.replace("def softmax(x, axis=-1):", begun)
    kernel = re.sub(r"return (.*)", r"return (\1).astype(x.dtype)", kernel)  # of integers, too
    (tmp_path / "kernel.py").write_text(kernel, encoding="utf-8")
    (name,) = re.findall(r"implementations = \[\"(.*)\"\]", settings)
    words = ("check", name, "--only", "integers", "--update-baseline")
    done = called(*words, cwd=tmp_path)
    assert done.returncode == 0 and "waived until 2030-01-31: integers" in done.stdout + done.stderr
    unexcused = re.sub(r"waivers.*\n", "", settings)
    (tmp_path / "pyproject.toml").write_text(unexcused, encoding="utf-8")
    assert called(*words, cwd=tmp_path).returncode == 1


def test_pages_of_the_codes_own_words_have_all_there_is(tmp_path):
    pages.write(tmp_path / "docs", ROOT)
    made = {
        path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "docs").rglob("*.*")
    }
    assert {f"{name}.md" for name in (*pages.BROUGHT.values(), "commands", "facts")} < {*made}
    for verb in VERBS:
        assert f"\n### {verb}\n\n    softmax-harness {verb}" in made["commands.md"]
    for name in (*FORMATS, *OPERATIONS, *FAMILIES, *OUTCOMES, *PAPERS):
        assert f"\n| `{name}` |" in made["facts.md"]
    # A link of a text that stands elsewhere leads to the page that its target became.
    assert "](implementation.md)" in made["plugin.md"] and "](c.md)" not in made["plugin.md"]


def test_one_version_stands_everywhere():
    assert RELEASE.disagreeing(ROOT) == []


@pytest.mark.parametrize(
    "name, before, after, tag, told",
    [
        ("CITATION.cff", "version: 1.2.3", "version: 1.2.2", "v1.2.3", "CITATION.cff"),
        ("CHANGELOG.md", "## 1.2.3 (2030-01-31)", "## Unreleased", "v1.2.3", "CHANGELOG.md"),
        ("CHANGELOG.md", "## 1.2.3", "## Unreleased\n\n## 1.2.3", None, "released already"),
        ("pyproject.toml", '"1.2.3"', '"1.2.4"', "v1.2.3", "tag v1.2.3"),
    ],
)
def test_what_names_another_version_is_told(tmp_path, name, before, after, tag, told):
    texts = {
        "pyproject.toml": '[project]\nversion = "1.2.3"\n',
        "CITATION.cff": "cff-version: 1.2.0\nversion: 1.2.3\n",
        "CHANGELOG.md": "# Changelog\n\n## 1.2.3 (2030-01-31)\n\n- New.\n\n## 1.2.2 (2029-01-31)\n",
    }
    for path, text in texts.items():
        (tmp_path / path).write_text(text)
    assert RELEASE.disagreeing(tmp_path, "v1.2.3") == []
    assert RELEASE.notes(tmp_path) == "- New."
    (tmp_path / name).write_text(texts[name].replace(before, after))
    assert any(told in line for line in RELEASE.disagreeing(tmp_path, tag))


def test_what_scrolls_on_the_site_can_be_reached_by_keys(tmp_path):
    report = tmp_path / "reports" / "one" / "report.html"
    page = tmp_path / "index.html"
    report.parent.mkdir(parents=True)
    for path in (report, page):
        path.write_text('<pre>x</pre><aside class="toc-drawer no-toc">', encoding="utf-8")
    mend(tmp_path)
    expected = '<pre tabindex="0">x</pre><aside aria-label="This page" class="toc-drawer no-toc">'
    assert page.read_text(encoding="utf-8") == expected == accessible(expected)
    assert report.read_text(encoding="utf-8").startswith("<pre>")


def test_the_gallery_shows_each_report_with_its_commands(tmp_path, monkeypatch, capfd):
    """A comparison that finds something is made, and a command that cannot do its work is told."""
    words = ("softmax-harness compare run:naive run:max-shifted", "softmax-harness list")
    (tmp_path / "_made").mkdir()
    run = gallery.Run("one", "One", "About.", ("cp a.txt b.txt",), "b.txt", (("a.txt", "x"),))
    gone = gallery.Run("gone", "Gone", "About.", words, "")
    monkeypatch.setattr(gallery, "RUNS", (run, gone))
    gallery.make(run, tmp_path)
    with pytest.raises(SystemExit, match="compare run:naive run:max-shifted: exit code 2"):
        gallery.make(gone, tmp_path)
    gallery.write_list(tmp_path)
    text = (tmp_path / "_made" / "gallery.md").read_text(encoding="utf-8")
    assert "    cp a.txt b.txt" in text and 'href="../reports/one/b.txt"' in text
    assert text.count("`make gallery` makes it") == 1 and all(word in text for word in words)
