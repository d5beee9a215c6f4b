"""What a team writes, as plain values: `poster.yaml` and `sections/*.md`.

| file | subject |
|---|---|
| values.py | `Poster`, `Author`, `Link`, `Logo`, `Section` |
| sheets.py | sizes of paper and screens, and from how far each is read |
| reading.py | `read_poster`: the files to these values |
| fields.py | YAML keys with their types and places |
| files.py | text files, from inside their folder only |
"""
