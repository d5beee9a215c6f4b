"""How derived files are made again from their upstream repositories, one file each, which defines `DERIVATION`.

What is made is checked by its SHA-256 like any other file, so a rule that differed in one row would be found.
"""
