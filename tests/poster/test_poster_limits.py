"""What a hostile or broken file may do to a build: one line, and nothing else."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from projectkit.errors import UserError, WorkError
from projectkit.poster import build_poster
from projectkit.poster.typesetting import worker
from projectkit.poster.typesetting.worker import TypesettingError, Worker

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10">'
LOOP = "#let a = range(2000)\n#for x in a { for y in a { for z in a { if x + y + z == -1 [never] } } }\n"


def png(width: int, height: int) -> bytes:
    """A PNG of one colour: some kilobytes, however many pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = zlib.compress(bytes((width + 7) // 8 + 1) * height, 9)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def stage(tmp_path):
    """A function that writes a document and asks a worker for its pixels."""

    def ask(worker: Worker, document: str, *, ppi: float = 36, **files: bytes) -> bytes:
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_bytes(content)
        (tmp_path / "main.typ").write_text(document, encoding="utf-8")
        out = tmp_path / "out"
        worker.ask("png", tmp_path.resolve(), (), system=False, main="main.typ", out=str(out), ppi=ppi)
        return out.read_bytes()

    return ask


def test_what_takes_too_long_is_ended_and_the_next_poster_is_typeset(stage):
    with Worker(limit_s=1) as worker:
        with pytest.raises(WorkError, match="longer than 1 s"):
            stage(worker, LOOP)
        assert stage(worker, "text").startswith(b"\x89PNG")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of processor time")
def test_a_task_that_loops_ends_by_itself_where_nobody_is_left_to_end_it(tmp_path):
    (tmp_path / "main.typ").write_text(LOOP, encoding="utf-8")
    stage = str(tmp_path.resolve())
    task = {"do": "png", "main": "main.typ", "stage": stage, "fonts": [], "system": False, "inputs": {}, "ppi": 36}
    program = Path(worker.__file__).with_name("worker_main.py")
    done = subprocess.run(
        [sys.executable, "-P", str(program), str(2**32), "1"],
        input=json.dumps(task | {"out": f"{stage}/out"}) + "\n",
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == -signal.SIGXCPU


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")
def test_what_takes_too_much_memory_is_ended_and_the_next_poster_is_typeset(stage):
    with Worker(limit_bytes=700 * 1024**2) as worker:
        with pytest.raises(WorkError, match="memory"):
            stage(worker, "#set page(width: 100cm, height: 100cm)\ntext", ppi=600)
        assert stage(worker, "text").startswith(b"\x89PNG")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")
def test_a_machine_that_gives_less_memory_than_the_limit_typesets_in_that(tmp_path):
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2 * 1024**3, 2 * 1024**3))\n"
        "from pathlib import Path; from projectkit.poster.typesetting.worker import Worker; here = Path.cwd()\n"
        "(here / 'main.typ').write_text('text', encoding='utf-8')\n"
        "with Worker() as worker: worker.ask('png', here, (), system=False, main='main.typ', out=str(here / 'out'), ppi=36)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=120)
    assert (tmp_path / "out").read_bytes().startswith(b"\x89PNG")


def test_a_picture_that_overflows_the_typesetters_stack_ends_its_process_at_most(stage):
    deep = SVG + "<g>" * 100_000 + "</g>" * 100_000 + "</svg>"
    with Worker() as worker:
        with pytest.raises(
            (WorkError, TypesettingError), match=r"a fault of the typesetter|limit"
        ):  # Typst 0.15.2 counts nodes
            stage(worker, '#image("deep.svg")', deep_svg=deep.encode())
        assert stage(worker, "text").startswith(b"\x89PNG")


def test_a_document_reaches_no_file_outside_its_stage_and_no_package(stage):
    with Worker() as worker:
        with pytest.raises(TypesettingError):
            stage(worker, '#read("/etc/hostname")')
        with pytest.raises(TypesettingError):
            stage(worker, '#read("../outside")')
        with pytest.raises((TypesettingError, WorkError)):
            stage(worker, '#import "@preview/example:0.1.0": *')


def test_a_process_that_is_gone_is_started_again(stage):
    with Worker() as worker:
        assert stage(worker, "text")
        worker.end()
        assert stage(worker, "text")


def test_a_picture_that_meets_a_limit_is_named(team, write_poster, monkeypatch):
    from projectkit.poster.typesetting import pictures

    monkeypatch.setattr(pictures, "_DEEPEST", 10**6)  # as if nothing looked at it before
    folder = write_poster("# A\n\ntext\n\n![A box](a.svg)\n\n![A bomb](deep.svg)\n")
    (folder / "a.svg").write_text(SVG + "</svg>", encoding="utf-8")
    (folder / "deep.svg").write_text(SVG + "<g>" * 100_000 + "</g>" * 100_000 + "</svg>", encoding="utf-8")
    with pytest.raises(UserError, match=r"10-found\.md:7: the picture deep\.svg cannot be decoded"):
        build_poster(folder, team)


ENTITIES = '<!DOCTYPE svg [<!ENTITY a "{}"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
BOMBS = {
    "pixels.png": (png(60_000, 60_000), "too many pixels"),
    "large.png": (png(9_000, 9_000), "9000 x 9000 pixels"),
    "entities.svg": (ENTITIES.format("aaaaaaaaaa") + SVG + "<text>&b;</text></svg>", "declares the entity b"),
    "outside.svg": (
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + SVG + "<text>&a;</text></svg>",
        "entity a",
    ),
    "shows.svg": (SVG + '<image href="file:///etc/passwd"/></svg>', "shows another file"),
    "fetches.svg": (SVG + '<image xlink:href="https://example.org/a.png"/></svg>', "shows another file"),
    "deep.svg": (SVG + "<g>" * 1000 + "</g>" * 1000 + "</svg>", "nests them too deeply"),
    "many.svg": (SVG + "<g/>" * 250_000 + "</svg>", "too many elements"),
    "packed.svg": (b"\x1f\x8b" + zlib.compress(b"x" * 1000), "cannot be decoded"),
    "uses.svg": (
        f'{SVG}<defs><g id="a0"><rect width="2" height="1"/></g>'
        + "".join(f'<g id="a{n}">' + f'<use href="#a{n - 1}"/>' * 10 + "</g>" for n in range(1, 9))
        + '</defs><use href="#a8"/></svg>',
        "cannot be decoded",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_one_line_with_its_place(team, write_poster, name):
    content, words = BOMBS[name]
    folder = write_poster(f"# A\n\ntext\n\n![A bomb]({name})\n")
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as error:
        build_poster(folder, team)
    message = str(error.value)
    assert message.startswith("poster/sections/10-found.md:5: ")
    assert words in message
    assert "\n" not in message
    assert not (folder / "build").exists()


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">',
        '<!DOCTYPE svg [<!ENTITY ns_svg "http://www.w3.org/2000/svg">]>',
        '<?xml version="1.0" encoding="UTF-8"?>',
    ],
)
def test_what_drawing_programs_write_is_drawn(team, write_poster, head):
    folder = write_poster("# A\n\n![A box](a.svg)\n")
    data = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
    Path(folder / "a.svg").write_text(
        f'{head}{SVG}<rect width="9" height="9"/><image href="{data}" width="3" height="3"/></svg>', encoding="utf-8"
    )
    assert build_poster(folder, team).pdf.is_file()
