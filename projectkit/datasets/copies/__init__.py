"""Which samples are copies of one another, equal or nearly.

| file | holds |
|---|---|
| `duplicates.py` | copies in every modality |
| `minhash.py` | texts and token sequences that are alike |
| `perceptual_hash.py` | images that look alike |
| `clusters.py` | pairs joined to clusters |
"""
