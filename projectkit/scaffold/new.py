"""`projectkit new`: the template's questions, and a repository from their answers.

The same template that `cookiecutter` renders, through cookiecutter's own code, but the answers are checked before it sees them:
it would run Jinja in an answer. Nothing is read from or written to the user's home folder.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from projectkit.errors import UserError, WorkError
from projectkit.scaffold.answers import check, check_answer, check_key
from projectkit.scaffold.finish import Generation, finish

if TYPE_CHECKING:
    from projectkit.scaffold.subjects import Subject


@dataclass(frozen=True)
class Question:
    """One question of the template.

    Args:
        key: the variable's name.
        prompt: the question in words.
        default: what is proposed; follows from the answers that were given so far.
        choices: the possible answers, empty where any text is one.
    """

    key: str
    prompt: str
    default: str
    choices: tuple[str, ...] = ()


def template_folder() -> Path:
    """The template that belongs to this library, in an installed wheel or in a checkout.

    Raises:
        WorkError: the installation lacks it.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "template", here.parents[1] / "template"):
        if (folder / "cookiecutter.json").is_file():
            return folder
    raise WorkError(
        "the installation lacks its template", where=str(here), remedy="install dl-projectkit again with pip"
    )


def questions(answers: Mapping[str, str] | None = None) -> list[Question]:
    """The template's questions in their order.

    Args:
        answers: what is answered already; the defaults of later questions follow from it. A command asks one question after
            another by calling this again with what it has.

    Raises:
        UserError: one of the answers is not usable.
    """
    given = dict(answers or {})
    for key, value in given.items():
        check_key(key)
        check_answer(key, value)
    from cookiecutter.generate import generate_context
    from cookiecutter.prompt import prompt_for_config

    template = template_folder()
    context = generate_context(str(template / "cookiecutter.json"), extra_context=given)
    raw = dict(context["cookiecutter"])
    with _extensions_of(template):
        defaults = prompt_for_config(context, no_input=True)
    return [
        Question(
            key=key,
            prompt=raw["__prompts__"][key],
            default=defaults[key],
            choices=tuple(raw[key]) if isinstance(raw[key], list) else (),
        )
        for key in raw
        if not key.startswith("_")
    ]


def create_project(
    answers: Mapping[str, str],
    output: Path,
    *,
    subject: Subject | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Generate a team's repository.

    Args:
        answers: by the names of `questions()`; what is absent takes its default.
        output: the folder that the repository's folder is made in.
        subject: one of the course's, whose answers are taken where none is given, and whose data the config starts with.
        say: is told what could not be done and how to make up for it, one line each, such as a commit without git.

    Returns:
        The repository's folder. It has a first commit where git is installed.

    Raises:
        UserError: an answer is not usable, or the folder exists already. Nothing is left behind.
        WorkError: the library's wheel could not be built, or the folder cannot be written. Nothing is left behind.
    """
    proposed = {**subject.answers(), **answers} if subject else answers
    private = subject.variables() if subject else {}
    given = {question.key: question.default for question in questions(proposed)}
    check(given)
    output = Path(output).resolve()
    project = output / given["project_slug"]
    if project.exists():
        raise UserError(
            "this folder exists already", where=str(project), remedy="give another project_slug, or go elsewhere"
        )
    template = template_folder()
    made = [folder for folder in (output, *output.parents) if not folder.exists()]
    try:
        _render(template, {**given, **private}, output)
        notes = finish(project, Generation(given, str(template), template, Path.cwd(), private))
    except BaseException as error:  # Ctrl-C too leaves nothing behind
        shutil.rmtree(project, ignore_errors=True)
        for folder in made:
            with suppress(OSError):  # never made, or somebody else uses it by now
                folder.rmdir()
        if isinstance(error, OSError):
            raise _unwritable(output, error) from error
        raise
    if say is not None:
        for note in notes:
            say(note)
    return project


def _unwritable(folder: Path, error: OSError) -> WorkError:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error  # cookiecutter's own says no reason
    return WorkError(
        f"the repository cannot be made here: {cause.strerror or cause}",
        where=str(folder),
        remedy="free some space, or choose a folder that you may write with -o FOLDER",
    )


def recorded_answers(project: Path) -> dict[str, str]:
    """The answers that a repository was generated from; empty where it was not, or where their record cannot be read."""
    try:
        document = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
        answers = document["context"]["cookiecutter"]
        check({key: value for key, value in answers.items() if not key.startswith("_")})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UserError):
        return {}
    return dict(answers)


def _render(template: Path, answers: Mapping[str, str], output: Path) -> None:
    from cookiecutter.main import cookiecutter

    with tempfile.TemporaryDirectory() as folder, _extensions_of(template):
        cookiecutter(
            str(template),
            no_input=True,
            extra_context=dict(answers),
            output_dir=str(output),
            # its records of past renderings would go to the home folder, and defaults would come from there
            default_config={"replay_dir": folder, "cookiecutters_dir": folder},
            accept_hooks=False,  # `create_project` does their work itself, with errors in place of an exit status
        )


@contextmanager
def _extensions_of(template: Path) -> Iterator[None]:
    """Let cookiecutter import the template's `local_extensions`, and not one that another template left loaded."""
    before = list(sys.path)
    sys.path.insert(0, str(template))
    sys.modules.pop("local_extensions", None)
    try:
        yield
    finally:
        sys.path[:] = before
        sys.modules.pop("local_extensions", None)
