"""How a run ended, in words, and what to type next: the same remedies that training gave when it ended, for those who come later."""

from __future__ import annotations

from projectkit.errors import UserError
from projectkit.runs.reader import Run

ENDINGS = {
    "signal": "it was told to stop",
    "killed": "its process was ended from outside, without a word (the machine was switched off, or its memory was full)",
    "taken_over": "another process went on with it",
    "oom": "out of memory",
    "nan": "the loss was no number any more",
    "disk": "the disk was full",
    "gpu": "the GPU failed or was lost",
    "input": "something in the config or in the data was wrong",
    "error": "an error in the code, the team's or ours",
}
# what has to be mended before it can go on; a run that was only stopped needs nothing
_FIRST = {
    "oom": "halve data.batch_size, or set trainer.accumulate_grad_batches=2 beside it",
    "nan": "lower optimizer.init_args.lr tenfold, or set trainer.gradient_clip_val=1.0, and look for NaN in the data",
    "disk": "free some space; `projectkit runs rm --empty-trash` and `projectkit runs archive RUN` help",
    "gpu": "look at `projectkit doctor`",
    "input": "mend what the message names",
    "error": "mend what the message names",
}
_STARTS_ANEW = ("oom", "nan", "input", "error")  # with other settings or other code it is another run


def ending(run: Run) -> str | None:
    """Why a run did not finish, in words; None where it did, or still goes on."""
    if run.status in ("finished", "running") or run.problem:
        return None
    return ENDINGS.get(run.reason or "", run.reason)


def next_step(run: Run) -> str | None:
    """What to do next with a run, with the command to type; None where nothing is left to do."""
    if run.problem:
        return "the other files of the run are untouched: restore run.json from results/ or from your partner's copy"
    if run.status == "running":
        return f"wait, or look at its curves with `projectkit runs open {run.id}`"
    if run.status == "finished":
        if not any((run.path / "evaluation").glob("*.json")) and run.path != run.kept:  # a kept copy has no weights
            return f"type `projectkit evaluate {run.id}`"
        if run.path != run.kept and (subset := _outdated(run)):
            return f"type `projectkit evaluate {run.id} --subset {subset}`: it was trained further after it had been evaluated"
        return None if run.kept else f"type `projectkit runs keep {run.id}` if it is to be in git"
    first = _FIRST.get(run.reason or "")
    if run.kind == "baseline":
        again = f"fit it again with `projectkit baseline --only {run.name}`"
    elif run.reason in _STARTS_ANEW or run.path == run.kept:
        again = "train again"
    else:
        begun = any((run.path / "checkpoints").glob("*.ckpt"))
        again = f"{'go on' if begun else 'begin again'} with `projectkit train --resume {run.id}`"
    return f"{first}, then {again}" if first else again


def _outdated(run: Run) -> str | None:
    """A subset whose evaluation is of weights that were replaced since; None where there is none, or one cannot be read."""
    try:
        return next((subset for subset, each in run.evaluations().items() if run.outdated(each)), None)
    except UserError:
        return None
