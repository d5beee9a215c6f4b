"""What a run's record says about its data: enough to find it again, and to tell whether another run saw the same."""

from __future__ import annotations

from typing import Any

from projectkit.config import Config
from projectkit.data import DataModule


def data_record(config: Config, data: DataModule | None) -> dict[str, Any]:
    """The field `data` of `run.json`: name, target, split, digests, the size of each subset, and what the card says in words.

    Args:
        config: of the run.
        data: with its encoder fitted; None where the data module is the team's own, of which nothing but its class is known.
    """
    if data is None:
        return {"class_path": config.data.class_path, "split": "the team's own"}
    return {
        "name": data.card_name,
        "target": data.target,
        "split": data.split.policy,
        "split_seed": data.split_seed,
        **({} if data.folds is None else {"folds": data.folds, "fold": data.fold}),
        "split_digest": data.split.digest,
        "card_digest": data.card.digest,
        "files_digest": data.card.files_digest,
        "samples_digest": data.samples_digest,
        "encoder_digest": data.encoder.digest,
        **data.encoder.notes,
        "samples": {subset: len(rows) for subset, rows in data.split.subsets.items()},
        "card": _card(data),
    }


def _card(data: DataModule) -> dict[str, Any]:
    """What a reader of the results wants to know of the data, as the card has it when the run begins; without what it leaves empty."""
    card = data.card
    policy = card.splits.get(data.split.policy)
    facts = {
        "title": card.title,
        "licence": card.licence,
        "citation": card.citation,
        "origin": card.origin,
        "class_names": list(card.targets[data.target].class_names),
        "split": policy.about if policy else "",
        "traps": list(card.traps),
    }
    return {name: fact for name, fact in facts.items() if fact}
