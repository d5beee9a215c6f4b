"""Baselines: what plain models reach on the config's own split and encoded features.

| file | subject |
|---|---|
| keeping.py | `baselines`: the whole of it, in order; each is kept as a run |
| fitting.py | a config's baselines, fitted and asked; a kept one is fitted again for `evaluate` |
| models.py, neighbours.py | the models; how many neighbours, by which distance |
| features.py | the forms of the rows that the models read |
| rows.py, sequences.py | the rows of a config's data, encoded; n-grams of sequences |
| beside.py | a baseline beside the best trained run |
"""

from projectkit.evaluation.baseline.fitting import predict_baseline
from projectkit.evaluation.baseline.keeping import Baselines, Kept, baselines

__all__ = ["Baselines", "Kept", "baselines", "predict_baseline"]
