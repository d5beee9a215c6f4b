"""Every config in configs/ loads: a misspelt key fails here, not after an hour in a queue."""

from pathlib import Path

import pytest
from projectkit.config import load_config

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))


def test_there_are_configs() -> None:
    assert CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_the_config_loads(path: Path) -> None:
    config = load_config(path).config
    assert config.model is not None
    assert config.trainer.max_epochs


def test_the_smoke_config_needs_no_download() -> None:
    config = load_config(CONFIGS[0].with_name("smoke.yaml")).config
    assert config.kind == "smoke"
    assert str(config.data.name).startswith("synthetic_")
