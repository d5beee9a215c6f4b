"""`make bench`: how fast a poster is built, and in how much memory, beside LaTeX and a browser, as a section of RESULTS.md.

All get the same words and the same figures. Ours draws its figures anew at their final size and lays the page out by itself; to LaTeX and
the browser they are given ready, with the layout written by hand.
"""

from __future__ import annotations

import html
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pairs import Comparison, compare, table
from results import markdown_table, measured_on, write_section

from projectkit import figures
from projectkit.poster.render import rendered
from projectkit.poster.typesetting.warm import Warm
from projectkit.poster.watch.view import View, look
from projectkit.project import Project
from projectkit.runs import RunWriter

ROUNDS = 11
CLASSES = ["ham", "spam", "smishing"]
CONFUSION = [[930, 12, 3], [9, 160, 22], [2, 31, 58]]
WORDS = (
    "Runs of consonants, a fixed length, and digits where people put none survive any choice of domain, and a small "
    "network that reads letters finds them. "
)
HEADINGS = (
    "Who loses what when a domain is made up",
    "Two years of names, split by family",
    "A network that reads letters",
    "Nine of ten are found, with few false alarms",
    "What remains",
)
TEXT = {heading: [WORDS * 2, WORDS] for heading in HEADINGS}  # some 400 words
CHROMIUM = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
LATEX = shutil.which("pdflatex")

ALONE = """
import sys; from pathlib import Path
from projectkit.poster.render import rendered; from projectkit.project import Project
root = Path(sys.argv[1])
with rendered(root / "poster", Project(root=root)) as found: (root / "alone.pdf").write_bytes(found.pdf)
"""
IMPORTS = "import projectkit.poster.build, matplotlib.figure, matplotlib.backends.backend_svg"


def team(root: Path) -> Project:
    """A project with a trained and evaluated run, and an A0 poster of five sections, a table, large numbers and two figures."""
    (root / "pyproject.toml").write_text("[tool.projectkit]\n", encoding="utf-8")
    writer = RunWriter.create(root / "runs", "charcnn", kind="train", config_yaml="name: charcnn\n")
    for step in range(0, 2000, 20):
        writer.log(step, step // 200, {"train/loss": 2.0 / (1 + step / 90), "val/loss": 2.2 / (1 + step / 110)})
    interval = {"low": 0.81, "high": 0.86, "method": "bca"}
    metrics = {"f1_macro": {"value": 0.834, **interval}, "accuracy": {"value": 0.935, "low": 0.92, "high": 0.95}}
    writer.write_evaluation("val", {"n": 1227, "class_names": CLASSES, "metrics": metrics, "confusion": CONFUSION})
    writer.finish("finished")
    sections = root / "poster" / "sections"
    sections.mkdir(parents=True)
    head = 'title: "Half of the domains are made up"\nauthors: [Ada Lovelace, Alan Turing]\nsize: A0\n'
    (root / "poster" / "poster.yaml").write_text(head, encoding="utf-8")
    drawn = {
        2: ":::{curves}\nruns: [latest]\ncaption: Still falling\n:::",
        3: ":::{numbers}\nrun: latest\n:::\n\n:::{results}\nruns: [latest]\nmetrics: [f1_macro, accuracy]\n:::\n\n"
        ":::{figure}\nrun: latest\nname: confusion\n:::",
    }
    for index, (heading, paragraphs) in enumerate(TEXT.items()):
        parts = [f"# {heading}", *paragraphs, *([drawn[index]] if index in drawn else [])]
        (sections / f"{index}0-part.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return Project(root=root)


def command(*words: str | Path, folder: Path) -> Callable[[], float]:
    """A contender: seconds of wall clock of a command; what it prints is thrown away."""

    def once() -> float:
        began = time.perf_counter()
        subprocess.run(words, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - began

    return once


def warm_build(project: Project, warm: Warm) -> Callable[[], float]:
    """A contender: the PDF once more after a word was changed, in a process that has built it before."""
    return edited(project, lambda: pdf_of(project, warm))


def pdf_of(project: Project, warm: Warm) -> None:
    """Lay the poster out and make its PDF."""
    with rendered(project.root / "poster", project, warm) as found:
        assert found.pdf


def warm_view(project: Project, warm: Warm) -> Callable[[], float]:
    """A contender: what `poster watch` shows first after a word was changed."""

    def again() -> None:
        warm.rough = True
        view = look(project.root / "poster", project, warm, View())
        assert not view.problem, view.problem

    return edited(project, again)


def edited(project: Project, work: Callable[[], None]) -> Callable[[], float]:
    """Seconds of the work after one word of the first section was changed."""
    file = project.root / "poster" / "sections" / "00-part.md"
    text = file.read_text(encoding="utf-8")
    count = 0

    def once() -> float:
        nonlocal count
        count += 1
        file.write_text(f"{text}\nEdit {count}.\n", encoding="utf-8")
        began = time.perf_counter()
        work()
        seconds = time.perf_counter() - began
        file.write_text(text, encoding="utf-8")
        return seconds

    return once


def in_the_browser(folder: Path) -> list[str]:
    """The same poster as HTML, and the command that prints it."""
    size = {"size_mm": (240.0, 180.0), "font_pt": 24.0}
    (folder / "figure.svg").write_bytes(figures.svg_bytes(figures.confusion_matrix(CONFUSION, CLASSES, **size)))
    blocks = "".join(
        f"<h2>{html.escape(heading)}</h2>" + "".join(f"<p>{html.escape(text)}</p>" for text in paragraphs)
        for heading, paragraphs in TEXT.items()
    )
    style = "@page{size:841mm 1189mm;margin:40mm} body{font:36pt sans-serif} main{columns:2} h1{font-size:110pt}"
    pictures = '<img src="figure.svg" style="width:100%">' * 2
    body = f"<h1>Half of the domains are made up</h1><main>{blocks}{pictures}</main>"
    page = f"<!doctype html><meta charset=utf-8><style>{style}</style>{body}"
    (folder / "poster.html").write_text(page, encoding="utf-8")
    flags = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-pdf-header-footer",
        f"--user-data-dir={folder / 'profile'}",
    ]
    return [str(CHROMIUM), *flags, f"--print-to-pdf={folder / 'browser.pdf'}", (folder / "poster.html").as_uri()]


def in_latex(folder: Path) -> list[str]:
    """The same poster with tikzposter, and the command that typesets it."""
    figure = figures.confusion_matrix(CONFUSION, CLASSES, size_mm=(240.0, 180.0), font_pt=24.0)
    figure.savefig(folder / "figure.pdf")
    blocks = [rf"\block{{{heading}}}{{{' '.join(paragraphs)}}}" for heading, paragraphs in TEXT.items()]
    picture = r"\block{Figure}{\includegraphics[width=\linewidth]{figure.pdf}}"
    lines = [
        r"\documentclass[25pt,a0paper,portrait]{tikzposter}",
        r"\title{Half of the domains are made up}\author{Ada Lovelace, Alan Turing}\institute{}",
        r"\begin{document}\maketitle\begin{columns}\column{0.5}",
        *(*blocks[:3], picture, r"\column{0.5}", *blocks[3:], picture),
        r"\end{columns}\end{document}",
    ]
    (folder / "poster.tex").write_text("\n".join(lines), encoding="utf-8")
    return [str(LATEX), "-interaction=batchmode", "-halt-on-error", "poster.tex"]


def has_tikzposter() -> bool:
    """Whether LaTeX has the class."""
    finder = shutil.which("kpsewhich")
    return bool(
        LATEX and finder and subprocess.run([finder, "tikzposter.cls"], capture_output=True, check=False).stdout
    )


def largest_mib(words: list[str], folder: Path) -> float:
    """Memory of the largest process of a command, in MiB; Linux and macOS."""
    reader = f"import resource, subprocess; subprocess.run({words!r}, check=True, capture_output=True); "
    reader += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", reader], cwd=folder, capture_output=True, text=True, check=True)
    return int(done.stdout) / (1024 if sys.platform == "linux" else 1024**2)


def main() -> int:
    """Measure and write; 1 where the machine was too noisy for the result to mean anything."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        project = team(folder)
        commands = {
            "`projectkit poster build`: seven files": [sys.executable, "-m", "projectkit", "poster", "build"],
            "the PDF alone, in a new process": [sys.executable, "-c", ALONE, str(folder)],
            "a new process that imports the same": [sys.executable, "-c", IMPORTS],
        }
        if CHROMIUM:
            commands["Chromium, headless, from HTML"] = in_the_browser(folder)
        if has_tikzposter():
            commands["pdflatex with tikzposter, one run"] = in_latex(folder)
        measured = measure(project, commands)
        memory = {name: largest_mib(words, folder) for name, words in commands.items()} if os.name == "posix" else {}
    print(report(measured, memory))
    if measured.void:
        print(
            f"void: the same command twice gave a ratio of {measured.rows[1].ratio:.2f}; measure again on a quieter machine"
        )
        return 1
    return 0


def measure(project: Project, commands: dict[str, list[str]]) -> Comparison:
    """All contenders in turn."""
    contenders = {name: command(*words, folder=project.root) for name, words in commands.items()}
    with (exact := Warm()).worker, (rough := Warm()).worker:
        contenders["the PDF again, a word changed, warm"] = warm_build(project, exact)
        contenders["what `poster watch` shows first of that"] = warm_view(project, rough)
        return compare(contenders, ROUNDS)


def report(measured: Comparison, memory: dict[str, float]) -> str:
    """The section, written."""
    peaks = markdown_table(("command", "largest process, MiB"), [(name, f"{mib:.0f}") for name, mib in memory.items()])
    absent = [
        name for name, there in (("Chromium", CHROMIUM), ("LaTeX with tikzposter", has_tikzposter())) if not there
    ]
    missing = f" Not installed here: {', '.join(absent)}." if absent else ""
    return write_section(
        "A poster",
        "An A0 poster of 400 words with a table, large numbers and two figures, from a run to its files. The aims are 1.5 s for the PDF in "
        "a new process beyond its imports, 0.3 s for a PDF that is made again, 0.5 s until `poster watch` shows a change, 300 MiB. LaTeX "
        f"and the browser are given their figures ready and leave the layout to their author.{missing} Medians over rounds in which all "
        "contenders took turns; ratios are to the first row, within a round.\n\n"
        f"{measured_on()}, {ROUNDS} rounds.\n\n{table(measured)}\n\n{peaks}",
    )


if __name__ == "__main__":
    sys.exit(main())
