"""Secrets do not get into a record, and a record without them can still be gone on with."""

from __future__ import annotations

import subprocess

import pytest
from omegaconf import OmegaConf

from projectkit.config import config_to_dict, config_to_yaml, load_config
from projectkit.errors import UserError
from projectkit.runs import RunWriter, find_run, keep_run, read_run, refuse_masked, same_value
from projectkit.runs.masking import MASK, mask_document, mask_text, mask_yaml

SECRET = "correct-horse-battery"


@pytest.fixture
def in_environment(monkeypatch):
    monkeypatch.setenv("TEAM_DB_PASSWORD", SECRET)


@pytest.mark.parametrize(
    "name", ["WANDB_API_KEY", "HF_TOKEN", "GITHUB_TOKEN", "TEAM_DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "X_AUTH_Y"]
)
def test_the_value_of_a_secret_variable_is_masked_wherever_it_stands(monkeypatch, name):
    monkeypatch.setenv(name, SECRET)
    assert mask_text(f"a{SECRET}b, {SECRET}") == f"a{MASK}b, {MASK}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", "short"),
        ("HF_TOKEN", "12345678"),
        ("TOKENIZERS_PARALLELISM", "disabled-here"),
        ("SSH_AUTH_SOCK", "/tmp/ssh-agent/socket"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/team/key.json"),
        ("KEYBOARD_LAYOUT", "us-international"),
        ("PWD", "working-folder"),
    ],
)
def test_settings_of_the_environment_are_not_taken_for_secrets(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert mask_text(value) == value


@pytest.mark.parametrize(
    "url",
    [
        "https://host/x?api_key=SECRET",
        "https://host/x?page=2&key=SECRET&n=1",
        "https://host/x?access_token=SECRET#top",
        "https://bucket/x?X-Amz-Credential=SECRET&X-Amz-Signature=SECRET",
        "https://host/x?sig=SECRET",
    ],
)
def test_keys_in_the_query_of_a_url_are_masked_and_the_rest_stays(url):
    assert mask_text(url) == url.replace("SECRET", MASK)
    assert mask_text(url.replace("SECRET", SECRET)) == url.replace("SECRET", MASK)


def test_queries_without_keys_stay():
    url = "https://host/x?monkey=banana&page=2&keyword=x&sigma=3"
    assert mask_text(url) == url


def test_no_file_of_a_run_holds_a_secret_of_the_environment(project, in_environment):
    git = ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-C", str(project.root)]
    (project.root / "a.py").write_text("x = 1\n", encoding="utf-8")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    (project.root / "a.py").write_text(f"x = connect('{SECRET}')\n", encoding="utf-8")
    writer = RunWriter.create(
        project.runs,
        "x",
        config_yaml=f"name: x\ndata:\n  init_args:\n    url: {SECRET}\n    all: [a]\n",
        command=["projectkit", "train", f"data.init_args.url={SECRET}"],
        source=project.root,
        resolved={"filled": {"url": f"db://{SECRET}"}, SECRET: 1},
    )
    writer.event("warned", message=f"cannot reach {SECRET}")
    writer.update(note=[SECRET])
    writer.finish("failed", "error")
    RunWriter.resume(writer.path, command=[f"--x={SECRET}"]).finish("finished")
    keep_run(find_run(writer.id, project), project)
    files = [path for root in (project.runs, project.results) for path in root.rglob("*") if path.is_file()]
    assert len(files) >= 10
    assert [path.name for path in files if SECRET.encode() in path.read_bytes()] == []
    run = read_run(writer.path)
    assert run.config()["data"] == {"init_args": {"url": MASK, "all": ["a"]}}
    assert (run.path / "source.diff").is_file()


@pytest.mark.parametrize(
    "value", [SECRET, f"{SECRET}/x", f"db://me@{SECRET}", f"a: {SECRET}", f"- {SECRET}", f"# {SECRET}"]
)
def test_a_masked_config_is_still_yaml_and_the_config_of_its_run(tmp_path, in_environment, value):
    path = tmp_path / "train.yaml"
    path.write_text("data: {class_path: team.Data}\nmodel: null\n", encoding="utf-8")
    quoted = value.replace("\\", "\\\\")
    config = load_config(path, [f'data.init_args={{url: "{quoted}", urls: ["{quoted}"]}}']).config
    assert config.data.init_args["url"] == value
    recorded = tmp_path / "config.yaml"
    recorded.write_text(mask_yaml(config_to_yaml(config)), encoding="utf-8")
    assert SECRET not in recorded.read_text(encoding="utf-8")
    again = load_config(recorded, []).config
    assert same_value(again.data.init_args["url"], config.data.init_args["url"])
    with pytest.raises(
        UserError, match=r"the record holds \*\*\* in the place of a secret; give the secret again: data.init_args.url="
    ) as caught:
        refuse_masked(config_to_dict(again))
    assert caught.value.where == "data.init_args.url"
    refuse_masked(config_to_dict(config))


@pytest.mark.parametrize(
    "secret", ['say "friend" \\ enter', "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\n-----END KEY-----"]
)
def test_secrets_that_yaml_writes_in_another_way_are_masked_too(tmp_path, monkeypatch, secret):
    monkeypatch.setenv("TEAM_PRIVATE_KEY", secret)
    path = tmp_path / "train.yaml"
    path.write_text("data: {class_path: team.Data}\nmodel: null\n", encoding="utf-8")
    config = load_config(path, []).config
    config.data.init_args["key"] = secret
    recorded = tmp_path / "config.yaml"
    recorded.write_text(mask_yaml(config_to_yaml(config)), encoding="utf-8")
    assert load_config(recorded, []).config.data.init_args["key"] == MASK
    diff = "".join(f"+{line}\n" for line in secret.splitlines())
    assert not any(line in mask_text(diff) for line in secret.splitlines())


def test_what_was_masked_is_the_same_as_what_the_user_has_and_nothing_else_is():
    assert same_value("db://***@host/x", "db://me:pw@host/x")
    assert not same_value("db://***@host/x", "db://me:pw@host/y")
    assert not same_value("db://***@host/x", None)
    assert same_value(1, 1.0)
    assert not same_value("a", "b")


KEY = "0123456789abcdef" * 2 + "01234567"


@pytest.mark.parametrize(
    "line",
    [
        f"+WANDB_API_KEY={KEY}",
        "-export DB_PASSWORD=SECRET",
        " HF_TOKEN=SECRET",
        "+DB_PASS='SECRET' # ours",
        "+    api_key: SECRET",
        "+  init_args: { lr: 0.1, api_key: SECRET, hf_token: SECRET, layers: 2 } # ours",
        f"+machine api.wandb.ai login user password {KEY}",
        f"+    wandb.login(key='{KEY}')",
        f"+os.environ['WANDB_API_KEY'] = '{KEY}'",
        "+Authorization: Bearer SECRET",
        "+https://hooks.slack.com/services/SECRET",
        "+-----BEGIN RSA PRIVATE KEY-----\n+SECRET\n+-----END RSA PRIVATE KEY-----",
    ],
)
def test_a_key_in_the_diff_of_a_tracked_file_is_masked(line):
    line = line.replace("SECRET", SECRET)
    masked = mask_text(f" before\n{line}\n after\n")
    assert MASK in masked
    assert SECRET not in masked
    assert KEY not in masked
    assert masked.startswith(" before\n")
    assert masked.endswith("\n after\n")


@pytest.mark.parametrize(
    "code",
    [
        "+    token = tokenizer.pad",
        "+API_KEY = os.environ",
        "+f(key=lambda row: row[1])",
        "+MAX_TOKEN=512",
        "+    password: str = None",
        "+def f(lr: float, api_key: SomeSecret, x: int) -> None:",
        "+  init_args: { pad_token: the-padding, token: 512000000, password: ${oc.env:PASSWORD} }",
        f"+index {KEY} {KEY}",
        '+API_KEY=os.environ["API_KEY"]',
    ],
)
def test_code_without_a_secret_stays_as_it_is(code):
    assert mask_text(code) == code


def test_texts_under_secret_keys_of_a_config_are_masked_and_settings_stay():
    arguments = {
        "api_key": KEY,
        "db_password": "pw",
        "hf_token": SECRET,
        "token": SECRET,
        "pad_token": "[PAD]",
        "max_tokens": 512,
        "monitor_key": "val/f1",
        "password": None,
    }
    kept = {**arguments, "api_key": MASK, "db_password": MASK, "hf_token": MASK, "token": MASK}
    assert mask_document({"task": {"init_args": arguments}}) == {"task": {"init_args": kept}}
    assert OmegaConf.to_container(OmegaConf.create(mask_yaml(OmegaConf.to_yaml(arguments)))) == kept
