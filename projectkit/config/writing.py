"""A config in full, as plain containers and as YAML that reads back to the same."""

from __future__ import annotations

import io
import re
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from projectkit.config.reading import plain
from projectkit.config.schema import Config

_PLAIN_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*( [A-Za-z0-9_./+-]+)*")
_BOOLEANS_OF_YAML_1_1 = ("y", "n", "yes", "no", "on", "off")  # quoted, so that other people's readers see text as well
_OPENING = re.compile(r"(\\*)\$\{")


def config_to_dict(config: Config) -> dict[str, Any]:
    """The config as plain dictionaries and lists, in the order of the schema, defaults and nulls included."""
    return asdict(config)


def config_to_yaml(config: Config, sections: Collection[str] = ()) -> str:
    """The config in full, `auto` and null kept, as YAML 1.2; `load_config` reads it back to an equal config.

    Args:
        config: to be written.
        sections: the keys at the top that are written; empty: all. For runs to which the others mean nothing.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.nodes import ScalarNode
    from ruamel.yaml.representer import SafeRepresenter

    class Representer(SafeRepresenter):
        """Text in quotes wherever an unquoted form could mean something else."""

        def represent_str(self, data: str) -> ScalarNode:
            unquoted = _PLAIN_WORD.fullmatch(data) and plain(data) == data and data.lower() not in _BOOLEANS_OF_YAML_1_1
            return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if unquoted else '"')

        def represent_float(self, data: float) -> ScalarNode:
            return self.represent_scalar("tag:yaml.org,2002:float", repr(data))

        def ignore_aliases(self, data: Any) -> bool:
            return True

    Representer.add_representer(str, Representer.represent_str)
    Representer.add_representer(float, Representer.represent_float)
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment] # the stub knows only its default
    yaml.allow_unicode = True
    yaml.width = 2**20  # one value a line, however long
    stream = io.StringIO()
    chosen = {key: value for key, value in config_to_dict(config).items() if not sections or key in sections}
    yaml.dump(_escaped(chosen), stream)
    return stream.getvalue()


def _escaped(value: Any) -> Any:
    """Text that holds `${` after it was resolved means just that, and must not be resolved again."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return _OPENING.sub(lambda match: match[1] * 2 + "\\${", value) if isinstance(value, str) else value
