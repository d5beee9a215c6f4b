"""From answers to a team's repository, and the state of this machine.

| file | holds |
|---|---|
| answers.py | what each answer may be |
| names.py | names that a project cannot take |
| new.py | `questions`, `create_project`: the template through cookiecutter |
| finish.py | what is done after rendering: pruning, the library's wheel, the poster, the record, the first commit |
| subjects.py | the subjects that a course proposes |
| wheel.py | the library as a wheel, from a checkout or from an installation |
| git.py | what the scaffold asks git |
| doctor.py, places.py | `examine`: this machine; the folders that a project needs |
| demo.py | the whole life of a project in one command |

The template's extension and hook import answers.py and finish.py in a Python that may have nothing else installed, so this file
imports nothing before it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from projectkit.scaffold.answers import check_answer as check_answer
    from projectkit.scaffold.doctor import examine as examine
    from projectkit.scaffold.finish import poster_fields as poster_fields
    from projectkit.scaffold.new import Question as Question
    from projectkit.scaffold.new import create_project as create_project
    from projectkit.scaffold.new import questions as questions
    from projectkit.scaffold.new import recorded_answers as recorded_answers
    from projectkit.scaffold.subjects import Subject as Subject
    from projectkit.scaffold.subjects import find_subject as find_subject
    from projectkit.scaffold.subjects import list_subjects as list_subjects

_HOMES = {
    "check_answer": "projectkit.scaffold.answers",
    "create_project": "projectkit.scaffold.new",
    "examine": "projectkit.scaffold.doctor",
    "poster_fields": "projectkit.scaffold.finish",
    "Question": "projectkit.scaffold.new",
    "questions": "projectkit.scaffold.new",
    "recorded_answers": "projectkit.scaffold.new",
    "Subject": "projectkit.scaffold.subjects",
    "find_subject": "projectkit.scaffold.subjects",
    "list_subjects": "projectkit.scaffold.subjects",
}

__all__ = [
    "Question",
    "Subject",
    "check_answer",
    "create_project",
    "examine",
    "find_subject",
    "list_subjects",
    "poster_fields",
    "questions",
    "recorded_answers",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'projectkit.scaffold' has no attribute {name!r}")
