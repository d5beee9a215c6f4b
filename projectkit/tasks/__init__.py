"""What is optimised and what is logged: LightningModules over any `nn.Module`, one file for each task.

| file | task |
|---|---|
| classification.py | `LogitsTask`: loss and logs of one label for each sample; `Classification`: trained on the batches as they come |
| adversarial.py | `AdversarialClassification`: the same, trained on inputs that an adversary has moved |
| reach.py | what an adversary can reach in each kind of data |
| optimisation.py | `OptimizerPlan`: which optimiser and scheduler, with the counts that only the trainer knows filled in |
"""

from projectkit.tasks.adversarial import AdversarialClassification
from projectkit.tasks.classification import Classification, LogitsTask
from projectkit.tasks.optimisation import OptimizerPlan

__all__ = ["AdversarialClassification", "Classification", "LogitsTask", "OptimizerPlan"]
