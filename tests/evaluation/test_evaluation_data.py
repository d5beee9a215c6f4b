"""A run is measured on the data that it was trained on, read in the same way, or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from projectkit.errors import UserError
from projectkit.evaluation import Options, evaluate
from projectkit.training import train

QUICK = Options(attribute=0, cost=False)

FLOWS = "seconds,bytes,protocol,attack\n" + "".join(
    f"{n / 7:.3f},{n * 37 % 1000},{('tcp', 'udp')[n % 3 == 0]},{('benign', 'scan')[n % 5 < 2]}\n" for n in range(120)
)
CARD = {
    "format": "csv",
    "files": [{"name": "flows.csv", "size": len(FLOWS), "sha256": hashlib.sha256(FLOWS.encode()).hexdigest()}],
    "label": "attack",
    "classes": ["benign", "scan"],
    "numeric": ["seconds", "bytes"],
    "categorical": ["protocol"],
}


def publish(folder: Path, **changes: Any) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "flows.csv").write_text(FLOWS, encoding="utf-8", newline="")
    (folder / "flows.yaml").write_text(json.dumps(CARD | changes), encoding="utf-8")  # JSON is YAML


@pytest.mark.parametrize("changes", [{"classes": ["scan", "benign"]}, {"numeric": ["bytes", "seconds"]}])
def test_the_same_rows_of_the_same_files_read_in_another_way_are_refused(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    monkeypatch.setenv("PROJECTKIT_CARDS", str(tmp_path / "course"))
    monkeypatch.setenv("PROJECTKIT_STORE", str(tmp_path / "store"))
    publish(tmp_path / "course")
    run = train(config, ["data.name=flows", "trainer.max_epochs=1"])
    publish(tmp_path / "course", title="Flows of our lab", traps=["They are made up."])
    assert evaluate(run, options=QUICK).document["n"] == run.part("data")["samples"]["val"]
    publish(tmp_path / "course", **changes)
    with pytest.raises(
        UserError, match=r"the samples of 'flows' have the digest \w+, not \w+, which the run was trained"
    ):
        evaluate(run, options=QUICK)
