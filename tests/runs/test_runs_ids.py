import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from projectkit.errors import WorkError
from projectkit.runs import ids


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lstm", "lstm"),
        ("Réseau n° 1", "reseau-n-1"),
        ("Ελλάδα", "run"),
        ("", "run"),
        ("../../etc/passwd", "etc-passwd"),
        ("a" * 60, "a" * 40),
        ("a" * 39 + " b", "a" * 39),
        ("CON", "con"),
        ("日本語 model", "model"),
        ("char_cnn", "char_cnn"),
    ],
)
def test_a_name_becomes_a_slug_that_every_file_system_takes(name, expected):
    assert ids.slug(name) == expected


def test_an_id_is_the_utc_time_the_slug_and_six_hex_digits(tmp_path):
    before = datetime.now(UTC)
    folder = ids.make_folder(tmp_path / "runs", "Été")
    assert re.fullmatch(r"\d{8}-\d{6}-ete-[0-9a-f]{6}", folder.name)
    assert before - timedelta(seconds=1) <= ids.created(folder.name) <= datetime.now(UTC)


def test_two_hundred_runs_at_once_get_two_hundred_folders(tmp_path):
    with ThreadPoolExecutor(50) as pool:
        folders = list(pool.map(lambda _: ids.make_folder(tmp_path, "same"), range(200)))
    assert len(set(folders)) == 200
    assert all(folder.is_dir() for folder in folders)


def test_a_name_that_is_taken_is_drawn_again(tmp_path, monkeypatch):
    drawn = iter(["aaaaaa", "aaaaaa", "aaaaaa", "bbbbbb"])
    monkeypatch.setattr(ids.secrets, "token_hex", lambda _: next(drawn))

    class Stopped(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 21, 10, 0, 0, tzinfo=tz)

    monkeypatch.setattr(ids, "datetime", Stopped)
    assert ids.make_folder(tmp_path, "x").name == "20261121-100000-x-aaaaaa"
    assert ids.make_folder(tmp_path, "x").name == "20261121-100000-x-bbbbbb"


def test_a_place_that_cannot_hold_runs_says_how_to_choose_another(tmp_path):
    (tmp_path / "runs").write_text("a file", encoding="utf-8")
    with pytest.raises(WorkError, match="PROJECTKIT_RUNS"):
        ids.make_folder(tmp_path / "runs", "x")


def test_a_folder_named_by_hand_has_no_time():
    assert ids.created("my-run") is None
    assert ids.created("20269999-999999-x-abcdef") is None
