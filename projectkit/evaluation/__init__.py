"""Measuring a finished run, so that the numbers can be believed.

| file | subject |
|---|---|
| measure.py | `evaluate`: the whole of it, in order |
| predict.py | a run's network, rebuilt from its checkpoint, over one subset |
| cost.py | latency and memory of the network |
| report.py | `report`: from plain arrays to predictions, document and figures |
| kinds.py | the numbers of a classification, an anomaly score, a regression |
| calibrate.py, operate.py | temperature and threshold, fitted on val; what they do to the subset |
| clusters.py | which samples were drawn together |
| grouped.py | intervals of shares of samples that depend on one another |
| curves.py | curves as points, and the figures |
| ledger.py | every look at labels that were not trained or selected on, written down |
| mistakes.py | the most confident mistakes, and which classes are taken for which |
| slices.py | slices of the samples on which a model does worse than on the rest |
| columns.py | what the samples are cut into slices by |
| attribution/ | what a network's output on a sample depends on |
| analysis.py | `analyse`: mistakes, slices and attributions of a subset, and their page |
| shower.py, pictures.py | its samples with what is known of them; its figures |
| page/ | the static page of an error analysis |
| baseline/ | plain models on the config's own split, each kept as a run |
"""

from projectkit.evaluation.measure import Evaluated, evaluate
from projectkit.evaluation.report import Measured, Options, report

__all__ = ["Evaluated", "Measured", "Options", "evaluate", "report"]
