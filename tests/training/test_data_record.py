"""What a run's record says about its data."""

from __future__ import annotations

import json

from projectkit import datasets
from projectkit.config import Config
from projectkit.data import DataModule
from projectkit.training.data_record import data_record


def test_a_record_has_what_the_card_says_in_words_as_it_was_when_the_run_began() -> None:
    card = datasets.card("synthetic_text")
    record = data_record(Config(), DataModule("synthetic_text"))
    kept = record["card"]
    target = card.targets[card.default_target]
    assert (kept["title"], kept["licence"], kept["citation"]) == (card.title, card.licence, card.citation)
    assert kept["class_names"] == list(target.class_names)
    assert kept["split"] == card.splits[target.split].about
    assert kept["traps"] == list(card.traps)
    assert "origin" not in kept  # the card leaves it empty
    assert json.loads(json.dumps(record)) == record  # as a baseline compares it with its file


def test_a_record_of_a_teams_own_data_module_has_no_card() -> None:
    assert "card" not in data_record(Config(), None)
