"""How steps are run is decided once, told, recorded, and applied again when the run is repeated or resumed."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from projectkit.config import Config, SpeedConfig
from projectkit.data import DataModule, datamodule
from projectkit.errors import UserError
from projectkit.machine import CpuPolicy
from projectkit.runs import Run
from projectkit.tasks import Classification
from projectkit.training import fit, load_checkpoint, train, tuner
from projectkit.training.decide import take_up_input
from projectkit.training.loop.compiler import quiet_compiler
from projectkit.training.speed import Settings, settle
from projectkit.training.tuner import Tuning

FOUR = CpuPolicy(4, "physical cores", {})


@pytest.fixture(autouse=True)
def same_threads() -> Iterator[None]:
    """Threads are the process's, and put back."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """A tuner that always takes the fused optimiser and channels_last; the settings that it was given."""
    asked: list[Settings] = []

    def tune(self: tuner.StepTuner) -> Tuning:
        asked.append(self.plain)
        return Tuning(Settings(1, fused=True, memory_format="channels_last"), "tuned: as told", {"ratio": 0.5})

    monkeypatch.setattr(tuner.StepTuner, "tune", tune)
    return asked


def said(config: Path, overrides: list[str], **arguments: Any) -> tuple[Run, str]:
    screen = io.StringIO()
    run = train(config, overrides, console=Console(file=screen, width=200), **arguments)
    return run, screen.getvalue()


def weights(run: Run) -> dict[str, Any]:
    return load_checkpoint(run.checkpoint("last"))["state_dict"]


def test_nothing_is_left_open_by_a_record_or_where_tuning_is_off() -> None:
    assert settle(SpeedConfig(), None, FOUR) == (Settings(4), {"threads", "fused", "memory_format", "step"})
    assert settle(SpeedConfig(tune="off"), None, FOUR) == (Settings(4), frozenset())
    recorded = {"threads": 3, "fused": True, "memory_format": "channels_last", "step": "whole"}
    assert settle(SpeedConfig(), recorded, FOUR) == (Settings(3, True, "channels_last", "whole"), frozenset())
    assert settle(SpeedConfig(), {"threads": 3, "loop": "lightning"}, FOUR) == (
        Settings(3),
        frozenset(),
    )  # an older run


def test_the_configs_word_counts_before_record_and_measurement() -> None:
    speed = SpeedConfig(threads=2, fused="off", memory_format="contiguous", step="eager")
    recorded = {"threads": 3, "fused": True, "memory_format": "channels_last", "step": "whole"}
    assert settle(speed, recorded, FOUR)[0] == Settings(2)
    assert settle(SpeedConfig(step="whole"), None, FOUR) == (
        Settings(4, step="whole"),
        {"threads", "fused", "memory_format"},
    )


def test_the_users_threads_are_not_measured() -> None:
    assert settle(SpeedConfig(), None, CpuPolicy(6, "OMP_NUM_THREADS", {}))[1] == {"fused", "memory_format", "step"}


def test_what_was_chosen_is_told_and_recorded(config: Path, chosen: list[Settings]) -> None:
    run, screen = said(config, ["trainer.max_epochs=1"])
    assert f"tuned: as told\nrun {run.id}; curves: projectkit runs open\nloop: many steps at a time\n" in screen
    resolved = run.part("resolved")
    expected = {"loop": "segments", "step": "eager", "compiled": False, "fused": True, "memory_format": "channels_last"}
    assert {name: resolved[name] for name in expected} == expected
    assert (resolved["threads"], resolved["input"], resolved["buckets"]) == (1, "resident", "off")
    assert resolved["tuning"] == {"ratio": 0.5}
    groups = load_checkpoint(run.checkpoint("last"))["optimizer_states"][0]["param_groups"]
    assert groups[0]["fused"] is True


def test_a_repeated_run_is_run_as_recorded_and_measures_nothing(config: Path, chosen: list[Settings]) -> None:
    first = train(config, ["trainer.max_epochs=1"])
    chosen.clear()
    again = train(first.path / "config.yaml")
    assert not chosen
    for name in ("threads", "fused", "memory_format", "step", "input", "buckets"):
        assert again.part("resolved")[name] == first.part("resolved")[name]
    assert all(torch.equal(value, weights(again)[name]) for name, value in weights(first).items())


def test_lightnings_own_loop_is_named_with_its_reason(config: Path) -> None:
    run, screen = said(config, ["speed.loop=lightning", "speed.tune=off", "trainer.max_epochs=1"])
    assert "loop: Lightning's own, because it was asked for" in screen
    assert (run.part("resolved")["loop"], run.part("resolved")["loop_reason"]) == ("lightning", "it was asked for")


def test_both_loops_end_with_the_same_weights(config: Path) -> None:
    off = ["speed.tune=off", "trainer.max_epochs=2"]
    ours, theirs = train(config, off), train(config, [*off, "speed.loop=lightning"])
    assert all(torch.equal(value, weights(theirs)[name]) for name, value in weights(ours).items())


def test_an_optimiser_without_a_fused_form_is_an_error_only_where_it_is_demanded(config: Path) -> None:
    own = ["optimizer={class_path: torch.optim.RMSprop, init_args: {lr: 0.01}}", "trainer.max_epochs=1"]
    assert train(config, own).part("resolved")["fused"] is False
    with pytest.raises(
        UserError, match=r"command line, speed\.fused: RMSprop has no fused form here; write speed\.fused"
    ):
        train(config, [*own, "speed.fused=on"])


def test_a_fused_optimiser_is_demanded(config: Path) -> None:
    run = train(config, ["speed.fused=on", "speed.tune=off", "trainer.max_epochs=1"])
    assert run.part("resolved")["fused"] is True


def test_a_run_of_an_older_version_goes_on_with_the_settings_that_it_had(
    config: Path, monkeypatch: pytest.MonkeyPatch, chosen: list[Settings]
) -> None:
    def stop(self: Classification) -> None:
        if self.current_epoch == 1:
            raise RuntimeError("the power failed")

    with monkeypatch.context() as broken:
        broken.setattr(Classification, "on_train_epoch_start", stop)
        with pytest.raises(RuntimeError, match="power"):
            train(config)
    (path,) = (config.parents[1] / "runs").iterdir()
    record = json.loads((path / "run.json").read_text(encoding="utf-8"))
    new = ("fused", "memory_format", "step", "input", "buckets", "tuning")
    record["resolved"] = {name: value for name, value in record["resolved"].items() if name not in new}
    (path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    text = (path / "config.yaml").read_text(encoding="utf-8")
    former = re.sub(r"^speed:\n(?: .*\n)+|^  (?:input|buckets|augment):.*\n", "", text, flags=re.MULTILINE)
    assert len(former.splitlines()) == len(text.splitlines()) - 10
    (path / "config.yaml").write_text(former, encoding="utf-8")
    chosen.clear()
    resumed = train(config, resume=path.name)
    assert (resumed.status, resumed.part("resolved")["fused"]) == ("finished", False)
    assert not chosen


def test_a_torch_that_was_imported_too_early_is_named(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"):
        monkeypatch.delenv(name, raising=False)
    policy = CpuPolicy(2, "physical cores", {"OMP_WAIT_POLICY": "PASSIVE"})
    monkeypatch.setattr(fit, "cpu_policy", lambda: policy)
    late = "note: torch was imported before OMP_WAIT_POLICY could be set"
    assert late in said(config, ["trainer.max_epochs=1", "speed.threads=1"])[1]
    assert late not in said(config, ["trainer.max_epochs=1", "speed.tune=off", "speed.threads=1"])[1]


@pytest.mark.parametrize(
    ("accelerator", "devices", "device"), [("cpu", 1, None), ("cuda", 1, "cuda:0"), ("cuda", [1], "cuda:1")]
)
def test_the_input_is_chosen_by_the_memory_of_the_runs_own_gpu(
    monkeypatch: pytest.MonkeyPatch,
    accelerator: str,
    devices: int | list[int],
    device: str | None,
) -> None:
    asked: list[torch.device] = []
    monkeypatch.setattr(datamodule, "fits", lambda size, device: bool(asked.append(device)))
    data = DataModule("synthetic_tabular")
    take_up_input(Config(), data, {"accelerator": accelerator, "devices": devices}, None)
    assert data.input == "stream"
    assert asked == [torch.device(device or "cpu")]


def test_a_cuda_toolkit_without_a_gpu_is_not_spoken_of() -> None:
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.NOTSET)
    quiet_compiler()
    assert not logging.getLogger("torch.utils.cpp_extension").isEnabledFor(logging.WARNING)
