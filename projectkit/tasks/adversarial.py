"""Adversarial training: a classification that is trained on inputs that an adversary has moved, and validated on such inputs too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from projectkit.attacks import Attack, InputSpace, Mode, Norm, Replay, frozen, perturb
from projectkit.data import DataModule
from projectkit.errors import UserError, did_you_mean
from projectkit.tasks.classification import LogitsTask
from projectkit.tasks.optimisation import OptimizerPlan
from projectkit.tasks.planned import Batch, pair
from projectkit.tasks.reach import input_space

Method = Literal["pgd", "fgsm", "fast", "free"]
_KEY = "task.init_args"
_STEPS = {"pgd": 7, "free": 8}  # as published, for CIFAR-10 at 8/255


class AdversarialClassification(LogitsTask):
    """Cross-entropy on inputs within epsilon of the batch's, chosen so that it is high.

    Its loss is no function of the batch alone, so it has no `loss_of`, and is no `PureTask`: nothing can train it on the clean batch.

    `train/loss` and `train/accuracy` are those of the perturbed inputs. Validation logs what `Classification` logs, on clean inputs, and
    `val/robust_accuracy`: the accuracy under PGD on a share of the validation set that is the same each time, with the same random starts.

    | method | a step costs, in plain steps | adversary |
    |---|---|---|
    | `pgd` | 1 + 2/3 `steps` | projected gradient ascent from a random start (Madry et al. 2018) |
    | `fgsm` | 1.7 | one step to the edge; the network learns to hide its gradient from it, so it is here for comparison |
    | `fast` | 1.7 | one step of 1.25 epsilon from a random start (Wong, Rice & Kolter 2020) |
    | `free` | 1 | each batch is replayed, the perturbation moves with the weights (Shafahi et al. 2019) |

    Args:
        model: maps x to logits (batch, num_classes).
        plan: optimiser and scheduler; AdamW with a rate of 1e-3 unless given.
        epsilon: radius of the ball around a sample, above 0; a number or a fraction such as `8/255`. Images: in grey levels / 255. Tables
            and series: in standard deviations of each feature or channel.
        method: how the adversary searches, see above.
        steps: of `pgd` (7), or replays of a batch with `free` (8); the loader's batches in between are passed over, so that an epoch is as
            long as without an adversary.
        step_size: of `pgd` and `fast`, in the units of epsilon; 2.5 epsilon / steps and 1.25 epsilon unless given.
        norm: of the ball, `linf` or `l2`; `free` has `linf` alone.
        attack_mode: the mode of batch normalisation and dropout while the adversary searches; see `frozen`.
        robust_steps: PGD steps of the validation.
        robust_samples: how many validation samples are attacked at most, spread over the set; 0: none.
        features: of a table, the numeric columns that an adversary can change; None: all of them. Categories never change.
        label_smoothing: see `LogitsTask`.
        class_weights: see `LogitsTask`.
        class_counts: see `LogitsTask`.
        data: of the catalogue, which knows the units; None: data of your own, then `inputs` says what they are.
        inputs: of data of your own: arguments of `InputSpace.of`, `{low: 0, high: 1}` for images that are not standardised.

    Raises:
        UserError: an argument is out of range or not for this method, or the data has no input that could be moved a little.
    """

    def __init__(
        self,
        model: nn.Module,
        plan: OptimizerPlan | None = None,
        *,
        epsilon: float | str,
        method: Method = "pgd",
        steps: int | None = None,
        step_size: float | str | None = None,
        norm: Norm = "linf",
        attack_mode: Mode = "eval",
        robust_steps: int = 10,
        robust_samples: int = 512,
        features: Sequence[str] | None = None,
        label_smoothing: float = 0.0,
        class_weights: Literal["balanced"] | Sequence[float] | None = None,
        class_counts: Sequence[int] | None = None,
        data: DataModule | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            model, plan, label_smoothing=label_smoothing, class_weights=class_weights, class_counts=class_counts
        )
        for name, value, known in (
            ("method", method, get_args(Method)),
            ("attack_mode", attack_mode, get_args(Mode)),
        ):
            if value not in known:
                raise UserError(f"{name} is {value!r}", where=f"{_KEY}.{name}", remedy=did_you_mean(str(value), known))
        self.inputs = input_space(data, inputs, features)
        radius = _number(epsilon, "epsilon")
        _refuse_radius(radius, norm, self.inputs)
        with _at_key():
            self.attack = _attack(method, radius, steps, step_size, norm)
        with _at_key(steps="robust_steps"):
            self.robust_attack = Attack(radius, robust_steps, norm=norm)
        if type(robust_samples) is not int or robust_samples < 0:
            raise UserError(
                f"robust_samples is {robust_samples!r}",
                where=f"{_KEY}.robust_samples",
                remedy="write a whole number, 0 or more",
            )
        self.replay = Replay(radius, self.attack.steps) if method == "free" else None
        self.attack_mode: Mode = attack_mode
        self.robust_samples = robust_samples
        # of the run: a repeated or resumed one has been given the same seed
        self._seed = torch.initial_seed()
        self._kept: list[Batch] = []

    @property
    def whole_batches(self) -> str | None:
        """Why a batch that does not fit into a GPU cannot be run in parts; None where it can."""
        return None if self.replay is None else "free adversarial training replays whole batches"

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Lightning's hook: the loss of one batch, perturbed."""
        x, y = pair(batch)
        if self.replay is not None:
            return self._learnt(self.replay.next(x, y, self.inputs))
        # a function of run, epoch and batch, so that a resumed run draws what it would have drawn
        generator = self._generator(x.device, self._seed, self.current_epoch, batch_idx)
        with frozen(self, self.attack_mode):
            moved = perturb(self, x, y, self.attack, generator, self.inputs)
        return self._learnt((moved, y))

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Lightning's hook: the clean scores, and rows for the adversary."""
        super().validation_step(batch, batch_idx)
        x, y = pair(batch)
        rows = self._rows(len(y), batch_idx)
        if len(rows):
            chosen = rows.to(x.device)
            self._kept.append((x[chosen], y[chosen]))

    def on_validation_epoch_end(self) -> None:
        """Lightning's hook: every number of the epoch, once."""
        super().on_validation_epoch_end()
        kept, self._kept = self._kept, []
        if kept and not self.trainer.sanity_checking:
            self.log("val/robust_accuracy", self._robust_accuracy(kept))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Lightning's hook: the batch that is being replayed goes on where it was."""
        super().on_save_checkpoint(checkpoint)
        if self.replay is not None:
            checkpoint["replay"] = self.replay.state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Lightning's hook: see `on_save_checkpoint`."""
        super().on_load_checkpoint(checkpoint)
        if self.replay is not None:
            self.replay.restore(checkpoint["replay"])

    def _learnt(self, batch: Batch) -> Tensor:
        loss, noted = self.cross_entropy(batch)
        self._refuse_detached(loss)
        self._sums.add(loss.detach(), noted["hits"], len(batch[1]))
        return loss

    def _rows(self, size: int, batch_idx: int) -> Tensor:
        """The rows of a validation batch that are attacked: evenly spread, as a set may be sorted by class."""
        batches = self.trainer.num_val_batches[0]
        if batches == float("inf"):  # a stream of unknown length: its beginning
            share = max(0, self.robust_samples - sum(len(y) for _, y in self._kept))
        else:
            share = self.robust_samples * (batch_idx + 1) // int(batches) - self.robust_samples * batch_idx // int(
                batches
            )
        share = min(share, size)
        return torch.arange(share) * size // max(1, share)

    def _robust_accuracy(self, kept: Sequence[Batch]) -> float:
        # tensors that were made in inference mode cannot be differentiated; copies that are made outside of it can
        with torch.inference_mode(False), torch.enable_grad():
            x, y = torch.cat([x.clone() for x, _ in kept]), torch.cat([y.clone() for _, y in kept])
            generator = self._generator(
                x.device, 0, 0, 0
            )  # the same each time: runs and epochs differ by their weights alone
            hits = 0
            for rows in torch.split(torch.arange(len(x), device=x.device), _ROBUST_BATCH):
                with self.trainer.precision_plugin.val_step_context(), frozen(self):
                    moved = perturb(self, x[rows], y[rows], self.robust_attack, generator, self.inputs)
                    with torch.no_grad():
                        hits += int((self(moved).argmax(dim=1) == y[rows]).sum())
        return hits / len(x)

    @staticmethod
    def _generator(device: torch.device, *numbers: int) -> torch.Generator:
        seed = 0
        for number in numbers:
            seed = (seed * 1_000_003 + number) % 2**63
        return torch.Generator(device).manual_seed(seed)


_ROBUST_BATCH = 128  # samples that are attacked at a time in validation


def _attack(method: Method, epsilon: float, steps: int | None, step_size: float | str | None, norm: Norm) -> Attack:
    """The adversary of the training; `free` has as many steps as replays."""
    if method in ("fgsm", "fast") and steps not in (None, 1):
        raise UserError(f"{method} takes one step", where="steps", remedy="remove steps, or write method: pgd")
    if method in ("fgsm", "free") and step_size is not None:
        raise UserError(
            f"the step of {method} is epsilon", where="step_size", remedy="remove step_size, or write method: pgd"
        )
    if method == "free" and norm != "linf":
        raise UserError("free adversarial training has the norm linf alone", where="norm", remedy="write norm: linf")
    if method == "fgsm":
        return Attack.fgsm(epsilon, norm)
    size = None if step_size is None else _number(step_size, "step_size")
    if method == "fast":
        return Attack.fast(epsilon, norm) if size is None else Attack(epsilon, 1, size, norm)
    return Attack(epsilon, _STEPS[method] if steps is None else steps, size, norm)


def _refuse_radius(epsilon: float, norm: str, space: InputSpace) -> None:
    if epsilon <= 0:
        raise UserError(
            f"epsilon is {epsilon:g}, and without room there is no adversary",
            where=f"{_KEY}.epsilon",
            remedy="write a number above 0, or task.class_path=projectkit.tasks.Classification",
        )
    widest = float((space.high - space.low).max())
    if norm == "linf" and epsilon > widest:
        remedy = f"write epsilon: {epsilon:g}/255" if widest == 1 and epsilon <= 255 else f"write at most {widest:g}"
        raise UserError(
            f"epsilon is {epsilon:g}, and valid values are at most {widest:g} apart",
            where=f"{_KEY}.epsilon",
            remedy=remedy,
        )


def _number(value: float | str, name: str) -> float:
    """A number, or a fraction as the field writes it: `8/255`."""
    try:
        return float(Fraction(value)) if isinstance(value, str) else float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        raise UserError(
            f"{name} is {value!r}", where=f"{_KEY}.{name}", remedy="write a number, or a fraction such as 8/255"
        ) from None


@contextmanager
def _at_key(**renamed: str) -> Iterator[None]:
    """An attack names its own argument; here it is known which key that is."""
    try:
        yield
    except UserError as error:
        name = error.where or ""
        if not name.startswith(_KEY):
            error.where = f"{_KEY}.{renamed.get(name, name)}"
        raise
