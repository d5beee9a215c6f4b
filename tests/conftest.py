"""What every test shares: a home of its own, one thread, and projects to train in."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# set before torch is imported by anything: many small tests on two cores are fastest on one thread each
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("WANDB_SILENT", "true")
# a shell starts what runs in its background with Ctrl-C ignored, and after nohup a hang-up too: the tests send both
for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) == signal.SIG_IGN:
        signal.signal(getattr(signal, name), handler)

CONFIG = """
name: small
seed: 3
data: {name: synthetic_tabular, batch_size: 100}
model: {class_path: projectkit.models.MLP, init_args: {hidden: [16], dropout: 0.3}}
optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 0.01}}
scheduler: {class_path: torch.optim.lr_scheduler.StepLR, init_args: {step_size: 1, gamma: 0.7}}
trainer: {max_epochs: 3, accelerator: cpu}
monitor: {metric: val/f1_macro, mode: max}
checkpoint: {every_n_epochs: 1}
tracking: {wandb: disabled}
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's home, runs or store."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name in ("PROJECTKIT_RUNS", "PROJECTKIT_BACKUP", "PROJECTKIT_CARDS", "PROJECTKIT_LABELS"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session")
def loopback() -> None:
    """A test's own server on 127.0.0.1 can be reached; in some network namespaces it cannot, and the test skips."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        try:
            socket.create_connection(server.getsockname(), timeout=5).close()
        except OSError as error:
            pytest.skip(f"no loopback network here: {error}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A team's repository with the package `team`, and the working directory in it."""
    root = tmp_path / "project"
    package = root / "src" / "team"
    package.mkdir(parents=True)
    (root / "configs").mkdir()
    (root / "pyproject.toml").write_text('[tool.projectkit]\npackage = "team"\n', encoding="utf-8")
    (package / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def config(project: Path) -> Path:
    """`configs/train.yaml` of a small training with dropout and a scheduler that moves each epoch."""
    path = project / "configs" / "train.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
def team_file(project: Path) -> Callable[[str, str], None]:
    """Write a module of the team's package under a name that no other test has imported."""

    def write(name: str, text: str) -> None:
        (project / "src" / "team" / f"{name}.py").write_text(text, encoding="utf-8")

    return write


@pytest.fixture(autouse=True)
def fresh_team_package() -> Iterator[None]:
    """Each test's `team` is its own project's."""
    before = list(sys.path)
    yield
    sys.path[:] = before
    for name in [name for name in sys.modules if name == "team" or name.startswith("team.")]:
        del sys.modules[name]
