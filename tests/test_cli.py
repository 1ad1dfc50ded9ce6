"""The command line: each flag, and what is refused with which sentence."""

from pathlib import Path

import pytest

from webui import cli
from webui.config import ROOT, Config

A_CSV, B_CSVS = Path("/a.csv").resolve(), Path("/b").resolve() / "*.csv"


def refusal(capsys, *arguments) -> str:
    with pytest.raises(SystemExit) as caught:
        cli.parse([str(argument) for argument in arguments])
    assert caught.value.code == 2
    return capsys.readouterr().err.split("error: ")[1].strip()


def test_without_flags_only_this_machine_is_served():
    config = cli.parse([])
    assert config == Config()
    assert (config.server_name, config.port, config.is_local, config.users) == ("127.0.0.1", 7860, True, {})
    assert (config.data_dir, config.models_dir) == (ROOT, ROOT / "models")


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (["--port", "8000"], "port", 8000),
        (["--port", "0"], "port", 0),
        (["--server-name", "localhost"], "server_name", "localhost"),
        (["--listen", "--no-auth"], "server_name", "0.0.0.0"),
        (["--listen", "--server-name", "10.0.0.5", "--no-auth"], "server_name", "10.0.0.5"),
        (["--share", "--no-auth"], "share", True),
        (["--autolaunch"], "autolaunch", True),
        (["--gradio-auth", "ann:secret"], "users", {"ann": "secret"}),
        (["--gradio-auth", "ann:a:b, bob:c"], "users", {"ann": "a:b", "bob": "c"}),
        (["--device-id", "1"], "device_id", 1),
        (["--device-id", "0"], "device_id", 0),
        (["--use-cpu"], "use_cpu", True),
        (["--no-half"], "no_half", True),
        (["--no-half-vae"], "no_half_vae", True),
        (["--no-hashing"], "hashing", False),
        (["--styles-file", "/a.csv", "--styles-file", "/b/*.csv"], "styles_files", (A_CSV, B_CSVS)),
        (["--wildcards-dir", "/w"], "wildcards_dir", Path("/w").resolve()),
        (["--ram-budget", "7.5"], "ram_budget", 7.5),
        (["--vram-budget", "0"], "vram_budget", 0.0),
        (["--xformers"], "xformers", True),
        (["--medvram"], "memory_mode", "Model offload"),
        (["--lowvram"], "memory_mode", "Group offload"),
        (["--medvram", "--lowvram"], "memory_mode", "Group offload"),
        (["--opt-channelslast"], "channels_last", True),
        (["--theme", "light"], "theme", "light"),
    ],
)
def test_flag(arguments, field, value):
    config = cli.parse(arguments)
    assert getattr(config, field) == value
    assert getattr(Config(), field) != value


def test_every_flag_is_tested_here_and_explained_in_a_group(capsys):
    source = Path(__file__).read_text(encoding="utf-8")
    groups = {group.title: group for group in cli.build_parser()._action_groups}
    assert set(groups) >= {"server", "folders", "engine", "page"}
    assert [action.dest for action in groups["options"]._group_actions] == ["help"]
    assert not groups["positional arguments"]._group_actions
    for group in groups.values():
        for action in group._group_actions:
            assert action.help
            assert action.dest == "help" or f'"{action.option_strings[0]}"' in source, action.option_strings
    with pytest.raises(SystemExit) as caught:
        cli.parse(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if line in ("server:", "folders:", "engine:", "page:")] == [
        "server:",
        "folders:",
        "engine:",
        "page:",
    ]


def test_folders(tmp_path):
    config = cli.parse(["--data-dir", str(tmp_path / "new")])
    assert config.models_dir == tmp_path / "new" / "models"
    assert config.outputs_dir == tmp_path / "new" / "outputs"
    assert config.cache_dir == tmp_path / "new" / "cache"
    assert config.database.parent == config.secret_file.parent == tmp_path / "new"
    config = cli.parse(["--models-dir", str(tmp_path), "--ckpt-dir", str(tmp_path)])
    assert (config.data_dir, config.models_dir, config.ckpt_dir) == (ROOT, tmp_path, tmp_path)


def test_folders_are_absolute_and_know_the_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    config = cli.parse(["--data-dir", "here", "--models-dir", "~/models"])
    assert config.data_dir == tmp_path / "here"
    assert config.models_dir == tmp_path / "home" / "models"


@pytest.mark.parametrize(
    ("flag", "field", "inside"),
    [
        ("--ckpt-dir", "ckpt_dir", ""),
        ("--vae-dir", "vae_dir", ""),
        ("--a1111-home", "a1111_home", "models"),
        ("--comfy-home", "comfy_home", "models"),
    ],
)
def test_more_model_folders(capsys, tmp_path, flag, field, inside):
    missing = tmp_path / "nowhere"
    assert refusal(capsys, flag, missing) == f"{flag}: there is no folder {missing / inside}"
    (missing / inside).mkdir(parents=True)
    assert getattr(cli.parse([flag, str(missing)]), field) == missing


def test_comfyuis_file_of_folders(capsys, tmp_path):
    file = tmp_path / "extra_model_paths.yaml"
    sentence = refusal(capsys, "--extra-model-paths", file)
    assert sentence == f"--extra-model-paths: {file} can't be read: No such file or directory"
    file.write_text("comfy:\n  base_path: /models\n  vae: vae\n")
    assert cli.parse(["--extra-model-paths", str(file)]).extra_model_paths == file


@pytest.mark.parametrize("size", ["-1", "much", "inf", "nan", ""])
@pytest.mark.parametrize("flag", ["--ram-budget", "--vram-budget"])
def test_a_budget_that_is_none(capsys, flag, size):
    sentence = refusal(capsys, f"{flag}={size}")
    assert sentence == f'argument {flag}: "{size}" is not a size; take a number of gigabytes, e.g. 7.5'


@pytest.mark.parametrize("flags", [["--listen"], ["--share"], ["--server-name", "192.168.0.2"]])
def test_serving_others_wants_passwords_or_a_clear_no(capsys, flags):
    sentence = refusal(capsys, *flags)
    assert sentence.startswith(
        "others could reach Darkroom with these flags: add --gradio-auth USER:PASSWORD"
    )
    assert "--no-auth" in sentence
    assert cli.parse([*flags, "--gradio-auth", "ann:secret"]).users == {"ann": "secret"}
    assert not cli.parse([*flags, "--no-auth"]).users


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_needs_no_password(name):
    assert cli.parse(["--server-name", name]).is_local


def test_users_from_a_file_join_those_of_the_flag(tmp_path):
    file = tmp_path / "users"
    file.write_text("bob:b\n\n  cat:ü:1  \ndan:d,eve:e\n", encoding="utf-8")
    users = cli.parse(["--gradio-auth", "ann:a", "--gradio-auth-path", str(file)]).users
    assert users == {"ann": "a", "bob": "b", "cat": "ü:1", "dan": "d", "eve": "e"}


def test_a_file_of_users_that_is_not_there(capsys, tmp_path):
    file = tmp_path / "users"
    sentence = refusal(capsys, "--gradio-auth-path", file)
    assert sentence == f"--gradio-auth-path: can't read {file}: No such file or directory"


def test_a_file_of_users_that_is_not_text(capsys, tmp_path):
    file = tmp_path / "users"
    file.write_bytes(b"ann:\xff\xfe")
    assert refusal(capsys, "--gradio-auth-path", file) == f"--gradio-auth-path: {file} is not UTF-8 text"


@pytest.mark.parametrize("users", ["ann", "ann:", ":secret", "ann:a,bob"])
def test_users_without_a_name_or_password(capsys, users):
    sentence = refusal(capsys, "--gradio-auth", users)
    assert sentence == "--gradio-auth takes USER:PASSWORD, several with commas between them"
    assert "secret" not in sentence


def test_an_empty_file_of_users_does_not_open_the_door(capsys, tmp_path):
    file = tmp_path / "users"
    file.write_text("\n")
    assert "others could reach" in refusal(capsys, "--listen", "--gradio-auth-path", file)


@pytest.mark.parametrize("port", ["-1", "65536", "http", "80.5", ""])
def test_a_port_that_is_none(capsys, port):
    sentence = refusal(capsys, f"--port={port}")
    assert sentence == f'argument --port: "{port}" is not a port; take one from 1 to 65535'


def test_an_unknown_flag_is_named(capsys):
    assert "--ngrok" in refusal(capsys, "--ngrok")
    assert "--auto" in refusal(capsys, "--auto")  # no guessing: it could mean --autolaunch today only


def test_an_unknown_theme(capsys):
    assert "invalid choice: 'pink'" in refusal(capsys, "--theme", "pink")
