"""Near duplicates among texts and token sequences: sets of 5-grams that are alike.

Rows whose signatures agree in any band are compared by the Jaccard similarity of their sets. Integer arithmetic only, so the
clusters are the same on every machine.

Source: Broder 1997, On the resemblance and containment of documents, SEQUENCES, 21-29 (n-grams, MinHash); Lee et al. 2022, Deduplicating
Training Data Makes Language Models Better, ACL, arXiv:2107.06499 (bands, then comparing the sets, threshold 0.8).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projectkit.datasets.columns import IndexArray, Texts, Tokens
from projectkit.datasets.copies.clusters import joined_if_alike

GRAM = 5  # characters or tokens
_HASHES = 128  # in a signature
_RECALL = 0.99  # of pairs exactly as similar as the threshold; more similar ones are found more often
_GRAM_BITS = 44  # of a 5-gram's hash: what remains of 64 holds a row or pair number while they are sorted together
_AT_ONCE = 1 << 15  # 5-grams that are worked on at once: 256 KiB an array

_Hashes = NDArray[np.uint64]


def minhash_clusters(x: Texts | Tokens, threshold: float) -> IndexArray:
    """The first row of each row's cluster of similar texts.

    Args:
        x: n texts or token sequences; best without equal ones.
        threshold: Jaccard similarity of their sets of 5-grams from which two are alike, in (0, 1]; counted in thousandths.

    Returns:
        (n,) row numbers.
    """
    grams, bounds = _gram_sets(x)
    sizes = np.diff(bounds)
    thousandths = round(threshold * 1000)

    def alike(left: IndexArray, right: IndexArray) -> NDArray[np.bool_]:
        shared = _shared(grams, bounds, left, right)
        union = sizes[left] + sizes[right] - shared
        found: NDArray[np.bool_] = (shared * 1000 >= thousandths * union) & (union > 0)
        return found

    return joined_if_alike(len(x), _bands(grams, bounds, threshold), alike)


def _gram_sets(x: Texts | Tokens) -> tuple[_Hashes, IndexArray]:
    """The different 5-grams of each row as numbers, ascending, and where each row's begin; a shorter row is one gram, an empty one none."""
    values, offsets = _characters(x) if isinstance(x, Texts) else (x.values, x.offsets)
    lengths = np.diff(offsets)
    counts = np.where(lengths == 0, 0, np.maximum(1, lengths - GRAM + 1))
    grams, filled = np.empty(int(counts.sum()), dtype=np.uint64), 0
    sizes = np.zeros(len(x), dtype=np.int64)
    for part in _parts(counts):
        row = np.repeat(np.arange(part.stop - part.start), counts[part])
        first = np.cumsum(counts[part]) - counts[part]
        start = np.arange(len(row)) - first[row] + offsets[part][row]
        stop = offsets[part.start + 1 : part.stop + 1][row]
        mixed = np.zeros(len(row), dtype=np.uint64)
        for place in range(GRAM):
            at = np.minimum(start + place, stop - 1)
            value = np.where(start + place < stop, values[at].astype(np.uint64) + np.uint64(1), np.uint64(0))
            mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + value
        tagged = _mixed(mixed) >> np.uint64(64 - _GRAM_BITS) | row.astype(np.uint64) << np.uint64(_GRAM_BITS)
        tagged.sort()
        if len(tagged):  # np.unique takes ten times as long
            tagged = tagged[np.r_[True, tagged[1:] != tagged[:-1]]]
        sizes[part] = np.bincount((tagged >> np.uint64(_GRAM_BITS)).astype(np.int64), minlength=part.stop - part.start)
        grams[filled : filled + len(tagged)] = tagged & np.uint64((1 << _GRAM_BITS) - 1)
        filled += len(tagged)
    return grams[:filled], np.r_[0, np.cumsum(sizes)].astype(np.int64)


def _characters(x: Texts) -> tuple[NDArray[Any], IndexArray]:
    """The code points of all texts, and where each text's begin."""
    if not len(x.values) or x.values.max() < 0x80:  # ASCII: a byte a character
        return x.values, x.offsets
    text = x.values.tobytes().decode("utf-8", "surrogatepass")
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    begun = np.zeros(len(x.values) + 1, dtype=np.int32 if len(x.values) < 2**31 else np.int64)
    np.cumsum((x.values & 0xC0) != 0x80, out=begun[1:])  # every byte but a continuation byte begins a character
    return points, begun[x.offsets].astype(np.int64)


def _mixed(values: _Hashes) -> _Hashes:
    """Every bit of the input changes about half of the bits (the finalizer of MurmurHash3)."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        values = (values ^ (values >> np.uint64(33))) * np.uint64(factor)
    return values ^ (values >> np.uint64(33))


def _bands(grams: _Hashes, bounds: IndexArray, threshold: float) -> Iterator[_Hashes]:
    """A key for each row from each band of its signature: the longest bands that find pairs at the threshold often enough.

    A band is made when it is asked for, so that no whole signature is ever in memory, which would outweigh short texts.
    """
    length = 1
    while length < _HASHES and 1 - (1 - threshold ** (length + 1)) ** (_HASHES // (length + 1)) >= _RECALL:
        length += 1
    for begin in range(0, _HASHES - length + 1, length):
        key = np.zeros(len(bounds) - 1, dtype=np.uint64)
        for number in range(begin, begin + length):
            key = _mixed(key ^ _smallest(grams, bounds, number))
        yield key


def _smallest(grams: _Hashes, bounds: IndexArray, number: int) -> NDArray[np.uint32]:
    """(n,) the smallest value of one hash over each row's 5-grams; rows without any have the largest value there is."""
    found = np.full(len(bounds) - 1, np.iinfo(np.uint32).max, dtype=np.uint32)
    filled = np.flatnonzero(np.diff(bounds))
    factor = int.from_bytes(hashlib.blake2b(f"minhash:{number}".encode(), digest_size=8).digest(), "little") | 1
    for part in _parts(np.diff(bounds)[filled], at_once=1 << 16):  # 512 KiB: it stays in the processor's cache
        rows = filled[part]
        hashed = grams[bounds[rows[0]] : bounds[rows[-1] + 1]] * np.uint64(factor)
        found[rows] = np.minimum.reduceat(hashed, bounds[rows] - bounds[rows[0]]) >> np.uint64(32)
    return found


def _shared(grams: _Hashes, bounds: IndexArray, left: IndexArray, right: IndexArray) -> IndexArray:
    """How many 5-grams the rows of each pair have in common."""
    sizes = np.diff(bounds)
    shared = np.zeros(len(left), dtype=np.int64)
    for part in _parts(sizes[left] + sizes[right]):
        rows = np.concatenate([left[part], right[part]])
        pair = np.repeat(np.tile(np.arange(part.stop - part.start), 2), sizes[rows])
        first = np.cumsum(sizes[rows]) - sizes[rows]
        places = np.arange(len(pair)) + np.repeat(bounds[rows] - first, sizes[rows])
        tagged = np.sort(grams[places] | pair.astype(np.uint64) << np.uint64(_GRAM_BITS))
        twice = tagged[1:][tagged[1:] == tagged[:-1]]  # each row's are different, so these are of both
        found = (twice >> np.uint64(_GRAM_BITS)).astype(np.int64)
        shared[part] = np.bincount(found, minlength=part.stop - part.start)
    return shared


def _parts(counts: IndexArray, at_once: int = _AT_ONCE) -> Iterator[slice]:
    """Slices of rows with at most `at_once` items together, or of one row that has more."""
    ends = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        before = ends[begin - 1] if begin else 0
        stop = max(begin + 1, int(np.searchsorted(ends, before + at_once, side="right")))
        yield slice(begin, stop)
        begin = stop
