"""`text-size`: text, and title and small print as they were printed, against the distance from which they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from projectkit.findings import Finding, Status
from projectkit.poster.lint.printed import Letters
from projectkit.poster.lint.proof import Proof, finding
from projectkit.poster.source.sheets import GOOD_PT_PER_M, LEAST_PT_PER_M

# Points for each metre of distance.
_TITLE_LEAST, _TITLE_GOOD = 48.0, 60.0  # 72 and 90 pt from 1.5 m: it is read in passing
_SMALL = 9.5  # half of the least: sources and footers are read by who comes close


def text_size(proof: Proof) -> Iterator[Finding]:
    """Text, title and small print that are too small."""
    letters, layout, where = proof.printed.letters, proof.found.layout, proof.found.poster.file
    if layout is None:
        return
    metres, size = proof.found.poster.sheet.distance_m, layout.size
    read = f"the text is {size:.0f} pt, read from {metres:g} m"
    if size < LEAST_PT_PER_M * metres * 0.99:
        message = f"{read}: {LEAST_PT_PER_M * metres:.0f} pt can just be read"
        yield finding("text-size", "error", where, message, "cut words, until it is set larger", text_pt=round(size, 1))
    elif size < GOOD_PT_PER_M * metres * 0.99:
        message = f"{read}: {GOOD_PT_PER_M * metres:.0f} pt is read with ease"
        yield finding("text-size", "note", where, message, "cut words, and it is set larger", text_pt=round(size, 1))
    else:
        yield finding("text-size", "ok", where, f"{read} with ease", text_pt=round(size, 1))
    yield from _title(letters, proof, metres)
    small = [run for run in letters if run.size < _SMALL * metres * 0.99 and run.text.strip()]
    if small:
        least = min(small, key=lambda run: run.size)
        message = f"'{_short(least.text)}' is printed in {least.size:.0f} pt, too small even from close by"
        advice = f"{_SMALL * metres:.0f} pt is the least: shorten the longest lines of code, or draw the figure with larger type"
        yield finding("text-size", "warning", where, message, advice, smallest_pt=round(least.size, 1))


def _title(letters: tuple[Letters, ...], proof: Proof, metres: float) -> Iterator[Finding]:
    title, found = _squeezed(proof.found.poster.title), Counter[float]()
    for run in letters:
        text = _squeezed(run.text)
        if text in title or text[::-1] in title:  # Arabic and Hebrew are printed from the last letter
            found[run.size] += len(text)
    sizes = [size for size, count in found.items() if count >= len(title) / 2]
    if sizes and max(sizes) < _TITLE_GOOD * metres * 0.99:
        status: Status = "warning" if max(sizes) < _TITLE_LEAST * metres * 0.99 else "note"
        message = f"the title is {max(sizes):.0f} pt; from {_TITLE_GOOD * metres:.0f} pt it is read in passing"
        advice = "write a shorter title"
        yield finding("text-size", status, proof.place("title"), message, advice, title_pt=round(max(sizes), 1))


def _squeezed(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _short(text: str) -> str:
    return text.strip() if len(text.strip()) <= 30 else f"{text.strip()[:29]}…"
