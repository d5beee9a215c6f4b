"""Baselines: what plain models reach on the config's own split and encoded features.

| file | subject |
|---|---|
| rows.py, sequences.py | the rows of a config's data, encoded; n-grams of sequences |
| features.py | the forms of the rows that the models read |
| models.py, neighbours.py | the models; how many neighbours, by which distance |
"""
