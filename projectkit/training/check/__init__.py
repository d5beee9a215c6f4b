"""`projectkit check`: a debugging pass before a long run, on copies, within a time that is shared out.

| file | subject |
|---|---|
| checking.py | `check`: from a config to findings and a picture |
| examine.py | the checks in their order; what follows from an error is told as a note |
| subject.py | task and batches, and copies of both |
| watch.py | what happens inside a forward pass |
| trial.py | short trainings of a copy |
| data.py | inputs, labels, normalisation |
| start.py | the first batch and its loss, of ours and of a team's own tasks |
| outputs.py | shape of the output, the loss at the start |
| layers.py | optimiser, gradients, units, signal |
| modes.py | evaluation mode, leakage across the batch, padding |
| overfit.py | one batch learnt by heart |
| rates.py | the learning-rate range test |
| budget.py | the time |
"""

from projectkit.training.check.checking import Checked, check, examine

__all__ = ["Checked", "check", "examine"]
