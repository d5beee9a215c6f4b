"""What a config may hold: one frozen dataclass for each section, with the default of every key.

The field types are what OmegaConf checks the YAML against; what values are in range stands in `ranges.py`. In
`TrainerConfig` null means Lightning's own default, so that a newer Lightning's defaults reach a config that says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["train", "smoke"]


@dataclass(frozen=True)
class ClassConfig:
    """A class by its import path, and the arguments that it is built with."""

    class_path: str
    init_args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SchedulerConfig(ClassConfig):
    """A learning-rate scheduler, and whether it steps after each epoch or after each optimiser step."""

    interval: Literal["epoch", "step"] = "epoch"


@dataclass(frozen=True)
class DataConfig:
    """A data set of the catalogue by `name`, or a team's own LightningDataModule by `class_path`."""

    name: str | None = None
    target: str | None = None  # null: the card's default
    split: str | None = None  # null: the card's default
    split_seed: int = 0
    folds: int | None = None  # null: the split itself
    fold: int = 0
    unit: Literal["characters", "bytes", "words", "word_pieces"] | None = None  # null: the card's
    max_length: int | None = None  # null: chosen from the training subset
    balanced: bool = False
    batch_size: int = 256
    num_workers: int = 0
    input: Literal["auto", "resident", "stream"] = "auto"
    buckets: Literal["auto", "on", "off"] = "auto"
    augment: list[ClassConfig] = field(default_factory=list)
    class_path: str | None = None
    init_args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainerConfig:
    """The arguments of Lightning's Trainer but logger, callbacks and default_root_dir, which projectkit gives it."""

    accelerator: str | None = "auto"
    strategy: str | None = None
    devices: list[int] | int | str | None = 1
    num_nodes: int | None = None
    precision: int | str | None = "auto"
    fast_dev_run: bool | int | None = None
    max_epochs: int | None = 10
    min_epochs: int | None = None
    max_steps: int | None = None
    min_steps: int | None = None
    max_time: str | dict[str, int] | None = None
    limit_train_batches: int | float | None = None
    limit_val_batches: int | float | None = None
    limit_test_batches: int | float | None = None
    limit_predict_batches: int | float | None = None
    overfit_batches: int | float | None = None
    val_check_interval: int | float | str | dict[str, int] | None = None
    check_val_every_n_epoch: int | None = None
    num_sanity_val_steps: int | None = None
    log_every_n_steps: int | None = None
    enable_checkpointing: bool | None = None
    enable_progress_bar: bool | None = None
    enable_model_summary: bool | None = None
    accumulate_grad_batches: int | None = None
    gradient_clip_val: int | float | None = None
    gradient_clip_algorithm: Literal["norm", "value"] | None = None
    deterministic: bool | Literal["warn"] | None = None
    benchmark: bool | None = None
    inference_mode: bool | None = None
    use_distributed_sampler: bool | None = None
    profiler: Literal["simple", "advanced", "pytorch", "xla"] | None = None
    detect_anomaly: bool | None = None
    barebones: bool | None = None
    plugins: str | None = None  # null only: a plugin is a Python object
    sync_batchnorm: bool | None = None
    reload_dataloaders_every_n_epochs: int | None = None
    enable_autolog_hparams: bool | None = None
    model_registry: str | None = None


@dataclass(frozen=True)
class SpeedConfig:
    """How the steps are run. `auto` is measured on this machine and recorded; nothing here changes a result but by rounding."""

    tune: Literal["auto", "off"] = "auto"  # off: measure nothing, `auto` below is torch's own default
    loop: Literal["auto", "lightning"] = "auto"
    step: Literal["auto", "eager", "compiled", "whole", "graph"] = "auto"
    memory_format: Literal["auto", "contiguous", "channels_last"] = "auto"
    fused: Literal["auto", "on", "off"] = "auto"
    threads: int | None = None  # null: see projectkit/machine.py


@dataclass(frozen=True)
class MonitorConfig:
    """The logged metric that names the best checkpoint, and in which direction it is better."""

    metric: str
    mode: Literal["min", "max"]


@dataclass(frozen=True)
class EarlyStoppingConfig:
    """Stop after `patience` validations in which the monitored metric did not get better by `min_delta`."""

    patience: int
    min_delta: float = 0.0


@dataclass(frozen=True)
class CheckpointConfig:
    """When `last.ckpt` is written: at whichever of the three comes first, and when the training ends or is stopped."""

    every_n_epochs: int | None = None  # null: at each epoch's end, but with short epochs only every few seconds
    every_n_steps: int | None = None  # null: not by steps
    every_n_minutes: float | None = 10.0  # null: not by the clock
    keep_last: int = 2  # how many of them are kept, last.ckpt among them: the older ones are step-<n>.ckpt


@dataclass(frozen=True)
class TrackingConfig:
    """What happens beside our own record of the run."""

    wandb: Literal["offline", "online", "disabled"] = "offline"
    project: str | None = None  # on Weights & Biases; null: the repository's name
    entity: str | None = None  # the team there; null: that of the key
    group: str | None = None
    tags: list[str] = field(default_factory=list)
    checkpoint_mib: float = 100.0  # a larger best checkpoint stays here; 0: none is sent
    tensorboard: bool = False  # files for TensorBoard as well, in the run folder
    csv: bool = False  # metrics.csv as well


@dataclass(frozen=True)
class Config:
    """Everything that a training run is made from."""

    name: str = "run"
    seed: int = 0
    kind: Kind = "train"
    data: DataConfig = field(default_factory=DataConfig)
    model: ClassConfig | None = None
    task: ClassConfig = field(default_factory=lambda: ClassConfig("projectkit.tasks.Classification"))
    optimizer: ClassConfig | None = None
    scheduler: SchedulerConfig | None = None
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    speed: SpeedConfig = field(default_factory=SpeedConfig)
    monitor: MonitorConfig | None = None
    early_stopping: EarlyStoppingConfig | None = None
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    callbacks: list[ClassConfig] = field(default_factory=list)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
