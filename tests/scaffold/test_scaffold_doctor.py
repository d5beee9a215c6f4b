from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from projectkit.findings import Finding
from projectkit.scaffold import doctor, examine, places

NVIDIA = "NVIDIA T4"


def found(identity: str) -> Finding:
    (finding,) = [finding for finding in examine() if finding.id == identity]
    return finding


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "PROJECTKIT_MIRROR",
        "PROJECTKIT_BACKUP",
        "PROJECTKIT_CARDS",
        "PROJECTKIT_LABELS",
        "WANDB_API_KEY",
        "NETRC",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def torch_version_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A torch whose version file the test writes."""
    package = tmp_path / "site" / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('the doctor imported torch')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    return package / "version.py"


def test_every_subject_is_looked_at_once() -> None:
    subjects = [finding.id for finding in examine()]
    assert subjects == [
        "python",
        "projectkit",
        "torch",
        "device",
        "compiler",
        "disk",
        "store",
        "backup",
        "mirror",
        "cards",
        "labels",
        "tracker",
        "fonts",
        "git",
        "project",
    ]


def test_a_fresh_machine_has_no_errors() -> None:
    assert [finding for finding in examine() if finding.status == "error"] == []


def test_what_is_not_ok_comes_with_something_to_do() -> None:
    assert all(finding.advice for finding in examine() if finding.status != "ok")


def test_the_doctor_does_not_import_torch() -> None:
    code = "import sys; from projectkit.scaffold import examine; examine(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("text", "card", "status", "said", "advised"),
    [
        (
            "cuda: Optional[str] = None\nhip: Optional[str] = None\n",
            NVIDIA,
            "warning",
            "built for the CPU, beside",
            "--index-url",
        ),
        ("cuda = None\nhip = None\n", None, "ok", "(cpu)", ""),
        ("cuda: str | None = '12.6'\nhip = None\n", NVIDIA, "ok", "(cuda 12.6)", ""),
        ("cuda = None\nhip = '6.2.41'\n", NVIDIA, "ok", "(rocm 6.2.41)", ""),
    ],
)
def test_the_build_of_torch_is_compared_with_the_card(
    text: str,
    card: str | None,
    status: str,
    said: str,
    advised: str,
    torch_version_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch_version_file.write_text(text, encoding="utf-8")
    monkeypatch.setattr(doctor, "_nvidia_card", lambda: card)
    finding = found("torch")
    assert (finding.status, said in finding.message, advised in finding.advice) == (status, True, True)


def test_a_broken_torch_is_named(torch_version_file: Path) -> None:
    assert not torch_version_file.exists()
    finding = found("torch")
    assert finding.status == "error"
    assert "incomplete" in finding.message


@pytest.mark.parametrize(("free_gib", "status"), [(0.2, "error"), (3.0, "warning"), (80.0, "ok")])
def test_a_full_disk_is_said_before_it_ends_a_training(
    free_gib: float, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": int(free_gib * 2**30)})
    monkeypatch.setattr(places.shutil, "disk_usage", lambda _: usage)
    assert found("disk").status == status
    assert found("store").status == status


def test_a_store_that_is_a_file_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("PROJECTKIT_STORE", str(home / "file" / "store"))
    assert found("store").status == "error"


def test_a_store_that_cannot_be_made_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_writable", lambda _: False)
    assert found("store").status == "error"


def test_a_store_that_can_only_be_read_is_worth_knowing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "store").mkdir()
    monkeypatch.setattr(places, "_writable", lambda _: False)
    finding = found("store")
    assert finding.status == "note"
    assert "PROJECTKIT_STORE" in finding.advice


def test_a_store_of_a_newer_version_is_an_error(home: Path) -> None:
    (home / "store").mkdir()
    (home / "store" / "store.json").write_text('{"schema": 999}', encoding="utf-8")
    finding = found("store")
    assert finding.status == "error"
    assert "newer version" in finding.message


@pytest.mark.parametrize(("variable", "identity"), [("PROJECTKIT_CARDS", "cards"), ("PROJECTKIT_LABELS", "labels")])
def test_a_folder_of_the_course_that_is_not_there_is_an_error(
    variable: str, identity: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(home))
    assert found(identity).status == "ok"
    monkeypatch.setenv(variable, str(home / "nowhere"))
    finding = found(identity)
    assert finding.status == "error"
    assert "unset it" in finding.advice


def test_a_card_that_cannot_be_read_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECTKIT_CARDS", str(home))
    (home / "flows.yaml").write_text("format: cvs\n", encoding="utf-8")
    finding = found("cards")
    assert finding.status == "error"
    assert "flows.yaml" in finding.where


def test_looking_at_the_store_does_not_make_it(home: Path) -> None:
    examine()
    assert not (home / "store").exists()


def test_a_backup_folder_on_a_drive_that_is_not_mounted_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found("backup").status == "ok"
    monkeypatch.setenv("PROJECTKIT_BACKUP", str(tmp_path / "drive" / "runs"))
    assert found("backup").status == "error"
    assert found("backup").advice == "mount the drive, or correct the variable"
    (tmp_path / "drive").mkdir()
    assert found("backup").status != "error"


def test_a_mirror_that_is_not_there_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECTKIT_MIRROR", str(home / "nowhere"))
    assert found("mirror").status == "error"
    monkeypatch.setenv("PROJECTKIT_MIRROR", str(home))
    assert found("mirror").status == "ok"


def test_a_key_of_the_tracker_is_seen_and_never_shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "0123456789abcdef" * 2
    assert found("tracker").evidence["key"] is False
    name = "_netrc" if os.name == "nt" else ".netrc"
    (home / name).write_text(f"machine api.wandb.ai\n  login user\n  password {secret}\n", encoding="utf-8")
    (home / name).chmod(0o600)
    assert found("tracker").evidence["key"] is True
    monkeypatch.setenv("WANDB_API_KEY", secret)
    assert found("tracker").evidence["key"] is True
    assert secret not in str(examine())


def test_a_project_without_its_package_is_an_error(home: Path) -> None:
    (home / "pyproject.toml").write_text('[tool.projectkit]\npackage = "watch"\n', encoding="utf-8")
    assert found("project").status == "error"
    (home / "src" / "watch").mkdir(parents=True)
    assert found("project").status == "ok"


def test_a_pyproject_that_is_not_toml_is_a_finding_and_no_crash(home: Path) -> None:
    (home / "pyproject.toml").write_text("[tool.projectkit\n", encoding="utf-8")
    assert found("project").status == "error"


def test_a_machine_without_a_compiler_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    (finding,) = (finding for finding in examine() if finding.id == "compiler")
    assert finding.status == "note"  # everything works without
    assert "there is no C++ compiler (no-such-compiler)" in finding.message
    assert finding.advice
