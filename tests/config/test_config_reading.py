"""YAML 1.2 to plain values, with places."""

from __future__ import annotations

import pytest

from projectkit.config import read_yaml
from projectkit.errors import UserError


@pytest.fixture
def yaml_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text: str | bytes, name: str = "c.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    return write


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("1:20:00", "1:20:00"),
        ("2026-11-21", "2026-11-21"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("=", "="),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1e-3", 1e-3),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("-2.", -2.0),
        ("+7", 7),
        ("017", 17),
        ("0o17", 15),
        ("0xff", 255),
        ("'1'", "1"),
        ('"nan"', "nan"),
        ('"\\u00e9"', "é"),
        ("C:\\data", "C:\\data"),
        ("a#b", "a#b"),
        ("[1, a, null]", [1, "a", None]),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
        ("{1: a}", {1: "a"}),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_2_says(yaml_file, text, value):
    data, _ = read_yaml(yaml_file(f"k: {text}\n"))
    assert data["k"] == value
    assert type(data["k"]) is type(value)


def test_every_key_has_its_line_and_column(yaml_file):
    _, places = read_yaml(yaml_file("a: 1\nb:\n  - x: 1\n  - {y: 2}\n"))
    assert places.of("a") == "c.yaml:1:1, a"
    assert places.of("b.0.x") == "c.yaml:3:5, b.0.x"
    assert places.of("b.1.y") == "c.yaml:4:6, b.1.y"


def test_a_key_that_was_not_written_has_the_place_of_its_nearest_parent(yaml_file):
    _, places = read_yaml(yaml_file("a:\n  b: 1\n"))
    assert places.of("a.c.d") == "c.yaml:1:1, a.c.d"
    assert places.of("z") == "c.yaml, z"


def test_a_byte_order_mark_and_windows_line_ends_are_read(yaml_file):
    data, places = read_yaml(yaml_file(b"\xef\xbb\xbfa: 1\r\nb: off\r\n"))
    assert data == {"a": 1, "b": "off"}
    assert places.of("b") == "c.yaml:2:1, b"


def test_an_alias_is_a_copy_of_its_anchor(yaml_file):
    data, _ = read_yaml(yaml_file("a: &x {k: [1]}\nb: *x\n"))
    assert data["b"] == data["a"]
    assert data["b"] is not data["a"]
    assert data["b"]["k"] is not data["a"]["k"]


def test_a_directive_for_yaml_1_1_does_not_bring_back_its_booleans(yaml_file):
    assert read_yaml(yaml_file("%YAML 1.1\n---\na: no\n"))[0] == {"a": "no"}


def test_an_empty_file_is_none(yaml_file):
    assert read_yaml(yaml_file("# nothing\n"))[0] is None


BROKEN = {
    "duplicate": ("a: 1\nb: 2\na: 3\n", ["c.yaml:3:1", "given twice", "c.yaml:1:1", "keep one"]),
    "nested duplicate": ("m: {lr: 1, lr: 2}\n", ["c.yaml:1:12, m.lr", "given twice"]),
    "tag": ("a: !!python/object:os.system {}\n", ["c.yaml:1:4, a", "!!python/object:os.system", "class_path"]),
    "own tag": ("a: !env X\n", ["c.yaml:1:4, a", "!env"]),
    "tag on a scalar": ("a: !!float 1\n", ["!!float"]),
    "merge key": ("d: &d {a: 1}\ne:\n  <<: *d\n", ["c.yaml:3:3, e", "merge keys"]),
    "unknown alias": ("a: *nope\n", ["c.yaml:1:4, a", "*nope", "&nope"]),
    "alias of itself": ("a: &x [*x]\n", ["c.yaml:1:8, a.0", "*x"]),
    "nan": ("a:\n  lr: .nan\n", ["c.yaml:2:7, a.lr", "not a finite number"]),
    "nan in a list": ("a: [1, NaN]\n", ["c.yaml:1:8, a.1", "NaN", "not a finite number"]),
    "infinity": ("a: -.inf\n", ["c.yaml:1:4, a", "not a finite number"]),
    "infinity in words": ("a: inf\n", ["a: inf is not a finite number", '"inf" in quotes']),
    "overflow": ("a: 1e999\n", ["c.yaml:1:4, a", "1e999", "not a finite number"]),
    "tab": ("a:\n\tb: 2\n", ["c.yaml:2:1", "spaces"]),
    "colon in a value": ("a: b: c\n", ["c.yaml:1:5", "quotes"]),
    "open bracket": ("a: [1, 2\n", ["c.yaml:2:1", "close the bracket"]),
    "open quote": ("a: 'x\n", ["c.yaml:2:1", "close the quote"]),
    "at sign": ("a: @b\n", ["c.yaml:1:4", "quotes"]),
    "percent": ("a: %b\n", ["c.yaml:1:4", "quotes"]),
    "indentation": ("a:\n  b: 1\n c: 2\n", ["c.yaml:3:2", "indentation"]),
    "list and mapping": ("- 1\nb: 2\n", ["c.yaml:2:1", "indentation"]),
    "no space after the colon": ("a: 1\nbcd:2\ne: 3\n", ["c.yaml:", "space after the colon"]),
    "two documents": ("a: 1\n---\nb: 2\n", ["c.yaml:2:1", "second document"]),
    "null key": ("~: 1\n", ["c.yaml:1:1", "is not text"]),
    "list as key": ("? [1]\n: 2\n", ["c.yaml:1:3", "plain word"]),
    "control character": ("a: \x00b\n", ["c.yaml", "control character"]),
    "lone surrogate": ('a: "\\ud800"\n', ["c.yaml:1:4, a", "surrogate"]),
    "not utf-8": ("a: caf\xe9\n".encode("latin-1"), ["c.yaml", "not UTF-8", "byte 6"]),
    "utf-16": ("a: 1\n".encode("utf-16"), ["c.yaml", "not UTF-8"]),
    "a picture": (b"\x89PNG\r\n\x1a\n", ["c.yaml", "not UTF-8"]),
    "deep": ("a: " + "[" * 500 + "]" * 500, ["c.yaml:1:", "too many values"]),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_yaml_is_told_in_one_line_with_its_place(yaml_file, case):
    text, fragments = BROKEN[case]
    with pytest.raises(UserError) as caught:
        read_yaml(yaml_file(text))
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 250
    for fragment in fragments:
        assert fragment in message


def test_aliases_cannot_stand_for_billions_of_values(yaml_file):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(UserError, match="too many values"):
        read_yaml(yaml_file("\n".join(lines)))


def test_a_large_file_is_not_read(yaml_file):
    with pytest.raises(UserError, match="larger than a megabyte"):
        read_yaml(yaml_file("a: 1\n" * 300_000))


def test_a_missing_file_names_the_nearest_config(yaml_file, tmp_path):
    (tmp_path / "configs").mkdir()
    yaml_file("a: 1\n", "configs/train.yaml")
    yaml_file("a: 1\n", "configs/smoke.yaml")
    with pytest.raises(UserError, match=r"configs/trian\.yaml: no such config; did you mean configs/train\.yaml\?"):
        read_yaml("configs/trian.yaml")


def test_a_missing_file_elsewhere_lists_the_configs(yaml_file, tmp_path):
    (tmp_path / "configs").mkdir()
    yaml_file("a: 1\n", "configs/train.yaml")
    with pytest.raises(UserError, match=r"zzz: no such config; there are: configs/train\.yaml"):
        read_yaml("zzz")


def test_a_missing_file_in_an_empty_folder_says_how_to_make_a_project(yaml_file):
    with pytest.raises(UserError, match=r"configs/train\.yaml: no such config; .*projectkit new"):
        read_yaml("configs/train.yaml")


def test_a_folder_in_place_of_a_file_lists_what_is_in_it(yaml_file, tmp_path):
    (tmp_path / "configs").mkdir()
    yaml_file("a: 1\n", "configs/train.yaml")
    with pytest.raises(UserError, match=r"configs: a folder, not a config; there are: configs/train\.yaml"):
        read_yaml("configs")
