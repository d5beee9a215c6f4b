import pytest

from projectkit.runs.masking import mask_command, mask_text

HEX40 = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--api-key", "hunter2"],
        ["--api-key=hunter2"],
        ["tracking.wandb_token=hunter2"],
        ["WANDB_API_KEY=hunter2"],
        ["--password", "hunter2"],
        ["https://me:hunter2@example.org/x"],
        ["data.url=https://hunter2@example.org/x"],
    ],
)
def test_secrets_do_not_stay_on_a_command_line(arguments):
    masked = mask_command(["projectkit", "train", *arguments])
    assert "hunter2" not in " ".join(masked)
    assert "***" in " ".join(masked)


@pytest.mark.parametrize("secret", [HEX40, "ghp_" + "a1" * 18, "hf_" + "a1" * 17, "sk-" + "a1" * 20, "AKIA" + "A1" * 8])
def test_known_shapes_of_keys_are_masked_wherever_they_stand(secret):
    assert secret not in " ".join(mask_command(["train", secret]))
    assert secret not in " ".join(mask_command(["train", f"name={secret}"]))


@pytest.mark.parametrize(
    "argument",
    [
        "optimizer.init_args.lr=0.002",
        "model.init_args.max_tokens=512",
        "configs/train.yaml",
        "data.name=dga",
        "--resume",
        "https://example.org/a@b",
    ],
)
def test_settings_stay_readable(argument):
    assert mask_command(["projectkit", "train", argument]) == ["projectkit", "train", argument]


def test_an_option_after_a_secret_option_is_not_its_value():
    assert mask_command(["--token", "--resume", "auto"]) == ["--token", "--resume", "auto"]


def test_text_loses_keys_and_keeps_code_and_commits():
    text = f'+API_KEY = "abcdefgh12345678"\n+pad_token = tokenizer.pad_token\ncommit {HEX40}\n+url = "https://me:pw@host/x"\n'
    masked = mask_text(text)
    assert "abcdefgh12345678" not in masked
    assert "me:pw" not in masked
    assert "pad_token = tokenizer.pad_token" in masked
    assert HEX40 in masked
