"""Which rows are train, val and test.

| file | holds |
|---|---|
| `split.py` | a card's policy, applied to its samples; the digest |
| `policies.py` | the ways to split: official, stratified, by group, by time, in folds |
| `dealing.py` | units dealt to subsets and folds, in an order that is the same everywhere |
| `misfits.py` | splits that are refused, each in one line |
"""
