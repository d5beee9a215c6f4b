"""A version of Lightning in which a private name is gone."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys, warnings

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name == "projectkit.training.loop.lightning_names":
            raise ImportError("a private name is gone")

sys.meta_path.insert(0, Gone())
import pytorch_lightning as pl, torch
import projectkit.training.trainer as ours
ours.TESTED_WITH = ("0.0.0",)
from projectkit.training import Trainer
from pytorch_lightning.demos.boring_classes import BoringModel
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    trainer = Trainer(max_steps=3, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
trainer.fit(BoringModel())
print(trainer.global_step, trainer.loop_report.mode, sum("was not tested" in str(each.message) for each in said))
"""


def test_on_a_version_whose_private_names_are_gone_lightnings_own_loop_trains_and_one_warning_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["3 lightning 1"], done.stderr[-2_000:]
