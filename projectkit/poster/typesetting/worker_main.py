"""The program of a typesetting process: tasks come in, a line of JSON each, and answers go out; `worker.py` is its other end.

It imports Typst and the standard library, nothing else: it is there in 20 ms, and what it draws can reach nothing but the staging
folder that a task names. Its memory is limited where the system can do that (Linux); its time is limited by whoever asks,
its processor time by itself.

| task | answer |
|---|---|
| `measure` | the value of the metadata `<measured>` |
| `pdf`, `png`, `svg` | nothing; the file is at `out` |
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from typing import Any

import typst

_STANDARDS: list[Any] = ["a-2a", "ua-1"]  # archival and accessible; missing glyphs and alternative texts are errors
_kept: dict[str, Any] = {}  # the fonts of the last task


def main(memory_bytes: int, cpu_s: int) -> None:
    """Answer tasks until there are no more."""
    _limit(memory_bytes)
    for line in sys.stdin:
        _limit_task(cpu_s)
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


def _limit(memory_bytes: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks, which ends this one
    if sys.platform == "linux":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)  # of the machine: it can be made smaller only
        limit = memory_bytes if most == resource.RLIM_INFINITY else min(memory_bytes, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_task(cpu_s: int) -> None:
    """Processor time from now on: where whoever asks was ended in the middle, nobody else ends a task that loops."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        limit = int(used.ru_utime + used.ru_stime) + 1 + cpu_s
        resource.setrlimit(resource.RLIMIT_CPU, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))


def _answer(task: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": _TASKS[task["do"]](_compiler(task), task)}
    except typst.TypstError as error:
        return {"error": str(error), "diagnostic": error.diagnostic}
    except Exception as error:  # noqa: BLE001 -- whatever it is, the asking process says it
        return {"fault": f"{type(error).__name__}: {error}"}


def _compiler(task: dict[str, Any]) -> typst.Compiler:
    """A new one for each task, for a compiler that was asked something keeps the files it has read; what is slow is kept beside it."""
    stage, key = task["stage"], [task["fonts"], task["system"]]
    if _kept.get("key") != key:
        fonts = typst.Fonts(include_system_fonts=task["system"], font_paths=task["fonts"])
        _kept.update(key=key, fonts=fonts)
    return typst.Compiler(
        f"{stage}/{task['main']}",
        root=stage,
        font_paths=_kept["fonts"],
        package_path=stage,  # no package is ever looked for elsewhere, nor downloaded
        package_cache_path=stage,
    )


def _measure(compiler: typst.Compiler, task: dict[str, Any]) -> Any:
    try:
        return json.loads(compiler.query("<measured>", field="value", one=True))
    except RuntimeError:
        compiler.compile(format="svg", sys_inputs={})  # says the same with a place, which `query` leaves out
        raise


def _pdf(compiler: typst.Compiler, task: dict[str, Any]) -> None:
    _write(task, compiler.compile(format="pdf", timestamp=0, pdf_standards=_STANDARDS, sys_inputs=task["inputs"]))


def _png(compiler: typst.Compiler, task: dict[str, Any]) -> None:
    _write(task, compiler.compile(format="png", ppi=task["ppi"], sys_inputs=task["inputs"]))


def _svg(compiler: typst.Compiler, task: dict[str, Any]) -> None:
    _write(task, compiler.compile(format="svg", sys_inputs=task["inputs"]))


def _write(task: dict[str, Any], compiled: object) -> None:
    if not isinstance(compiled, bytes):
        raise ValueError("the poster came out on more than one page")
    with open(task["out"], "wb") as file:  # noqa: PTH123 -- a bare process: pathlib takes as long to import as json
        file.write(compiled)


_TASKS: dict[str, Callable[[typst.Compiler, dict[str, Any]], Any]] = {
    "measure": _measure,
    "pdf": _pdf,
    "png": _png,
    "svg": _svg,
}

if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
