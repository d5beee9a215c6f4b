"""Data sets of a team's or a course's own.

| file | holds |
|---|---|
| `folders.py` | where own cards stand, found by their file's name; cards in Python |
| `description.py`, `described.py` | a card in YAML: its keys, checked, and the card that it is |
| `plain.py`, `arrays.py`, `pictures.py` | its files to samples: CSV, TSV, JSONL, NPZ, pictures in a zip |
| `withheld.py` | test labels that only the course has |
| `survey.py`, `guess.py`, `concerns.py` | `data new`: files looked at, a card guessed, what should worry its author |
| `newcard.py`, `cardtext.py` | the card written, as YAML that a person can edit |
"""
