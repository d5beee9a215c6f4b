"""Classes by their path: accepted by what they are and where they come from, arguments checked, construction."""

from __future__ import annotations

import sys
import textwrap

import pytest
import pytorch_lightning as pl
import torch
import torchvision

from projectkit.config import ClassConfig, Places, check_arguments, construct, import_class
from projectkit.errors import UserError, WorkError

PLACES = Places(
    "c.yaml", {"optimizer.class_path": "c.yaml:3:5", "optimizer.init_args.lr": "c.yaml:4:9", "optimizer": "c.yaml:2:1"}
)
ALLOWED = ("torch", "torchvision", "pytorch_lightning", "team_a", "team_solo")
OPTIMIZER = (torch.optim.Optimizer,)
MODULE = (torch.nn.Module,)


def is_builder(value) -> bool:
    return getattr(value, "__module__", "").startswith("torchvision.models")


def chosen(path, *, accepts=OPTIMIZER, what="an optimizer", also=None, allowed=ALLOWED):
    return import_class(
        ClassConfig(path), "optimizer", accepts=accepts, what=what, also=also, allowed=allowed, places=PLACES
    )


def refusal(path, **kwargs) -> str:
    with pytest.raises(UserError) as caught:
        chosen(path, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 280
    assert message.startswith("c.yaml:3:5, optimizer.class_path: ")
    return message


@pytest.fixture
def team(tmp_path, monkeypatch):
    """Writes modules of the team's package and forgets them afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "team_a").mkdir()
    (tmp_path / "team_a" / "__init__.py").touch()

    def write(source: str, name: str = "team_a/model.py"):
        (tmp_path / name).write_text(textwrap.dedent(source), encoding="utf-8")

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] in ("team_a", "team_solo")]:
        del sys.modules[name]


def test_a_class_of_the_right_kind_and_package_is_given_back():
    assert chosen("torch.optim.AdamW") is torch.optim.AdamW
    assert chosen("torch.optim.adamw.AdamW") is torch.optim.AdamW
    assert chosen("pytorch_lightning.callbacks.EarlyStopping", accepts=(pl.Callback,)) is pl.callbacks.EarlyStopping


def test_a_function_that_builds_a_model_is_accepted_through_also():
    assert chosen("torchvision.models.resnet18", accepts=MODULE, also=is_builder) is torchvision.models.resnet18


@pytest.mark.parametrize(
    ("path", "fragments"),
    [
        ("torch.optim.Adamw", ["torch.optim has no class 'Adamw'", "did you mean torch.optim.AdamW?"]),
        ("torch.optim.adamw", ["torch.optim has no class 'adamw'", "did you mean torch.optim.AdamW?"]),
        ("torch.optim.lr_scheduler", ["torch.optim.lr_scheduler is a module, not a class"]),
        ("torch.optm.AdamW", ["torch has no module 'optm'", "did you mean torch.optim?"]),
        ("torch.optim.AdamW.Inner", ["torch.optim.AdamW is a class, not a module", "write torch.optim.AdamW"]),
        ("torch.optim.zzzz.AdamW", ["torch.optim has no module 'zzzz'"]),
        ("torch.nn.Linear", ["torch.nn.Linear is not an optimizer", "name an optimizer"]),
        ("torch.optim.lr_scheduler.StepLR", ["is not an optimizer"]),
        ("torch.manual_seed", ["torch.manual_seed is a function, not a class"]),
        ("torch.pi", ["torch.pi is 3.14", "not a class"]),
        ("torch.os.system", ["torch has no module 'os'"]),
        ("os.system", ["'os' are not accepted"]),
        ("builtins.eval", ["'builtins' are not accepted"]),
        ("subprocess.Popen", ["'subprocess' are not accepted", "[tool.projectkit]"]),
        ("torchh.optim.AdamW", ["'torchh' are not accepted", "did you mean torch?"]),
        ("torchmetrics_evil.X", ["are not accepted"]),
        ("AdamW", ["'AdamW' is not the path of a class", "torch.optim.AdamW"]),
        ("", ["is not the path of a class"]),
        ("torch.optim.", ["is not the path of a class"]),
        (".model.Net", ["is not the path of a class"]),
        ("torch.optim.AdamW()", ["is not the path of a class"]),
        ("torch/optim.py", ["is not the path of a class"]),
        ("x" * 500, ["is not the path of a class"]),
    ],
)
def test_a_path_that_is_not_accepted_names_the_nearest_right_one(path, fragments):
    message = refusal(path)
    for fragment in fragments:
        assert fragment in message


def test_nothing_of_a_package_that_is_not_allowed_is_imported(team):
    team("raise RuntimeError('imported')", "team_solo.py")
    assert "'team_solo' are not accepted" in refusal("team_solo.Net", allowed=("torch",))
    assert "team_solo" not in sys.modules


def test_a_package_whose_name_only_starts_like_an_allowed_one_is_refused():
    assert "'torch_evil' are not accepted" in refusal("torch_evil.AdamW", allowed=("torch",))


def test_a_teams_class_is_accepted_and_a_misspelt_one_gets_the_nearest(team):
    team("import torch\nclass CharLSTM(torch.nn.Module):\n    pass\n")
    assert chosen("team_a.model.CharLSTM", accepts=MODULE).__name__ == "CharLSTM"
    assert "did you mean team_a.model.CharLSTM?" in refusal("team_a.model.CharLstm", accepts=MODULE, what="a model")
    assert "did you mean team_a.model?" in refusal("team_a.models.CharLSTM", accepts=MODULE)


def test_a_module_in_place_of_its_class_gets_the_class_inside(team):
    team("import torch\nclass Model(torch.nn.Module):\n    pass\n")
    import team_a.model  # noqa: F401 so that it is an attribute of its package

    assert "did you mean team_a.model.Model?" in refusal("team_a.model", accepts=MODULE)


def test_a_syntax_error_in_the_teams_file_names_file_and_line(team):
    team("x = 1\ndef f(:\n")
    message = refusal("team_a.model.Net")
    assert "team_a.model is not valid Python" in message
    assert "(team_a/model.py:2)" in message


def test_a_missing_package_is_named_with_what_to_install(team):
    team("x = 1\nimport no_such_package.inner\n")
    message = refusal("team_a.model.Net")
    assert "needs the package 'no_such_package'" in message
    assert "pip install no_such_package" in message
    assert "(team_a/model.py:2)" in message


def test_a_wrong_import_inside_the_teams_package_is_not_taken_for_a_missing_package(team):
    team("from team_a import helpers\n")
    message = refusal("team_a.model.Net")
    assert "cannot be imported" in message
    assert "helpers" in message
    team("import team_a.helpers\n", "team_a/other.py")
    assert "pip install" not in refusal("team_a.other.Net")


def test_any_other_error_while_importing_names_file_and_line(team):
    team("import torch\n\nwidth = torch.zeros(2) @ torch.zeros(3)\n")
    message = refusal("team_a.model.Net")
    assert "team_a.model cannot be imported: RuntimeError" in message
    assert "(team_a/model.py:3)" in message


def test_a_script_that_exits_when_imported_is_told(team):
    team("import sys\nsys.exit(3)\n")
    assert "cannot be imported: SystemExit: 3 (team_a/model.py:2)" in refusal("team_a.model.Net")


def test_a_package_that_is_not_here_is_told():
    assert "there is no package 'team_solo' here" in refusal("team_solo.Net")


def test_a_module_built_on_the_other_lightning_package_is_told(team):
    team("class Base:\n    pass\nBase.__module__ = 'lightning.pytorch.core.module'\nclass Net(Base):\n    pass\n")
    message = refusal("team_a.model.Net", accepts=(pl.LightningModule,), what="a LightningModule")
    assert "import pytorch_lightning" in message


def arguments_refusal(target, init_args, **kwargs) -> str:
    with pytest.raises(UserError) as caught:
        check_arguments(target, init_args, "optimizer", places=PLACES, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 250
    return message


class Net:
    def __init__(self, num_classes: int, hidden: int = 128, dropout: float = 0.1, sizes: tuple[int, ...] = (1, 2), *,
                 mode: str | None = None, flag: bool = False, extra=None, weights: dict[str, float] | None = None):  # fmt: skip
        self.arguments = (num_classes, hidden, dropout, sizes, mode, flag, extra, weights)


@pytest.mark.parametrize(
    "init_args",
    [
        {"hidden": 3},
        {"dropout": 1},
        {"dropout": 0.5},
        {"sizes": [1, 2, 3]},
        {"mode": None},
        {"mode": "off"},
        {"flag": True},
        {"extra": {"anything": [1]}},
        {"weights": {"a": 1.0}},
        {"num_classes": 25},
    ],
)
def test_arguments_that_fit_pass(init_args):
    check_arguments(Net, init_args, "model", filled=("num_classes",), places=PLACES)


@pytest.mark.parametrize(
    ("init_args", "fragments"),
    [
        ({"hiden": 3}, ["optimizer.init_args.hiden", "Net has no argument 'hiden'", "did you mean 'hidden'?"]),
        ({"zzz": 3}, ["Net has no argument 'zzz'", "known: dropout, extra"]),
        ({"hidden": "big"}, ["Net expects a whole number for hidden, found the text 'big'"]),
        ({"hidden": "128"}, ["found the text '128'", "remove the quotes"]),
        ({"hidden": 1.5}, ["a whole number for hidden, found 1.5"]),
        ({"hidden": True}, ["a whole number for hidden, found true"]),
        ({"hidden": None}, ["a whole number for hidden, found null"]),
        ({"hidden": [1]}, ["a whole number for hidden, found a list"]),
        ({"dropout": "1e-3"}, ["a number for dropout", "remove the quotes"]),
        ({"sizes": 3}, ["a list of whole numbers for sizes, found 3"]),
        ({"sizes": [1, "a"]}, ["a list of whole numbers for sizes, found a list"]),
        ({"mode": 3}, ["text or null for mode, found 3"]),
        ({"flag": "off"}, ["true or false for flag, found the text 'off'"]),
        ({"weights": [1]}, ["a mapping or null for weights, found a list"]),
        ({"extra": {"class_path": "a.B"}}, ["optimizer.init_args.extra", "class inside init_args"]),
        ({"hidden": {"class_path": "a.B"}}, ["class inside init_args"]),
    ],
)
def test_arguments_that_do_not_fit_are_told(init_args, fragments):
    message = arguments_refusal(Net, init_args, filled=("num_classes",))
    for fragment in fragments:
        assert fragment in message


def test_missing_arguments_are_named_together_unless_they_are_filled():
    def build(a, b, c=1, *, d): ...

    message = arguments_refusal(build, {"b": 1})
    assert "needs a, d" in message
    assert "optimizer.init_args: {a: ..., d: ...}" in message
    check_arguments(build, {"b": 1}, "x", filled=("a", "d"), places=PLACES)


def test_the_nearest_argument_of_an_optimizer_is_named_with_the_place():
    message = arguments_refusal(torch.optim.AdamW, {"learning_rate": 0.1}, filled=("params",))
    assert "AdamW has no argument 'learning_rate'; did you mean 'lr'?" in message
    message = arguments_refusal(torch.optim.AdamW, {"lr": "fast"}, filled=("params",))
    assert message.startswith("c.yaml:4:9, optimizer.init_args.lr: AdamW expects a number")


def test_real_classes_accept_their_usual_arguments():
    check_arguments(
        torch.optim.AdamW, {"lr": 1e-3, "betas": [0.9, 0.99], "fused": True}, "x", filled=("params",), places=PLACES
    )
    check_arguments(torch.optim.SGD, {"lr": 1, "momentum": 0.9}, "x", filled=("params",), places=PLACES)
    schedulers = torch.optim.lr_scheduler
    check_arguments(schedulers.OneCycleLR, {"max_lr": 0.1, "total_steps": 9}, "x", filled=("optimizer",), places=PLACES)
    check_arguments(schedulers.MultiStepLR, {"milestones": [3, 6]}, "x", filled=("optimizer",), places=PLACES)
    check_arguments(pl.callbacks.ModelCheckpoint, {"dirpath": "x", "save_top_k": 2}, "x", places=PLACES)
    check_arguments(pl.callbacks.LearningRateMonitor, {"logging_interval": "step"}, "x", places=PLACES)


def test_a_torchvision_builder_is_checked_against_the_class_that_it_builds():
    check_arguments(torchvision.models.resnet18, {"num_classes": 10, "zero_init_residual": True}, "x", places=PLACES)
    message = arguments_refusal(torchvision.models.resnet18, {"num_clases": 10})
    assert "did you mean 'num_classes'?" in message


def test_a_class_with_open_keywords_takes_any_name():
    class Open:
        def __init__(self, hidden: int = 3, **kwargs): ...

    check_arguments(Open, {"anything": 1}, "x", places=PLACES)
    assert "a whole number for hidden" in arguments_refusal(Open, {"hidden": "x"})


def test_an_argument_by_position_only_cannot_be_named():
    def build(a, /, b=1): ...

    assert "takes a by position only" in arguments_refusal(build, {"a": 1}, filled=("a",))
    assert "needs a" in arguments_refusal(build, {"b": 1})


def test_annotations_that_cannot_be_resolved_are_not_checked():
    def build(a: NoSuchType, b: int = 1): ...  # noqa: F821

    check_arguments(build, {"a": 1, "b": "x"}, "x", places=PLACES)
    assert "has no argument 'c'" in arguments_refusal(build, {"a": 1, "c": 2})


def test_a_default_that_its_annotation_forbids_may_be_written_out():
    def build(a: int = None): ...  # noqa: RUF013

    check_arguments(build, {"a": None}, "x", places=PLACES)


def test_an_object_without_a_signature_is_not_checked():
    check_arguments(dict, {"anything": 1}, "x", places=PLACES)


def test_construct_calls_with_the_arguments():
    assert construct(Net, "model", 25, places=PLACES, hidden=3).arguments[:2] == (25, 3)


def test_arguments_called_like_the_parameters_of_construct_reach_the_class():
    assert construct(dict, "model", places=PLACES, key=1, target=2) == {"key": 1, "target": 2}


def test_a_constructor_that_raises_becomes_one_line_with_key_and_place():
    with pytest.raises(UserError) as caught:
        construct(torch.optim.AdamW, "optimizer", [torch.nn.Parameter()], places=PLACES, lr=-1.0)
    message = str(caught.value)
    assert message.startswith("c.yaml:2:1, optimizer: AdamW cannot be built: ValueError: Invalid learning rate: -1.0; ")
    assert "\n" not in message
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_teams_constructor_that_raises_names_their_line(team):
    team(
        """\
        class Net:
            def __init__(self, n):
                self.n = n
                self.check()

            def check(self):
                assert self.n > 0, "n must be\\nlarge"
        """
    )
    with pytest.raises(UserError) as caught:
        construct(chosen("team_a.model.Net", accepts=(object,)), "optimizer", places=PLACES, n=0)
    assert "Net cannot be built: AssertionError: n must be (team_a/model.py:7)" in str(caught.value)


def test_an_error_that_already_tells_the_user_passes_unchanged():
    def build():
        raise WorkError("no disk")

    with pytest.raises(WorkError, match="no disk"):
        construct(build, "x", places=PLACES)
