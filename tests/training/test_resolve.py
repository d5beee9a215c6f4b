"""What `auto` becomes is recorded, applied again where it can be, and never changed without a word."""

from __future__ import annotations

import pytest
import torch

from projectkit.config import Config, TrainerConfig
from projectkit.errors import UserError
from projectkit.training.resolve import resolve, resolve_for_evaluation


@pytest.fixture(autouse=True)
def no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop, whatever the tests run on; the threads are put back."""
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    yield
    torch.set_num_threads(threads)


def config(**trainer: object) -> Config:
    return Config(trainer=TrainerConfig(**trainer))


def test_a_laptop_trains_on_its_cpu_in_single_precision() -> None:
    resolved = resolve(config())
    assert (resolved["accelerator"], resolved["precision"], resolved["devices"]) == ("cpu", "32-true", 1)


def test_what_was_decided_is_applied_again() -> None:
    recorded = {"accelerator": "cpu", "precision": "bf16-mixed", "threads": 1}
    assert resolve(config(), recorded)["precision"] == "bf16-mixed"
    assert resolve(config(precision="64-true"), recorded)["precision"] == "64-true"


def test_what_was_decided_for_a_gpu_is_not_applied_to_a_cpu() -> None:
    recorded = {"accelerator": "cuda", "precision": "16-mixed"}
    assert resolve(config(accelerator="cpu"), recorded)["precision"] == "32-true"
    with pytest.raises(UserError, match=r"torch sees none; write trainer\.accelerator=cpu"):
        resolve(config(), recorded)


def test_an_evaluation_takes_the_device_that_is_there() -> None:
    assert resolve_for_evaluation({"accelerator": "cuda", "threads": 1}) == torch.device("cpu")


@pytest.mark.parametrize("devices", [None, 1, "1", "auto", [0]])
def test_one_device_can_be_written_in_many_ways(devices: object) -> None:
    assert resolve(config(devices=devices))["devices"] == 1  # Lightning takes no list for a CPU


def test_a_gpu_is_chosen_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    chosen = {"accelerator": "cuda", "precision": "32-true"}
    assert resolve(config(**chosen, devices=[1]))["devices"] == [1]
    with pytest.raises(UserError, match="no GPU number 2; torch sees 2, numbered from 0"):
        resolve(config(**chosen, devices=[2]))


@pytest.mark.parametrize("accelerator", ["gpu", "cuda", "mps"])
def test_a_gpu_that_is_not_there_is_refused(accelerator: str) -> None:
    with pytest.raises(UserError, match="GPU is asked for and torch sees none"):
        resolve(config(accelerator=accelerator))


@pytest.mark.parametrize("trainer", [{"devices": 2}, {"devices": -1}, {"devices": [0, 1]}, {"num_nodes": 2}])
def test_several_devices_are_refused(trainer: dict[str, object]) -> None:
    with pytest.raises(UserError, match="a run is trained on one device"):
        resolve(config(**trainer))
