"""What is optimised and what is logged: LightningModules over any `nn.Module`, one file for each task.

| file | task |
|---|---|
| classification.py | `Classification`: one label for each sample |
| optimisation.py | `OptimizerPlan`: which optimiser and scheduler, with the counts that only the trainer knows filled in |
"""

from projectkit.tasks.classification import Classification
from projectkit.tasks.optimisation import OptimizerPlan

__all__ = ["Classification", "OptimizerPlan"]
