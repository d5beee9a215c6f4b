"""Perturbations and adversaries, used by training and by evaluation: plain torch, no Lightning.

| file | subject |
|---|---|
| space.py | `InputSpace`: the units that epsilon is counted in, the valid range, and what an adversary can change |
| gradient.py | `Attack`, `perturb`: FGSM, fast FGSM and PGD-k within an L-infinity or L2 ball |
| replay.py | `Replay`: the perturbation that free adversarial training carries from step to step |
| frozen.py | `frozen`: a network whose weights need no gradient meanwhile, in the mode that is stated |
| folding.py | `folded`: batch normalisation done by the convolution before it, while a network stands still |
"""

from projectkit.attacks.frozen import Mode, frozen
from projectkit.attacks.gradient import Attack, Norm, perturb
from projectkit.attacks.replay import Replay
from projectkit.attacks.space import InputSpace

__all__ = ["Attack", "InputSpace", "Mode", "Norm", "Replay", "frozen", "perturb"]
