"""The library that a generated repository depends on: never a bare name on an index, and there without the original."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from projectkit.scaffold import create_project
from projectkit.scaffold.finish import Generation, finish
from projectkit.scaffold.git import git, without_credentials
from projectkit.scaffold.new import template_folder
from projectkit.scaffold.wheel import library_wheel

Typed = Callable[..., "subprocess.CompletedProcess[str]"]


def requirement_of(project: Path) -> str:
    table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    (requirement,) = table["project"]["dependencies"]
    return str(requirement)


def install(what: Path, target: Path, typed: Typed, *options: str) -> None:
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")
    done = typed(*pip, *options, "--target", str(target), str(what), cwd=target.parent)
    assert done.returncode == 0, done.stderr


def small_checkout(folder: Path) -> Path:
    """A checkout with a commit of its own, of what a wheel is built from."""
    source = template_folder().parent
    folder.mkdir()
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("projectkit", "template", "examples"):
        if (source / name).is_dir():
            shutil.copytree(source / name, folder / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(source / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    assert git(folder, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "all") is not None
    return folder


@pytest.mark.parametrize("key", ["project_title", "team_members"])
def test_a_team_that_writes_chinese_gets_the_fonts_for_it(key: str, answers: dict[str, str], tmp_path: Path) -> None:
    value = "恶意域名" if key == "project_title" else "李雷 <lilei@example.org>"
    project = create_project({**answers, key: value}, tmp_path)
    assert requirement_of(project).startswith("dl-projectkit[cjk] @ {root:uri}/vendor/")


def test_by_default_a_local_template_vendors_the_library(answers: dict[str, str], tmp_path: Path) -> None:
    project = create_project({**answers, "projectkit_source": "auto"}, tmp_path)
    (wheel,) = (project / "vendor").iterdir()
    assert requirement_of(project) == f"dl-projectkit @ {{root:uri}}/vendor/{wheel.name}"
    assert re.fullmatch(r"dl_projectkit-[0-9.]+\+[a-z0-9.]+-py3-none-any\.whl", wheel.name)


def test_the_wheel_carries_the_whole_template(wheel: Path) -> None:
    template = template_folder()
    there = {
        path.relative_to(template).as_posix()
        for path in template.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    with zipfile.ZipFile(wheel) as archive:
        carried = {name.removeprefix("projectkit/scaffold/template/") for name in archive.namelist()}
    assert there - carried == set()


def test_the_wheels_version_names_its_commit_and_whether_files_differ_from_it(tmp_path: Path) -> None:
    checkout = small_checkout(tmp_path / "checkout")
    short = (git(checkout, "rev-parse", "HEAD") or "")[:7]
    clean = library_wheel(checkout / "template")
    assert f"+g{short}-" in clean.name
    assert library_wheel(checkout / "template") == clean
    (checkout / "projectkit" / "errors.py").write_text("changed = 1\n", encoding="utf-8")
    first = library_wheel(checkout / "template")
    (checkout / "projectkit" / "errors.py").write_text("changed = 2\n", encoding="utf-8")
    second = library_wheel(checkout / "template")
    assert re.search(rf"\+g{short}\.d[0-9a-f]{{8}}-", first.name)
    assert len({clean.name, first.name, second.name}) == 3


@pytest.mark.slow
def test_a_moved_repository_installs_its_vendored_library_without_the_original(
    answers: dict[str, str], typed: Typed, tmp_path: Path
) -> None:
    project = create_project(answers, tmp_path / "first")
    moved = tmp_path / "été 漢字" / "moved"
    moved.parent.mkdir()
    shutil.move(project, moved)
    site = tmp_path / "site"
    install(moved, site, typed, "--no-build-isolation")
    (vendored,) = (moved / "vendor").iterdir()
    # pip resolves the dependency to the file in the new place; the others are in this environment
    options = ("--dry-run", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    planned = typed(sys.executable, "-m", "pip", "install", *options, str(moved), cwd=tmp_path)
    assert planned.returncode == 0, planned.stderr
    assert vendored.name.split("-")[1] in planned.stdout
    install(vendored, site, typed)
    done = typed(
        sys.executable,
        "-c",
        "import domainwatch.model, projectkit; print(projectkit.__file__); print(projectkit.__version__)",
        cwd=tmp_path,
        PYTHONPATH=str(site),
    )
    assert done.returncode == 0, done.stderr
    file, version = done.stdout.splitlines()
    assert Path(file).is_relative_to(site)
    assert vendored.name.startswith(f"dl_projectkit-{version}-")


@pytest.mark.slow
def test_an_installed_library_generates_and_passes_itself_on(
    answers: dict[str, str], wheel: Path, typed: Typed, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    install(wheel, site, typed)
    script = (
        "import json, sys; from pathlib import Path; import projectkit; from projectkit.scaffold import create_project;"
        "print(projectkit.__file__); create_project(json.loads(sys.argv[1]), Path('out'))"
    )
    given = json.dumps({**answers, "projectkit_source": "auto"})
    done = typed(sys.executable, "-c", script, given, cwd=tmp_path, PYTHONPATH=str(site))
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[0]).is_relative_to(site)
    (passed_on,) = (tmp_path / "out" / "domain-watch" / "vendor").iterdir()
    with zipfile.ZipFile(passed_on) as again, zipfile.ZipFile(wheel) as first:
        assert {name: again.read(name) for name in again.namelist()} == {
            name: first.read(name) for name in first.namelist()
        }
    # plain cookiecutter on the template of the installation
    done = typed(
        sys.executable,
        "-m",
        "cookiecutter",
        str(site / "projectkit" / "scaffold" / "template"),
        "--no-input",
        cwd=tmp_path,
        PYTHONPATH=str(site),
    )
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "recognising-unwanted-messages" / "vendor").glob("*.whl"))


def test_a_wheel_by_a_relative_path_is_found_from_where_the_command_was_typed(
    answers: dict[str, str], wheel: Path, typed: Typed, tmp_path: Path
) -> None:
    shutil.copy(wheel, tmp_path / wheel.name)
    pairs = [f"{key}={value}" for key, value in {**answers, "projectkit_source": wheel.name}.items()]
    command = (sys.executable, "-m", "cookiecutter", str(template_folder()), "--no-input", "-o", "out", *pairs)
    done = typed(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    project = tmp_path / "out" / "domain-watch"
    assert (project / "vendor" / wheel.name).read_bytes() == wheel.read_bytes()
    assert str(tmp_path) not in (project / ".cruft.json").read_text(encoding="utf-8").replace(
        str(template_folder().parent), ""
    )


@pytest.mark.parametrize(
    ("answer", "requirement"),
    [
        ("git+https://example.org/kit.git@v1", "dl-projectkit @ git+https://example.org/kit.git@v1"),
        (
            "dl-projectkit @ https://example.org/dl_projectkit-1-py3-none-any.whl",
            "dl-projectkit @ https://example.org/dl_projectkit-1-py3-none-any.whl",
        ),
    ],
)
def test_a_source_that_is_named_is_used_as_it_is(
    answer: str, requirement: str, answers: dict[str, str], tmp_path: Path
) -> None:
    project = create_project({**answers, "projectkit_source": answer}, tmp_path)
    assert requirement_of(project) == requirement
    assert not (project / "vendor").exists()


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://token:secret@example.org/course/kit.git", "git+https://example.org/course/kit.git"),
        ("git@example.org:course/kit.git", "git+ssh://git@example.org/course/kit.git"),
    ],
)
def test_a_template_from_a_git_url_is_depended_on_by_that_url_and_its_commit(
    remote: str, url: str, answers: dict[str, str], tmp_path: Path
) -> None:
    checkout = small_checkout(tmp_path / "checkout")
    git(checkout, "remote", "add", "origin", remote)
    sha = git(checkout, "rev-parse", "HEAD")
    project = create_project(answers, tmp_path / "out")
    shutil.rmtree(project / ".git")
    shutil.rmtree(project / "vendor")
    rendered_anew(project)
    # as cookiecutter calls it after it cloned `remote`
    finish(project, Generation({**answers, "projectkit_source": "auto"}, remote, checkout / "template", tmp_path))
    assert requirement_of(project) == f"dl-projectkit @ {url}@{sha}"
    record = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    assert record["commit"] == sha
    assert record["directory"] == "template"
    assert "secret" not in json.dumps(record)


def rendered_anew(project: Path) -> None:
    """Put the place for the library back, as it is before `finish`."""
    file = project / "pyproject.toml"
    text = re.sub(
        r'"dl-projectkit @ [^"]*"', '"dl-projectkit @ filled in after rendering"', file.read_text(encoding="utf-8")
    )
    file.write_text(text, encoding="utf-8")
    (project / "notebooks").mkdir()
    (project / "slurm").mkdir()


def test_the_record_has_the_form_of_cruft(answers: dict[str, str], tmp_path: Path) -> None:
    project = create_project(answers, tmp_path)
    record = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    assert set(record) == {"template", "commit", "checkout", "context", "directory"}
    assert set(record["context"]["cookiecutter"]) == {*answers, "_template"}


def test_credentials_are_left_out_of_urls() -> None:
    assert without_credentials("https://a:b@example.org:8443/x.git") == "https://example.org:8443/x.git"
    assert without_credentials("ssh://git@example.org/x.git") == "ssh://git@example.org/x.git"
    assert without_credentials("git@example.org:x.git") == "git@example.org:x.git"
