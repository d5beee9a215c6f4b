"""Whole steps as one compiled graph: what they compute, what they leave alone, and when they step aside."""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import MixedPrecision, Precision
from pytorch_lightning.strategies import SingleDeviceStrategy
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import OneCycleLR

from projectkit.data.batches import BatchDataset, BatchSampler, EncodedArray, Ragged
from projectkit.data.loading import ResidentLoader
from projectkit.errors import UserError
from projectkit.models import CharCNN
from projectkit.tasks import Classification
from projectkit.training import Trainer
from projectkit.training.loop import compiler
from projectkit.training.loop.checked import CheckedProgram
from projectkit.training.loop.compiled import CompiledStep
from projectkit.training.loop.onegraph import Graph
from projectkit.training.loop.plain import PlainStep
from projectkit.training.loop.program import StepProgram
from projectkit.training.loop.whole import WholeStep

needs_compiler = pytest.mark.skipif(
    compiler.missing_compiler(torch.device("cpu")) is not None, reason="nothing can be compiled on this machine"
)
SAMPLES, SIZE, CLASSES = 100, 32, 3  # three full batches and a smaller one


@pytest.fixture(autouse=True)
def compiled_code_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between runs of the tests, apart from the user's."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(Path(tempfile.gettempdir(), "projectkit-tests-compiled")))


def network(dropout: float = 0.0) -> nn.Module:
    # no bias before the normalisation: its gradient is rounding alone, of which AdamW makes whole steps
    first = nn.Linear(6, 16, bias=False)
    return nn.Sequential(first, nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, CLASSES))


def adamw(parameters: Any) -> Optimizer:
    return AdamW(parameters, lr=1e-2, weight_decay=0.1)


class Training:
    """A training by hand: what a loop does with a program, or without one."""

    def __init__(
        self,
        program: StepProgram | None,
        model: Callable[[], nn.Module] = network,
        optimizer: Callable[[Any], Optimizer] = adamw,
        *,
        scheduler: Callable[[Optimizer], Any] | None = None,
        loader: Any = None,
        task: Callable[[nn.Module], Any] = Classification,
        **settings: Any,
    ) -> None:
        torch.manual_seed(0)
        generator = torch.Generator().manual_seed(1)
        x, y = torch.randn(SAMPLES, 6, generator=generator), torch.arange(SAMPLES) % CLASSES
        self.task = task(model())
        self.optimizer = optimizer(self.task.parameters())
        self.scheduler = scheduler(self.optimizer) if scheduler else None
        self.loader = loader or ResidentLoader(BatchDataset(EncodedArray(x), y), BatchSampler(SAMPLES, SIZE, seed=0))
        self.program, self.epoch, self.losses = program, 0, []
        self.trainer: Any = SimpleNamespace(
            **{
                "lightning_module": self.task,
                "optimizers": [self.optimizer],
                "train_dataloader": self.loader,
                "accumulate_grad_batches": 1,
                "gradient_clip_val": None,
                "gradient_clip_algorithm": None,
                "precision_plugin": Precision(),
                "strategy": SingleDeviceStrategy(torch.device("cpu")),
                "callbacks": [],
                **settings,
            }
        )
        self.refused = program.start(self.trainer) if program else None
        self.plain = PlainStep(self.trainer)

    def batches(self) -> Iterator[Any]:
        self.loader.sampler.set_epoch(self.epoch)
        rows = self.program is not None and self.program.takes_rows
        iterator = iter(self.loader)
        for _ in range(len(self.loader)):
            yield iterator.next_rows() if rows else next(iterator)

    def epochs(self, count: int) -> Training:
        for _ in range(count):
            for number, batch in enumerate(self.batches()):
                loss = self.program.step(batch, number) if self.program else self.plain.step(batch)
                assert loss is not None
                self.losses.append(float(loss))
                if self.scheduler:
                    self.scheduler.step()
            self.epoch += 1
        return self

    def state(self) -> dict[str, Any]:
        """Copies of all that a checkpoint holds of it."""
        parts = {"task": self.task.state_dict(), "optimizer": self.optimizer.state_dict(), "rng": torch.get_rng_state()}
        return copy.deepcopy(parts)

    def resumed(self, state: dict[str, Any], epoch: int) -> Training:
        self.task.load_state_dict(state["task"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        self.epoch = epoch
        return self


def assert_close(first: Training, second: Training, atol: float = 2e-5) -> None:
    torch.testing.assert_close(first.losses, second.losses, rtol=1e-4, atol=atol)
    ours, theirs = first.state(), second.state()
    torch.testing.assert_close(ours["task"], theirs["task"], rtol=1e-3, atol=atol)
    torch.testing.assert_close(ours["optimizer"]["state"], theirs["optimizer"]["state"], rtol=1e-3, atol=atol)
    assert ours["optimizer"]["param_groups"] == theirs["optimizer"]["param_groups"]


def assert_equal(first: dict[str, Any], second: dict[str, Any]) -> None:
    torch.testing.assert_close(first["task"], second["task"], rtol=0, atol=0)
    torch.testing.assert_close(first["optimizer"]["state"], second["optimizer"]["state"], rtol=0, atol=0)


def one_cycle(optimizer: Optimizer) -> OneCycleLR:
    return OneCycleLR(optimizer, max_lr=0.05, total_steps=100)


class Counting(WholeStep):
    """Counts what it builds."""

    def build(self, *arguments: Any) -> Graph:
        self.built = getattr(self, "built", 0) + 1
        return super().build(*arguments)


def two_groups(parameters: Any) -> Optimizer:
    first, *rest = parameters
    return AdamW([{"params": [first], "lr": 1e-3, "weight_decay": 0.0}, {"params": rest}], lr=1e-2, weight_decay=0.3)


@pytest.mark.parametrize(
    ("optimizer", "settings"),
    [
        pytest.param(adamw, {"gradient_clip_val": 0.1}, id="adamw, clipped by norm"),
        pytest.param(
            two_groups, {"gradient_clip_val": 1e-3, "gradient_clip_algorithm": "value"}, id="groups, clipped by value"
        ),
        pytest.param(
            lambda p: Adam(p, lr=1e-2, weight_decay=0.1), {"scheduler": one_cycle}, id="adam, rate and betas cycled"
        ),
        pytest.param(
            lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
            {"scheduler": one_cycle},
            id="sgd, nesterov",
        ),
        pytest.param(
            lambda p: SGD(p, lr=0.1, momentum=0.9, dampening=0.5), {}, id="sgd, dampened", marks=pytest.mark.nightly
        ),
        pytest.param(lambda p: SGD(p, lr=0.1), {}, id="sgd, plain"),
        pytest.param(lambda p: RMSprop(p, lr=1e-3), {}, id="any other, beside the graph"),
        pytest.param(lambda p: AdamW(p, lr=1e-2, amsgrad=True), {}, id="amsgrad, beside", marks=pytest.mark.nightly),
    ],
)
@pytest.mark.slow
@needs_compiler
def test_a_compiled_training_goes_where_the_eager_one_goes(optimizer: Any, settings: dict[str, Any]) -> None:
    program = Counting()
    ours = Training(program, optimizer=optimizer, **settings).epochs(4)
    assert (program.fallback, program.built) == (None, 1)
    assert_close(ours, Training(None, optimizer=optimizer, **settings).epochs(4))


@pytest.mark.slow
@needs_compiler
def test_forward_alone_can_be_compiled() -> None:
    program = CompiledStep()
    ours = Training(program).epochs(2)
    assert program.fallback is None
    assert_close(ours, Training(None).epochs(2))


@pytest.mark.nightly
@needs_compiler
def test_mixed_precision_is_compiled_too() -> None:
    settings: Any = {"precision_plugin": MixedPrecision("bf16-mixed", "cpu")}
    program = WholeStep()
    ours = Training(program, **settings).epochs(2)
    assert program.fallback is None
    torch.testing.assert_close(ours.losses, Training(None, **settings).epochs(2).losses, rtol=5e-2, atol=5e-2)
    assert ours.losses != Training(WholeStep()).epochs(2).losses


@pytest.mark.slow
@needs_compiler
def test_the_same_settings_give_the_same_bits_also_when_resumed() -> None:
    once, again = (Training(WholeStep(), lambda: network(0.3)).epochs(4) for _ in range(2))
    assert once.losses == again.losses
    assert_equal(once.state(), again.state())
    half = Training(WholeStep(), lambda: network(0.3)).epochs(2)
    checkpoint = half.state()
    resumed = Training(WholeStep(), lambda: network(0.3)).resumed(checkpoint, epoch=2).epochs(2)
    assert resumed.losses == once.losses[len(half.losses) :]
    assert_equal(resumed.state(), once.state())


@pytest.mark.nightly
@needs_compiler
def test_row_numbers_give_what_their_batches_give() -> None:
    by_rows, by_batch = WholeStep(), WholeStep()
    first, second = Training(by_rows), Training(by_batch)
    by_batch.takes_rows = False
    assert by_rows.takes_rows
    torch.testing.assert_close(first.epochs(2).losses, second.epochs(2).losses, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
@needs_compiler
def test_what_is_logged_is_what_the_steps_gave() -> None:
    ours, theirs = Training(WholeStep()).epochs(1), Training(None).epochs(1)
    assert ours.task._means() == pytest.approx(theirs.task._means())


class Wrong(WholeStep):
    """A program that computes something else."""

    def build(self, *arguments: Any) -> Graph:
        graph = super().build(*arguments)

        def step(*inputs: Any) -> Any:
            loss, noted, gradients = graph(*inputs)
            return self.spoilt(loss, noted, gradients, inputs[1])

        return step

    def spoilt(self, loss: Any, noted: Any, gradients: Any, parameters: Any) -> Any:
        return loss, noted, [gradient * 1.1 for gradient in gradients]


class WrongLoss(Wrong):
    def spoilt(self, loss: Any, noted: Any, gradients: Any, parameters: Any) -> Any:
        return loss * 1.01, noted, gradients


class WrongUpdate(Wrong):
    def spoilt(self, loss: Any, noted: Any, gradients: Any, parameters: Any) -> Any:
        parameters[0].mul_(1.001)
        return loss, noted, gradients


@pytest.mark.parametrize(
    ("kind", "dropout", "words"),
    [
        (Wrong, 0.0, "gradient of model"),
        (WrongLoss, 0.0, "loss is"),
        (WrongUpdate, 0.0, "AdamW leads them"),
        (WrongUpdate, 0.5, "AdamW leads them"),
    ],
)
@pytest.mark.slow
@needs_compiler
def test_a_program_that_computes_something_else_is_found_out_and_leaves_no_trace(
    kind: type[WholeStep], dropout: float, words: str
) -> None:
    program = kind()
    with pytest.warns(UserWarning, match="run eagerly from here on"):
        ours = Training(program, lambda: network(dropout)).epochs(2)
    assert program.fallback is not None
    assert words in program.fallback
    theirs = Training(None, lambda: network(dropout)).epochs(2)
    assert ours.losses == theirs.losses
    assert_equal(ours.state(), theirs.state())


class DropsNothing(WholeStep):
    """Leaves dropout out."""

    def build(self, plain: PlainStep, *arguments: Any) -> Graph:
        graph = super().build(plain, *arguments)

        def step(*inputs: Any) -> Any:
            plain.task.model[3].p = 0.0
            try:
                return graph(*inputs)
            finally:
                plain.task.model[3].p = 0.5

        return step


@pytest.mark.slow
@needs_compiler
def test_a_random_step_is_compared_by_its_distribution() -> None:
    faithful, other = WholeStep(), DropsNothing()
    Training(faithful, lambda: network(0.5)).epochs(1)
    with pytest.warns(UserWarning, match="run eagerly"):
        Training(other, lambda: network(0.5)).epochs(1)
    assert faithful.fallback is None
    assert other.fallback is not None


class Breaking(Classification):
    """Its loss asks the tensor for a number."""

    def loss_of(self, batch: Any) -> Any:
        loss, noted = super().loss_of(batch)
        return (loss if loss.item() < 100 else loss / 2), noted


@pytest.mark.slow
@needs_compiler
def test_a_step_that_cannot_be_compiled_is_run_eagerly_with_the_reason() -> None:
    program = WholeStep()
    with pytest.warns(UserWarning, match="cannot be run as whole"):
        ours = Training(program, task=Breaking).epochs(2)
    assert ours.losses == Training(None, task=Breaking).epochs(2).losses


@pytest.mark.slow
@needs_compiler
def test_a_label_out_of_range_is_named_as_the_eager_step_names_it() -> None:
    training = Training(WholeStep()).epochs(2)
    training.loader.dataset.y[:] = 7
    with pytest.raises(UserError, match="a label is 7, but the model gives 3 classes"):
        training.epochs(1)


@pytest.mark.slow
@needs_compiler
def test_a_setting_that_changes_between_epochs_is_noticed() -> None:
    frozen: Callable[[Any], Optimizer] = lambda p: SGD(p, lr=0.0)  # noqa: E731
    training = Training(WholeStep(), lambda: network(0.9), frozen).epochs(2)
    training.task.model[3].p = 0.0
    training.epochs(1)
    plain = Training(None, network, frozen)
    plain.task.load_state_dict(training.task.state_dict())
    plain.epoch = 2
    torch.testing.assert_close(training.losses[-4:], plain.epochs(1).losses, rtol=1e-5, atol=1e-5)


@pytest.mark.nightly
@needs_compiler
def test_parameters_that_get_frozen_stay_as_they_are_from_then_on() -> None:
    training = Training(WholeStep()).epochs(1)
    first = training.task.model[0].weight
    first.requires_grad_(False)
    before = first.clone()
    training.epochs(1)
    assert torch.equal(first, before)
    assert training.program is not None
    assert training.program.fallback is None


@pytest.mark.nightly
@needs_compiler
def test_a_gradient_that_is_rounding_alone_is_no_difference() -> None:
    program = WholeStep()
    normalised = lambda: nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, CLASSES))  # noqa: E731
    Training(program, normalised, gradient_clip_val=1e-3, gradient_clip_algorithm="value").epochs(2)
    assert program.fallback is None


class WithUnused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(6, CLASSES), nn.Linear(6, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.used(x)


@pytest.mark.slow
@needs_compiler
def test_parameters_without_a_gradient_do_not_decay() -> None:
    ours, theirs = Training(WholeStep(), WithUnused).epochs(2), Training(None, WithUnused).epochs(2)
    assert_close(ours, theirs)
    assert not ours.optimizer.state[ours.task.model.unused.weight]


@pytest.mark.slow
@needs_compiler
def test_weights_that_are_exchanged_for_others_are_the_ones_that_are_trained() -> None:
    both = [Training(WholeStep()).epochs(1), Training(None).epochs(1)]
    for training in both:
        for parameter in training.task.parameters():
            parameter.data = parameter.data * 0.5
    assert_close(*(training.epochs(1) for training in both))


@pytest.mark.slow
@needs_compiler
def test_a_second_program_does_not_run_the_first_ones_graph() -> None:
    smooth: Callable[[nn.Module], Any] = lambda model: Classification(model, label_smoothing=0.3)  # noqa: E731
    Training(WholeStep()).epochs(1)
    ours = Training(WholeStep(), task=smooth).epochs(1)
    assert_close(ours, Training(None, task=smooth).epochs(1))


@pytest.mark.slow
@needs_compiler
def test_texts_are_padded_to_few_widths() -> None:
    lengths = torch.arange(SAMPLES) % 23 + 1
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    tokens = torch.randint(1, 20, (int(offsets[-1]),), generator=torch.Generator().manual_seed(0))

    def texts() -> ResidentLoader:
        dataset = BatchDataset(Ragged(tokens, offsets, 0), torch.arange(SAMPLES) % CLASSES)
        return ResidentLoader(dataset, BatchSampler(SAMPLES, SIZE, seed=0))

    def model() -> nn.Module:
        return CharCNN(20, CLASSES, embedding=8, channels=8, kernel_sizes=(2, 3), dropout=0.0)

    program = Counting()
    ours = Training(program, model, loader=texts()).epochs(3)
    assert (program.fallback, program.built) == (None, 1)
    assert_close(ours, Training(None, model, loader=texts()).epochs(3))


class Impure(pl.LightningModule):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model


class OwnStep(Classification):
    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        return super().training_step(batch, batch_idx) * 2


class Clipping(Classification):
    def on_after_backward(self) -> None: ...


class Looking(pl.Callback):
    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None: ...


class Manual(Classification):
    automatic_optimization = False


def with_hook(model: nn.Module) -> Classification:
    next(model.parameters()).register_hook(lambda gradient: gradient)
    return Classification(model)


@pytest.mark.parametrize("program", [WholeStep, CompiledStep])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": Impure}, "Impure has no loss_of"),
        ({"task": OwnStep}, "OwnStep has a training_step of its own"),
        ({"task": Clipping}, "Clipping overrides on_after_backward"),
        ({"task": Manual}, "manual"),
        ({"task": with_hook}, "a hook waits for the gradient"),
        ({"callbacks": [Looking()]}, "Looking overrides on_before_optimizer_step"),
        ({"accumulate_grad_batches": 2}, "accumulated"),
        ({"callbacks": [pl.callbacks.GradientAccumulationScheduler({0: 1, 4: 2})]}, "accumulated"),
        ({"optimizer": torch.optim.LBFGS}, "LBFGS calls the loss itself"),
        ({"precision_plugin": MixedPrecision("16-mixed", "cpu")}, "precision 16-mixed"),
    ],
)
def test_a_training_that_is_not_covered_is_refused_in_words(
    program: type[CheckedProgram], changes: dict[str, Any], words: str
) -> None:
    if changes.get("task") is Impure:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Impure, "training_step", lambda *_: None)
            refused = Training(program(), **changes).refused
    else:
        refused = Training(program(), **changes).refused
    assert refused is not None
    assert words in refused


def test_a_machine_without_a_compiler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert Training(WholeStep()).refused == "there is no C++ compiler (no-such-compiler)"


def test_a_program_that_was_refused_can_be_finished() -> None:
    program = WholeStep()
    assert Training(program, accumulate_grad_batches=2).refused
    program.finish()


def test_compiled_code_is_kept_where_the_user_said_or_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "mine")
    compiler.keep_compiled()
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == "mine"
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    compiler.keep_compiled()
    assert "projectkit-compiled" in os.environ["TORCHINDUCTOR_CACHE_DIR"]


@pytest.mark.slow
@needs_compiler
def test_the_trainer_hands_its_steps_to_the_program(tmp_path: Path) -> None:
    def fit(program: StepProgram | None) -> tuple[Trainer, Classification]:
        torch.manual_seed(0)
        task, x = Classification(network()), torch.randn(SAMPLES, 6)
        loader = ResidentLoader(
            BatchDataset(EncodedArray(x), torch.arange(SAMPLES) % CLASSES), BatchSampler(SAMPLES, SIZE, seed=0)
        )
        quiet: dict[str, Any] = dict.fromkeys(
            ("logger", "enable_progress_bar", "enable_model_summary", "enable_checkpointing"), False
        )
        trainer = Trainer(accelerator="cpu", max_epochs=3, default_root_dir=tmp_path, program=program, **quiet)
        trainer.fit(task, loader)
        return trainer, task

    program = WholeStep()
    (ours, task), (theirs, eager) = fit(program), fit(None)
    assert ours.loop_report.step == "whole"
    assert program.fallback is None
    assert ours.global_step == theirs.global_step == 12
    torch.testing.assert_close(task.state_dict(), eager.state_dict(), rtol=1e-3, atol=2e-5)
    torch.testing.assert_close(dict(ours.callback_metrics), dict(theirs.callback_metrics), rtol=1e-4, atol=1e-5)
