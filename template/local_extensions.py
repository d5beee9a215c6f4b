"""What the template's files use while they are rendered.

| name | in a template | gives |
|---|---|---|
| `checked_folder` | the name of the generated folder | the slug, after every answer was checked; a bad one ends the generation here, before any folder is made |
| `data_of` | config, README | the data set that the project starts with |
| `generation` | the hook | what `finish` needs to know, JSON-able |
| `quoted` | YAML, TOML, JSON, Python | the text as a double-quoted string of all four |
| `markdown` | Markdown | the text with its markup escaped |
| `members` | README, pyproject | the team's members, each with `name` and `mail` |
| `default_slug`, `default_package` | `cookiecutter.json` | what is proposed for an answer |

The rules themselves are in `projectkit/scaffold/answers.py` of the library that this template lies in.
"""

import json
import re
import sys
from pathlib import Path

from jinja2.ext import Extension

TEMPLATE = Path(__file__).resolve().parent
IN_CHECKOUT = (TEMPLATE.parent / "pyproject.toml").is_file()
LIBRARY_ROOT = TEMPLATE.parent if IN_CHECKOUT else TEMPLATE.parents[2]
STARTED_IN = Path.cwd()  # cookiecutter changes folders later, and relative paths in answers are relative to this one

sys.path.insert(0, str(LIBRARY_ROOT))  # this template's own library, not one of another version that may be installed
from projectkit.errors import UserError  # noqa: E402
from projectkit.scaffold import answers  # noqa: E402

sys.path.remove(str(LIBRARY_ROOT))

_DATA_OF = {"text-classification": "sms", "tabular-classification": "nsl_kdd", "image-classification": "fashion_mnist"}


class ProjectkitExtension(Extension):
    """Adds the names of the table above to the environment."""

    def __init__(self, environment):
        super().__init__(environment)
        # a line that holds nothing but a block tag leaves no empty line behind
        environment.trim_blocks = True
        environment.lstrip_blocks = True
        environment.globals.update(checked_folder=checked_folder, data_of=data_of, generation=generation)
        environment.filters.update(
            quoted=quoted,
            markdown=markdown,
            members=answers.parse_members,
            default_slug=answers.default_slug,
            default_package=answers.default_package,
        )


def checked_folder(cookiecutter):
    """The generated folder's name. Rendered first of all, so a refusal here leaves nothing behind."""
    try:
        answers.check(_public(cookiecutter))
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_status) from None
    return cookiecutter["project_slug"]


def data_of(cookiecutter):
    """The subject's data set, or the one that fits the task."""
    return cookiecutter["_data"] or _DATA_OF[cookiecutter["task"]]


def generation(cookiecutter):
    """The facts about this rendering."""
    return {
        "answers": _public(cookiecutter),
        "template": str(cookiecutter["_template"]),
        "folder": str(TEMPLATE),
        "started_in": str(STARTED_IN),
        "library_root": str(LIBRARY_ROOT),
    }


def quoted(text):
    """JSON's strings are strings of YAML 1.2, TOML and Python too, for text without control characters."""
    return json.dumps(text, ensure_ascii=False)


def markdown(text):
    """Backslashes before the characters that Markdown reads as markup."""
    return re.sub(r"([\\`*_\[\]<>#|~$])", r"\\\1", text)


def _public(cookiecutter):
    return {key: value for key, value in cookiecutter.items() if not key.startswith("_")}
