from __future__ import annotations

import shutil

import pytest

from projectkit.runs import find_run, keep_run
from projectkit.runs.advice import ENDINGS, ending, next_step
from projectkit.runs.find import find_tolerant


@pytest.mark.parametrize("reason", sorted(ENDINGS))
@pytest.mark.parametrize("resumable", [True, False])
def test_every_end_has_words_and_a_next_step_that_can_be_typed(make_run, project, reason, resumable):
    writer = make_run(status="running")
    writer.finish("interrupted" if reason == "signal" else "failed", reason)
    if resumable:
        (writer.checkpoints / "last.ckpt").write_bytes(b"x")
    run = find_run(writer.id, project)
    assert ending(run) == ENDINGS[reason]
    step = next_step(run)
    same_again = reason in ("oom", "nan", "input", "error")  # what ended it would end it again
    words = "go on" if resumable else "begin again"
    assert (f"{words} with `projectkit train --resume {run.id}`" in step) == (not same_again)
    assert ("train again" in step) == same_again


def test_what_failed_for_a_mendable_reason_says_first_what_to_mend(make_run, project):
    for reason, words in (
        ("disk", "free some space"),
        ("nan", "lower optimizer.init_args.lr"),
        ("oom", "halve data.batch_size"),
    ):
        writer = make_run(reason, status="running")
        writer.finish("failed", reason)
        assert next_step(find_run(writer.id, project)).startswith(words)


def test_a_finished_run_is_evaluated_then_kept_and_then_nothing_is_left_to_do(make_run, project):
    writer = make_run()
    assert "projectkit evaluate" in next_step(find_run(writer.id, project))
    writer.write_evaluation("val", {"n": 1, "metrics": {}})
    run = find_run(writer.id, project)
    assert "projectkit runs keep" in next_step(run)
    keep_run(run, project)
    run = find_run(writer.id, project)
    assert (ending(run), next_step(run)) == (None, None)


def test_a_partner_s_kept_run_is_not_to_be_evaluated_where_its_weights_are_not(make_run, project):
    writer = make_run()
    keep_run(find_run(writer.id, project), project)
    shutil.rmtree(writer.path)
    assert next_step(find_run(writer.id, project)) is None


def test_a_run_that_goes_on_has_not_ended(make_run, project):
    writer = make_run(status="running")
    run = find_run(writer.id, project)
    assert ending(run) is None
    assert next_step(run).startswith("wait")
    writer.finish("finished")


def test_a_run_that_cannot_be_read_says_what_to_restore(make_run, project):
    writer = make_run()
    (writer.path / "events.jsonl").unlink()
    (writer.path / "run.json").write_bytes(b"{")
    run = find_tolerant(writer.id, project)
    assert ending(run) is None
    assert "restore run.json" in next_step(run)
