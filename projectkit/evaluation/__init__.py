"""Measuring a finished run, so that the numbers can be believed.

| file | subject |
|---|---|
| measure.py | `evaluate`: the whole of it, in order |
| predict.py | a run's network, rebuilt from its checkpoint, over one subset |
| ledger.py | every look at labels that were not trained or selected on |
"""

from projectkit.evaluation.ledger import Look, looks
from projectkit.evaluation.measure import Evaluated, evaluate

__all__ = ["Evaluated", "Look", "evaluate", "looks"]
