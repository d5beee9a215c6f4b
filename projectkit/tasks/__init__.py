"""What is optimised and what is logged: LightningModules over any `nn.Module`, one file for each task.

| file | task |
|---|---|
| planned.py | `PlannedTask`: what all of them share: the network, the plan for its optimiser, the logs of the training |
| classification.py | `LogitsTask`: loss and logs of one label for each sample; `Classification`: trained on the batches as they come |
| adversarial.py | `AdversarialClassification`: the same, trained on inputs that an adversary has moved |
| reach.py | what an adversary can reach in each kind of data |
| anomaly.py | `AnomalyDetection`: the error of a reconstruction, learnt from normal samples |
| optimisation.py | `OptimizerPlan`: which optimiser and scheduler, with the counts that only the trainer knows filled in |
"""

from projectkit.tasks.adversarial import AdversarialClassification
from projectkit.tasks.anomaly import AnomalyDetection
from projectkit.tasks.classification import Classification, LogitsTask
from projectkit.tasks.optimisation import OptimizerPlan
from projectkit.tasks.planned import PlannedTask

__all__ = [
    "AdversarialClassification",
    "AnomalyDetection",
    "Classification",
    "LogitsTask",
    "OptimizerPlan",
    "PlannedTask",
]
