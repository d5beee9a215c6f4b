"""Fitting: from a config to a finished run, inside Lightning's own Trainer.

| file | subject |
|---|---|
| fit.py | `train`: the whole of it, in order |
| session.py, endings.py, screen.py | one call of Lightning's `fit` with the record around it; how it ends; what is said |
| assemble.py | a config's classes, imported, checked and built |
| anatomy.py, layer_words.py | what the network is made of, left in the run for the poster's diagram; what that says of a layer |
| data_record.py | what a run's record says about its data |
| resolve.py | what `auto` becomes on this machine |
| decide.py | how the steps are run, decided and put into force |
| memory.py, halving.py | what a training takes: refused where it cannot fit, run in parts on a GPU |
| speed.py | the settings of the steps: settled by config or record, applied, told |
| tuner.py, workbench.py, verdicts.py | which settings are fastest here, measured on copies and kept |
| trainer.py | `Trainer`: Lightning's, with safe checkpoints |
| ema.py | `EMA`: an average of the weights in their place |
| checkpoints.py | when checkpoints are written, and how a training goes on from one |
| checkpoint_files.py | how they are written and read |
| pace.py | how often what takes time is done |
| left_out.py, rewind.py, random_state.py | what Lightning leaves out of them: logs and loops, the place in the data, generators |
| own_generators.py | generators of a team's own, which nobody keeps |
| check/ | a debugging pass before a long run |
| resume.py, changes.py | which run is continued, and what is no longer as it was |
| repeat.py | a run once more, from its record, and how it came out |
| logger.py | Lightning's side of the run record |
| tracking/ | trackers beside it: Weights & Biases, TensorBoard, CSV |
| signals.py, leaving.py | Ctrl-C and what clusters send; a validation that is left for them |
| finite.py | numbers that are no numbers end a training |
| loader_processes.py | loader processes end with it |
| loop/ | the loops inside Lightning's, at the price of one written by hand |
| progress.py | what a person sees |
"""

from projectkit.training.assemble import Assembly, assemble
from projectkit.training.checkpoint_files import load_checkpoint
from projectkit.training.ema import EMA
from projectkit.training.fit import train
from projectkit.training.trainer import Trainer

__all__ = ["EMA", "Assembly", "Trainer", "assemble", "load_checkpoint", "train"]
