"""From a config to the objects that are trained: data, model, task, callbacks.

Training and evaluation build them here, so both see the same network. A task from projectkit is given a model and a plan for its
optimiser; a team's own LightningModule owns all of that and is taken as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytorch_lightning as pl
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from projectkit import datasets
from projectkit.config import ClassConfig, LoadedConfig, check_arguments, check_ownership, construct, import_class
from projectkit.data import DataModule, DataSpec
from projectkit.data.augmentation import Augmentation, refuse_other_modality
from projectkit.data.spec import FACTS
from projectkit.errors import UserError
from projectkit.project import Project
from projectkit.tasks import LogitsTask, OptimizerPlan, PlannedTask
from projectkit.tasks.optimisation import missing_count

TRUSTED = ("projectkit", "torch", "torchvision", "pytorch_lightning", "torchmetrics")

# what a config without a model is told to write
SUGGESTED_MODELS = {
    "text": "projectkit.models.CharCNN",
    "tokens": "projectkit.models.CharCNN",
    "tabular": "projectkit.models.MLP",
    "image": "projectkit.models.CNN",
    "series": "projectkit.models.SeriesCNN",
}

# images and series both have channels, so these models' arguments do not tell which they read
READS = {"CNN": "image", "ResNet": "image", "SeriesCNN": "series"}

# what finds anomalies in a table that a classification cannot be trained on
ANOMALY_TASK = (
    "task.class_path=projectkit.tasks.AnomalyDetection model.class_path=projectkit.models.Autoencoder "
    "monitor.metric=val/average_precision"
)

TORCHVISION_CHANNELS = 3


@dataclass(frozen=True)
class Assembly:
    """What a config stands for, ready to be trained or evaluated."""

    data: pl.LightningDataModule
    task: pl.LightningModule
    callbacks: list[pl.Callback]
    filled: dict[str, dict[str, Any]] = field(default_factory=dict)  # key -> arguments that the config left out

    @property
    def catalogued(self) -> DataModule | None:
        """The data module where the data set comes from the catalogue, None where it is the team's own."""
        return self.data if isinstance(self.data, DataModule) else None

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Of the target, where the data set comes from the catalogue."""
        return self.catalogued.spec.class_names if self.catalogued else None


class Assembler:
    """Imports, checks and builds what a config names.

    Args:
        loaded: the config and where each key was written.
        project: whose package, and whose further packages, a config may name.
        fitted: the data module's part of a checkpoint, whose encoder is used instead of fitting one.
    """

    def __init__(self, loaded: LoadedConfig, project: Project, fitted: Mapping[str, Any] | None = None) -> None:
        self.config = loaded.config
        self.places = loaded.places
        self.allowed = (*TRUSTED, *([project.package] if project.package else []), *project.allow)
        self.fitted = fitted
        self.filled: dict[str, dict[str, Any]] = {}
        project.importable()

    def assemble(self) -> Assembly:
        """Build everything; every class and argument is checked before anything is built from data.

        Raises:
            UserError: a class that is not accepted, an argument that its signature lacks, a key that does not fit the others.
        """
        task_class = self._class(self.config.task, "task", pl.LightningModule, "a LightningModule")
        own_task = not issubclass(task_class, PlannedTask)
        own_data = self.config.data.class_path is not None
        check_ownership(self.config, own_task=own_task, own_data=own_data, places=self.places)
        callbacks = [self._callback(spec, f"callbacks.{index}") for index, spec in enumerate(self.config.callbacks)]
        plan = None if own_task else self._plan()
        model_class = None if own_task else self._model_class()
        data = self.data()
        spec = data.spec if isinstance(data, DataModule) else None
        if own_task or model_class is None:
            task = self._build(
                task_class, self.config.task, "task", **self._filled(task_class, self.config.task, "task", spec)
            )
        else:
            assert self.config.model is not None
            model = self._build_model(model_class, self.config.model, spec)
            given = self._class_counts(data) if issubclass(task_class, LogitsTask) else {}
            if isinstance(data, DataModule) and "data" in inspect.signature(task_class).parameters:
                given = {**given, "data": data}  # an adversary moves in the units of the data
            task = self._build(task_class, self.config.task, "task", model=model, plan=plan, **given)
        return Assembly(data, task, callbacks, self.filled)

    def data(self) -> pl.LightningDataModule:
        """The data alone, as for what needs no network.

        Raises:
            UserError: it is not known, or a key does not fit it.
        """
        return self._data() if self.config.data.class_path is None else self._own_data()

    def _class_counts(self, data: pl.LightningDataModule) -> dict[str, Any]:
        """What a classification is given to weigh its classes, where it is asked to; one class alone cannot be told from another."""
        if not isinstance(data, DataModule):
            return {}
        counts = data.class_counts
        if sum(count > 0 for count in counts) < 2:
            raise self._one_class(data)
        weights = self.config.task.init_args.get("class_weights")
        if weights is None:
            return {}
        if weights == "balanced" and data.balanced:
            raise UserError(
                "data.balanced evens the classes out already",
                where="task.init_args.class_weights",
                remedy="remove one of the two: together they would count rare classes twice over",
            )
        if weights == "balanced":
            self.filled["task"] = {"class_counts": list(counts)}
        return {"class_counts": counts}

    def _one_class(self, data: DataModule) -> UserError:
        """Training on one class: the error with another split of the card that has more, if there is one, or another task."""
        only = data.spec.class_names[max(range(len(data.class_counts)), key=data.class_counts.__getitem__)]
        for name in data.card.splits:
            try:
                other = datasets.split(data.card_name, name, data.split_seed, target=data.target, samples=data.samples)
            except UserError:  # a split that is not for this target
                continue
            if len(set(data.samples.y[data.target][other.subsets["train"]].tolist())) > 1:
                remedy = f"write data.split={name}, whose training subset has more"
                break
        else:
            remedy = "name a LightningModule of your own that learns from one class as task.class_path"
        if data.card.modality == "tabular":
            remedy += f"; or find what is not '{only}' with {ANOMALY_TASK}"
        return UserError(
            f"the training subset of split '{data.split.policy}' is '{only}' alone, and a classification learns from two classes or more",
            where=self.places.of("data.split"),
            remedy=remedy,
        )

    def _class(
        self, spec: ClassConfig, key: str, base: type, what: str, also: Callable[[Any], bool] | None = None
    ) -> Any:
        return import_class(spec, key, accepts=(base,), what=what, also=also, allowed=self.allowed, places=self.places)

    def _build(self, target: Any, spec: ClassConfig, key: str, **given: Any) -> Any:
        check_arguments(target, spec.init_args, key, filled=tuple(given), places=self.places)
        return construct(target, key, places=self.places, **{**given, **spec.init_args})

    def _callback(self, spec: ClassConfig, key: str) -> pl.Callback:
        callback: pl.Callback = self._build(self._class(spec, key, pl.Callback, "a Lightning Callback"), spec, key)
        return callback

    def _augmentation(self, spec: ClassConfig, key: str) -> Augmentation:
        known = "an Augmentation of projectkit.data.augmentation or of your own"
        target = self._class(spec, key, Augmentation, known)
        try:
            augmentation: Augmentation = self._build(target, spec, key)
        except UserError as error:  # an augmentation names itself; here it is known which of the list it is
            if error.where == target.__name__:
                error.where = self.places.of(f"{key}.init_args")
            raise
        return augmentation

    def _plan(self) -> OptimizerPlan:
        plan = OptimizerPlan(monitor=self.config.monitor.metric if self.config.monitor else None)
        if self.config.optimizer is not None:
            plan.optimizer = self._optimizer(self.config.optimizer)
        if self.config.scheduler is not None:
            spec = ClassConfig(self.config.scheduler.class_path, self.config.scheduler.init_args)
            scheduler = self._class(spec, "scheduler", LRScheduler, "a learning-rate scheduler of torch")
            if issubclass(scheduler, ReduceLROnPlateau):
                spec = ClassConfig(spec.class_path, self._watching(spec.init_args))
            plan.count = missing_count(scheduler, spec.init_args)
            filled = ("optimizer", *([plan.count] if plan.count else []))
            check_arguments(scheduler, spec.init_args, "scheduler", filled=filled, places=self.places)
            plan.scheduler = partial(construct, scheduler, "scheduler", places=self.places, **spec.init_args)
            plan.interval = self.config.scheduler.interval
            trainer = self.config.trainer
            bounded = trainer.max_epochs != -1 or (plan.interval == "step" and trainer.max_steps not in (None, -1))
            if plan.count and not bounded:  # found here, before there is a run folder
                raise plan.no_end(self.places.of("scheduler.init_args"))
        return plan

    def _watching(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A scheduler that watches the monitored metric looks for what is better in the same direction."""
        assert self.config.scheduler is not None
        if self.config.monitor is None:
            raise UserError(
                "ReduceLROnPlateau watches the monitored metric, and there is none",
                where=self.places.of("scheduler.class_path"),
                remedy="write monitor: {metric: val/loss, mode: min}",
            )
        if self.config.scheduler.interval == "step":
            raise UserError(
                "ReduceLROnPlateau watches a metric that is there once an epoch",
                where=self.places.of("scheduler.interval"),
                remedy="write scheduler.interval: epoch",
            )
        if (self.config.trainer.check_val_every_n_epoch or 1) > 1:
            raise UserError(
                "ReduceLROnPlateau looks at its metric after each epoch, and not every epoch is validated",
                where=self.places.of("trainer.check_val_every_n_epoch"),
                remedy="write trainer.check_val_every_n_epoch: 1, or take another scheduler",
            )
        if "mode" in given:
            return dict(given)
        # torch's own default, min, would take a rising F1 for a plateau
        self.filled["scheduler"] = {"mode": self.config.monitor.mode}
        return {**given, "mode": self.config.monitor.mode}

    def _optimizer(self, spec: ClassConfig) -> Callable[[Iterable[nn.Parameter]], Optimizer]:
        optimizer_class = self._class(spec, "optimizer", Optimizer, "an optimizer of torch")
        check_arguments(optimizer_class, spec.init_args, "optimizer", filled=("params",), places=self.places)
        places = self.places

        def build(parameters: Iterable[nn.Parameter]) -> Optimizer:
            trained = list(parameters)
            if not trained:
                raise UserError(
                    "the model has no parameters that could be trained",
                    where=places.of("model"),
                    remedy="its layers must be attributes of the module, lists of them nn.ModuleList, and not all frozen",
                )
            optimizer: Optimizer = construct(optimizer_class, "optimizer", trained, places=places, **spec.init_args)
            return optimizer

        build([nn.Parameter()])  # a negative rate is found here, not after the data has been read
        return build

    def _model_class(self) -> Any:
        if self.config.model is None:
            raise UserError(
                "the config has no model",
                where=self.places.of("model"),
                remedy=f"write for example model: {{class_path: {self._suggested_model()}}}",
            )
        return self._class(self.config.model, "model", nn.Module, "a torch.nn.Module", also=_is_torchvision_model)

    def _suggested_model(self) -> str:
        if self.config.data.name is None:
            return SUGGESTED_MODELS["tabular"]
        return SUGGESTED_MODELS.get(datasets.card(self.config.data.name).modality, SUGGESTED_MODELS["tabular"])

    def _build_model(self, model_class: Any, spec: ClassConfig, facts: DataSpec | None) -> nn.Module:
        if _is_torchvision_model(model_class) and facts is not None and facts.in_channels != TORCHVISION_CHANNELS:
            here = facts.in_channels or "no images"
            raise UserError(
                f"models of torchvision read images with {TORCHVISION_CHANNELS} channels, and this data has {here}",
                where=self.places.of("model.class_path"),
                remedy="write a module of your own around it that changes the first layer, or try "
                f"model.class_path={SUGGESTED_MODELS[facts.modality]} model.init_args={{}}",
            )
        model: nn.Module = self._build(model_class, spec, "model", **self._filled(model_class, spec, "model", facts))
        return model

    def _filled(self, target: Any, spec: ClassConfig, key: str, facts: DataSpec | None) -> dict[str, int]:
        """Those of a class's arguments that come from the data: they carry a fact's name and the config does not give them."""
        if facts is None:
            return {}
        accepted = inspect.signature(target).parameters
        self._refuse_other_modality(target, spec, key, facts)
        names = {"num_classes"} if _is_torchvision_model(target) else set(accepted)
        known = facts.arguments()
        filled = {name: value for name, value in known.items() if name in names and name not in spec.init_args}
        lacking = [
            name
            for name, parameter in accepted.items()
            if name in FACTS and name not in {**known, **spec.init_args} and parameter.default is parameter.empty
        ]
        if lacking:
            raise UserError(
                f"{spec.class_path} needs {', '.join(lacking)}, which {facts.modality} data does not have",
                where=self.places.of(f"{key}.class_path"),
                remedy=f"try model.class_path={SUGGESTED_MODELS[facts.modality]} model.init_args={{}}, or other data",
            )
        if filled:
            self.filled[key] = dict(filled)
        return filled

    def _refuse_other_modality(self, target: Any, spec: ClassConfig, key: str, facts: DataSpec) -> None:
        """Refuse a model of images for series, and the other way round; see `READS`."""
        reads = READS.get(target.__name__) if target.__module__.startswith("projectkit.models.") else None
        if reads is not None and facts.modality != reads:
            raise UserError(
                f"{spec.class_path} reads {reads} data, and '{self.config.data.name}' is {facts.modality} data",
                where=self.places.of(f"{key}.class_path"),
                remedy=f"try model.class_path={SUGGESTED_MODELS[facts.modality]} model.init_args={{}}, or other data",
            )

    def _data(self) -> DataModule:
        data = self.config.data
        if data.name is None:
            raise UserError(
                "the config names no data",
                where=self.places.of("data"),
                remedy="write data: {name: sms}; `projectkit data list` shows the catalogue",
            )
        augment = [self._augmentation(spec, f"data.augment.{index}") for index, spec in enumerate(data.augment)]
        try:
            module = DataModule(
                data.name,
                data.target,
                data.split,
                split_seed=data.split_seed,
                batch_size=data.batch_size,
                num_workers=data.num_workers,
                seed=self.config.seed,
                folds=data.folds,
                fold=data.fold,
                unit=data.unit,
                max_length=data.max_length,
                balanced=data.balanced,
                input=data.input,
                buckets=data.buckets,
                augment=augment,
            )
        except UserError as error:  # the catalogue does not know where the name was written
            key = error.where if error.where and error.where.startswith("data.") else "data.name"
            raise UserError(error.what, where=self.places.of(key), remedy=error.remedy) from error
        for index, each in enumerate(augment):
            refuse_other_modality(each, module.card.modality, self.places.of(f"data.augment.{index}.class_path"))
        try:
            _ = module.split  # computed once and kept: the first model needs it anyway
        except UserError as error:
            raise UserError(error.what, where=self.places.of("data.split"), remedy=error.remedy) from error
        if self.fitted is not None:
            module.load_state_dict(dict(self.fitted))
        return module

    def _own_data(self) -> pl.LightningDataModule:
        assert self.config.data.class_path is not None
        spec = ClassConfig(self.config.data.class_path, self.config.data.init_args)
        data_class = self._class(spec, "data", pl.LightningDataModule, "a LightningDataModule")
        data: pl.LightningDataModule = self._build(data_class, spec, "data")
        return data


def assemble(loaded: LoadedConfig, project: Project, fitted: Mapping[str, Any] | None = None) -> Assembly:
    """See `Assembler` and `Assembler.assemble`."""
    return Assembler(loaded, project, fitted).assemble()


def _is_torchvision_model(target: Any) -> bool:
    return inspect.isfunction(target) and target.__module__.startswith("torchvision.models.")
