"""What the readers of several cards share.

| file | holds |
|---|---|
| `rows.py` | CSV, TSV and JSONL as columns of text, with the numbers of their lines |
| `idx.py` | the IDX format of MNIST and Fashion-MNIST |
| `domains.py` | host and registered domain of a URL |
| `aes_traces.py` | power traces of AES, windows and labels |
| `generator.py` | random numbers that are the same everywhere, for the synthetic sets |
"""
