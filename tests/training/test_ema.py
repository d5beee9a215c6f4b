"""An average of the weights: what it is, where it stands in for them, and that a resumed training has the same one."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset

from projectkit.errors import UserError
from projectkit.evaluation import evaluate
from projectkit.training import EMA, Trainer, load_checkpoint, train
from projectkit.training.ema import RAW

DECAY = 0.9


class Net(pl.LightningModule):
    """A batch norm, two layers with the same weight, and a buffer that is replaced at each step."""

    def __init__(self, fails_at: int | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.norm = nn.BatchNorm1d(4)
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.register_buffer("seen", torch.zeros(4))
        self.fails_at = fails_at

    def loss(self, batch: Any) -> Tensor:
        return (self.second(torch.tanh(self.first(self.norm(batch[0])))) - batch[0]).square().mean()

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        self.seen = self.seen * 0.5 + batch[0].mean(0)
        return self.loss(batch)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/loss", self.loss(batch))
        if self.fails_at == self.trainer.global_step:
            raise RuntimeError("on purpose")

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.3, momentum=0.9)


def loader() -> DataLoader[Any]:
    x = torch.randn(70, 4, generator=torch.Generator().manual_seed(1)) * 2 + 1
    return DataLoader(TensorDataset(x), batch_size=10)


def fit(
    folder: Path,
    *callbacks: pl.Callback,
    epochs: int = 2,
    net: Net | None = None,
    kind: Any = Trainer,
    **arguments: Any,
) -> tuple[dict[str, Any], Net]:
    """Train, and read the checkpoint of the last epoch's end."""
    keeper = pl.callbacks.ModelCheckpoint(folder, filename="{epoch}", save_top_k=-1)
    net, ckpt_path = net or Net(), arguments.pop("ckpt_path", None)
    trainer = kind(
        accelerator="cpu", max_epochs=epochs, callbacks=[*callbacks, keeper], default_root_dir=folder,
        logger=False, enable_progress_bar=False, enable_model_summary=False, **arguments,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(net, loader(), loader(), ckpt_path=ckpt_path)
    return torch.load(folder / f"epoch={epochs - 1}.ckpt", weights_only=False), net


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor], *, but: tuple[str, ...] = ()) -> None:
    assert first.keys() == second.keys()
    differing = [name for name in first if name not in but and not torch.equal(first[name], second[name])]
    assert differing == []


class Theirs(WeightAveraging):
    """Lightning's, with the update that ours has."""

    def __init__(self, every: int, start: int) -> None:
        super().__init__(multi_avg_fn=get_ema_multi_avg_fn(DECAY))
        self.every, self.start = every, start

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        return step_idx is not None and step_idx >= self.start and step_idx % self.every == 0


@pytest.mark.parametrize(("every", "start", "accumulate"), [(1, 0, 1), (3, 0, 1), (1, 5, 1), (2, 4, 1), (1, 0, 2)])
def test_the_average_is_lightnings_to_the_bit(tmp_path: Path, every: int, start: int, accumulate: int) -> None:
    ours, our_net = fit(tmp_path / "ours", EMA(DECAY, every, start), accumulate_grad_batches=accumulate)
    theirs, their_net = fit(
        tmp_path / "theirs", Theirs(every, start), kind=pl.Trainer, accumulate_grad_batches=accumulate
    )
    # a count of batches is no weight: Lightning averages and truncates it
    count = ("norm.num_batches_tracked",)
    assert_same(ours["state_dict"], theirs["state_dict"], but=count)
    assert_same(ours[RAW], theirs[RAW])
    assert_same(dict(our_net.state_dict()), dict(their_net.state_dict()), but=count)
    assert ours["state_dict"]["norm.num_batches_tracked"] > 0
    assert not torch.equal(ours["state_dict"]["first.weight"], ours[RAW]["first.weight"])


def test_the_average_follows_its_definition(tmp_path: Path) -> None:
    averages: list[Tensor] = []

    class Follows(pl.Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *rest: Any) -> None:
            weight = pl_module.first.weight.detach().double()
            averages.append(DECAY * averages[-1] + (1 - DECAY) * weight if averages else weight.clone())

    saved, _ = fit(tmp_path, EMA(DECAY), Follows())
    torch.testing.assert_close(saved["state_dict"]["first.weight"].double(), averages[-1], rtol=1e-5, atol=1e-6)


def test_a_resumed_training_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole, _ = fit(tmp_path / "whole", EMA(DECAY, 2, 3), epochs=4)
    fit(tmp_path / "part", EMA(DECAY, 2, 3), epochs=2)
    resumed, _ = fit(tmp_path / "part", EMA(DECAY, 2, 3), epochs=4, ckpt_path=tmp_path / "part" / "epoch=1.ckpt")
    assert_same(resumed["state_dict"], whole["state_dict"])
    assert_same(resumed[RAW], whole[RAW])
    assert resumed["callbacks"]["EMA"] == whole["callbacks"]["EMA"] == {"updates": 12}


def test_the_training_itself_is_the_same_with_and_without(tmp_path: Path) -> None:
    with_average, _ = fit(tmp_path / "with", EMA(DECAY))
    without, _ = fit(tmp_path / "without")
    assert_same(with_average[RAW], without["state_dict"])
    assert RAW not in without


def test_the_loop_runs_many_steps_at_a_time_with_it(tmp_path: Path) -> None:
    modes = []

    class Looks(pl.Callback):
        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            modes.append(trainer.loop_report.mode)

    fit(tmp_path, EMA(DECAY), Looks())
    assert modes == ["segments"]


def test_what_is_validated_is_what_a_checkpoint_holds(tmp_path: Path) -> None:
    logged: list[float] = []

    class Reads(pl.Callback):
        def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
            logged.append(float(trainer.callback_metrics["val/loss"]))

    saved, net = fit(tmp_path, EMA(DECAY), Reads(), num_sanity_val_steps=0)
    fresh = Net()
    fresh.load_state_dict(saved["state_dict"])
    assert_same(dict(net.state_dict()), dict(fresh.state_dict()))
    trainer = Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
    assert trainer.validate(fresh, loader(), verbose=False)[0]["val/loss"] == pytest.approx(logged[-1], abs=0)


def test_before_the_first_average_nothing_differs(tmp_path: Path) -> None:
    late, _ = fit(tmp_path / "late", EMA(DECAY, start_step=10_000))
    without, _ = fit(tmp_path / "without")
    assert_same(late["state_dict"], without["state_dict"])
    assert RAW not in late


def test_batch_norms_of_different_widths_are_averaged(tmp_path: Path) -> None:
    class Widening(Net):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.Sequential(self.norm, nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 4))

    averaged, _ = fit(tmp_path, EMA(DECAY), net=Widening())
    assert averaged["state_dict"]["norm.2.num_batches_tracked"] == averaged[RAW]["norm.2.num_batches_tracked"]
    assert not torch.equal(averaged["state_dict"]["norm.2.running_mean"], averaged[RAW]["norm.2.running_mean"])


def test_an_error_in_a_validation_leaves_the_weights_that_were_trained(tmp_path: Path) -> None:
    net = Net(fails_at=7)
    with pytest.raises(RuntimeError, match="on purpose"):
        fit(tmp_path / "with", EMA(DECAY), net=net)
    without, _ = fit(tmp_path / "without", epochs=1)
    assert_same(dict(net.state_dict()), without["state_dict"])


def test_a_checkpoint_that_is_written_in_a_validation_has_each_in_its_place(tmp_path: Path) -> None:
    class Saves(pl.Callback):
        def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            trainer.save_checkpoint(tmp_path / "within.ckpt")

    after, _ = fit(tmp_path, EMA(DECAY), Saves(), epochs=1, num_sanity_val_steps=0)
    within = torch.load(tmp_path / "within.ckpt", weights_only=False)
    assert_same(within["state_dict"], after["state_dict"])
    assert_same(within[RAW], after[RAW])


@pytest.mark.parametrize("wrong", [{"decay": 1.5}, {"every_n_steps": 0}, {"start_step": -1}])
def test_a_number_out_of_its_range_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=next(iter(wrong))):
        EMA(**wrong)


def test_a_run_keeps_and_measures_the_average(config: Path) -> None:
    averaged = "callbacks=[{class_path: projectkit.training.EMA, init_args: {decay: 0.9}}]"
    run = train(config, [averaged])
    best = load_checkpoint(run.checkpoint("best"))
    assert not torch.equal(best["state_dict"]["model.layers.0.weight"], best[RAW]["model.layers.0.weight"])
    document = evaluate(run).document
    assert document["metrics"]["f1_macro"]["value"] == pytest.approx(run.best["val/f1_macro"], rel=1e-6)
