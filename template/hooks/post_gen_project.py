"""Hands the rendered files to the library. The answers arrive quoted for reading: none of them is ever part of this code."""

import json
import sys
from pathlib import Path
from urllib.parse import unquote

facts = json.loads(unquote("{{ generation(cookiecutter) | tojson | urlencode }}"))
sys.path.insert(0, facts["library_root"])

from projectkit.errors import ProjectkitError  # noqa: E402
from projectkit.scaffold.finish import Generation, finish  # noqa: E402

project = Path.cwd()
try:
    notes = finish(project, Generation(facts["answers"], facts["template"], Path(facts["folder"]), Path(facts["started_in"])))
except ProjectkitError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(error.exit_status)
for note in notes:
    sys.stderr.write(f"{note}\n")
sys.stdout.write(f"{project.name} is ready; its README.md says how to go on\n")
