"""Measuring a finished run, so that the numbers can be believed.

| file | subject |
|---|---|
| measure.py | `evaluate`: the whole of it, in order |
| predict.py | a run's network, rebuilt from its checkpoint, over one subset |
| ledger.py | every look at labels that were not trained or selected on |
| mistakes.py | the most confident mistakes, and which classes are taken for which |
| slices.py | slices of the samples on which a model does worse than on the rest |
| columns.py | what the samples are cut into slices by |
| attribution/ | what a network's output on a sample depends on |
"""

from projectkit.evaluation.ledger import Look, looks
from projectkit.evaluation.measure import Evaluated, evaluate

__all__ = ["Evaluated", "Look", "evaluate", "looks"]
