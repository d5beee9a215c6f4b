import errno
import io
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from projectkit.runs.files import append_line, as_float, atomic_write, read_json, read_lines, to_json


def _no_constants(name):
    raise AssertionError(f"{name} is not JSON")


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    atomic_write(path, b"old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


def test_a_torn_last_line_is_dropped_by_the_reader_and_the_next_one_starts_behind_it(tmp_path):
    path = tmp_path / "metrics.jsonl"
    append_line(path, {"step": 1})
    with path.open("ab") as file:
        file.write(b'{"step": 2, "train/lo')
    assert read_lines(path) == [{"step": 1}]
    append_line(path, {"step": 3})
    assert read_lines(path) == [{"step": 1}, {"step": 3}]


@pytest.mark.parametrize("room", [0, 1, 5])
def test_a_disk_that_becomes_full_in_a_line_leaves_the_lines_before_it_and_nothing_of_it(tmp_path, monkeypatch, room):
    path = tmp_path / "metrics.jsonl"
    append_line(path, {"step": 1})
    real = Path.open

    class Full(io.FileIO):
        def write(self, data):
            return super().write(bytes(data)[:room])

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda self, mode, buffering=-1: Full(self, mode))
        with pytest.raises(OSError, match="No space left"):
            append_line(path, {"step": 2})
    assert Path.open is real
    assert path.read_bytes() == b'{"step": 1}\n'
    append_line(path, {"step": 3})
    assert read_lines(path) == [{"step": 1}, {"step": 3}]


def test_a_file_that_is_one_torn_line_starts_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step"')
    append_line(path, {"step": 1})
    assert read_lines(path) == [{"step": 1}]


@pytest.mark.parametrize("cut", range(1, 30, 4))
def test_wherever_the_last_line_is_torn_the_lines_before_it_are_read(tmp_path, cut):
    path = tmp_path / "metrics.jsonl"
    append_line(path, {"step": 1})
    append_line(path, {"step": 2, "val/f1 é": 0.25})
    path.write_bytes(path.read_bytes()[:-cut])
    assert read_lines(path) == [{"step": 1}]


def test_an_unreadable_line_in_the_middle_loses_itself_alone(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event": "started"}\n\x00\xff\n[1]\n{"event": "finished"}\n')
    assert [record["event"] for record in read_lines(path)] == ["started", "finished"]


def test_a_missing_log_is_empty(tmp_path):
    assert read_lines(tmp_path / "metrics.jsonl") == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.1, np.float32(2.5), np.int64(3), 7])
def test_numbers_survive_strict_json(value):
    text = to_json({"value": value})
    back = as_float(json.loads(text, parse_constant=_no_constants)["value"])
    assert back == value or (math.isnan(back) and math.isnan(value))


def test_truth_and_text_are_no_numbers():
    assert as_float(True) is None
    assert as_float("0.5") is None
    assert as_float(None) is None


def test_arguments_that_are_not_utf8_can_be_written():
    assert json.loads(to_json(["\udcff"])) == ["\udcff"]


def test_what_json_cannot_hold_is_refused_rather_than_turned_into_text():
    with pytest.raises(TypeError, match="object cannot be written"):
        to_json({"model": object()})


def test_a_file_that_is_nested_too_deeply_is_damaged_and_no_crash(tmp_path):
    file = tmp_path / "deep.json"
    file.write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(ValueError, match="too deeply"):
        read_json(file)
