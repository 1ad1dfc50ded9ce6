"""launch.py: what it decides, and, against a small package index of our own, what it really installs."""

import ast
import functools
import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

import launch

# The Python that .venv was made from: it has none of our packages, as on a fresh machine.
PLAIN_PYTHON = getattr(sys, "_base_executable", sys.executable)

STUB_SERVER = """
import os, sys
try:
    import torch
except ImportError:
    torch = None
print("server", os.getpid(), getattr(torch, "version", "no torch"), *sys.argv[1:])
"""

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


# Decisions


@pytest.mark.parametrize(
    ("driver", "capabilities", "folder"),
    [
        ((13, 0), [8.9], "cu130"),
        ((13, 2), [], "cu130"),
        ((13, 0), [6.1], "cu126"),  # Pascal: CUDA 13 builds leave it out
        ((13, 0), [6.1, 12.0], "cu130"),  # no build has both: the newer GPU wins
        ((12, 8), [9.0], "cu126"),
        ((12, 2), [8.6, 7.5], "cu126"),
        ((12, 8), [12.0], None),  # Blackwell needs a newer driver
        ((11, 8), [8.6], None),
    ],
)
def test_wheel_folder_follows_driver_and_gpus(driver, capabilities, folder):
    assert launch.wheel_folder(driver, capabilities) == folder


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("| NVIDIA-SMI 580.65.06   Driver Version: 580.65.06   CUDA Version: 13.0 |", (13, 0)),
        ("| NVIDIA-SMI 535.183.01  Driver Version: 535.183.01  CUDA Version: 12.2     |", (12, 2)),
        ("CUDA UMD Version: 13.2", (13, 2)),
        ("No devices were found", None),
        ("", None),
    ],
)
def test_driver_version_is_read_from_nvidia_smi(output, version):
    assert launch.driver_cuda(output) == version


def test_no_gpu_means_the_cpu_build(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert launch.choose_build() == ("CPU build", "https://download.pytorch.org/whl/cpu", False)


@posix_only
@pytest.mark.parametrize(
    ("smi", "label"),
    [
        ('case "$1" in --query*) echo 8.9;; *) echo "| CUDA Version: 13.0 |";; esac', "CUDA 13.0 build"),
        ('case "$1" in --query*) echo 8.9;; *) echo "| CUDA Version: 12.4 |";; esac', "CUDA 12.6 build"),
        ('echo "| CUDA Version: 11.4 |"', "CPU build"),
        ('echo "CUDA Version: 13.0"; exit 9', "CPU build"),
    ],
)
def test_nvidia_smi_is_asked(smi, label, tmp_path, monkeypatch):
    script = tmp_path / "nvidia-smi"
    script.write_text(f"#!/bin/sh\n{smi}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    build = launch.choose_build()
    assert build.label == label
    assert build.cuda == label.startswith("CUDA")


def test_an_old_driver_is_mentioned(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(launch, "output_of", lambda *command: "CUDA Version: 11.4")
    launch.choose_build()
    assert "driver is too old" in capsys.readouterr().out


def test_an_index_given_by_the_user_comes_first_and_is_remembered(monkeypatch):
    monkeypatch.setattr(launch, "choose_build", lambda: launch.Build("CPU build", "cpu"))
    build = launch.settle_build(
        "http://mirror.example/cu126/", {"torch index": "other", "torch by user": "yes"}
    )
    assert build.index_url == "http://mirror.example/cu126/"
    assert build.cuda
    assert (
        launch.settle_build(None, {"torch index": "earlier", "torch by user": "yes"}).index_url == "earlier"
    )


def test_a_gpu_that_is_out_of_sight_costs_no_other_torch(monkeypatch):
    builds = [launch.Build("CPU build", "whl/cpu"), launch.Build("CUDA 13.0 build", "whl/cu130")]
    monkeypatch.setattr(launch, "choose_build", builds.pop)
    assert launch.settle_build(None, {"torch index": "whl/cpu"}).index_url == "whl/cu130"
    assert launch.settle_build(None, {"torch index": "whl/cu130"}).index_url == "whl/cu130"


def test_a_closed_port_is_not_reachable():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        start = time.monotonic()
        assert not launch.is_reachable(f"http://127.0.0.1:{closed.getsockname()[1]}/")
    assert time.monotonic() - start < launch.PROBE_SECONDS + 1


def test_a_host_that_never_answers_is_given_up_on(monkeypatch):
    monkeypatch.setattr(launch, "PROBE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        assert not launch.is_reachable(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("nonsense", ["", "no url", "http://", "file:///nowhere"])
def test_nonsense_is_not_reachable(nonsense):
    assert not launch.is_reachable(nonsense)


def test_an_old_python_is_told_what_is_needed():
    with pytest.raises(launch.LaunchError, match=r"3\.11 or newer, and this is Python 3\.7"):
        launch.check_python((3, 7, 16))
    with pytest.raises(launch.LaunchError, match="32-bit"):
        launch.check_python((3, 12, 1), is_64_bit=False)
    launch.check_python((3, 11, 0))


def test_an_old_python_can_parse_the_launcher():
    ast.parse(Path(launch.__file__).read_text(encoding="utf-8"), feature_version=(3, 7))


def test_a_full_disk_is_noticed_before_installing():
    with pytest.raises(launch.LaunchError, match=r"about 12 GB and .* has 2\.5 GB free"):
        launch.check_disk(12, 2_500_000_000)
    launch.check_disk(3, 3_000_000_000)


def test_a_python_without_venv_is_told_the_package(monkeypatch):
    launch.check_venv_module()
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(launch.LaunchError, match=r"apt install python3\.\d+-venv"):
        launch.check_venv_module()


def test_broken_quotes_in_commandline_args_are_one_sentence():
    assert launch.environment_arguments('--listen --ckpt "a b"') == ["--listen", "--ckpt", "a b"]
    with pytest.raises(launch.LaunchError, match="COMMANDLINE_ARGS"):
        launch.environment_arguments('--ckpt "a b')


def test_all_checks_run_and_each_failure_counts(monkeypatch, tmp_path, capfd):
    (tmp_path / "test_one.py").write_text("def test_one(): pass\n")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(launch, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)  # so that the old folder comes back
    monkeypatch.setattr(launch, "CHECKS", {"bad": ["-c", "exit(1)"], "good": ["-c", "print('was run')"]})
    assert launch.run_tests(sys.executable, []) == 1
    out, err = capfd.readouterr()
    assert "was run" in out
    assert "1 passed" in out.splitlines()[-1]
    assert "bad" in err
    assert "good" not in err
    assert launch.run_tests(sys.executable, ["-q"]) == 0, "with arguments for pytest the checks are left out"


def test_requirement_files_agree():
    pins = dict(line.split("==") for line in requirement_lines("requirements.txt"))
    tests = dict(line.split("==") for line in requirement_lines("requirements-test.txt"))
    assert {name: tests[name] for name in tests if name in pins}.items() <= pins.items()
    wanted = {
        line for name in ("requirements", "requirements-test") for line in requirement_lines(f"{name}.in")
    }
    have = {f"{name}=={version}" for name, version in {**pins, **tests}.items()}
    assert {line.replace("[nodejs]", "") for line in wanted} <= have


def requirement_lines(file):
    lines = (launch.ROOT / file).read_text(encoding="utf-8").splitlines()
    stripped = (line.partition("#")[0].partition(";")[0].strip() for line in lines)
    return [line for line in stripped if line]


# The launcher itself, in a copy of the tree


def make_tree(folder):
    (folder / "webui").mkdir(parents=True)
    (folder / "webui" / "__init__.py").touch()
    (folder / "webui" / "__main__.py").write_text(STUB_SERVER)
    shutil.copy(launch.__file__, folder)
    (folder / "requirements.txt").write_text("torch==2.13.0\ntiny==1.0  # via nothing\n")
    (folder / "requirements-test.txt").write_text("tiny==1.0\n")
    (folder / "requirements-cuda.txt").write_text("xformers==0.0.35\n")
    return folder


def make_wheel(folder, name, version, module=None):
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{module or name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*contents, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in contents.items():
            wheel.writestr(path, text)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Serve a package index, whose folder listings are what pip reads, and PyTorch's folders beside it."""
    folder = tmp_path_factory.mktemp("index")
    for version in ("1.0", "2.0"):
        make_wheel(folder / "simple" / "tiny", "tiny", version)
    make_wheel(folder / "simple" / "torch", "torch", "2.13.0")
    for build in ("cpu", "cu130"):
        make_wheel(folder / "whl" / build / "torch", "torch", f"2.13.0+{build}")
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def environment(index):
    ours = ("PIP_", "PYTHON", "TORCH_", "COMMANDLINE_ARGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {
        **kept,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{index}/simple/",
        "PIP_NO_CACHE_DIR": "1",
        "TORCH_INDEX_URL": f"{index}/whl/cpu",
    }


def start(tree, environment, *arguments, python=PLAIN_PYTHON):
    command = [python, str(tree / "launch.py"), *arguments]
    return subprocess.run(
        command, env=environment, cwd=tree.parent, capture_output=True, text=True, timeout=60
    )


@pytest.fixture(scope="module")
def first_start(tmp_path_factory, environment):
    tree = make_tree(tmp_path_factory.mktemp("first") / "darkroom")
    # What a Python that was removed since leaves behind.
    (tree / ".venv" / "bin").mkdir(parents=True)
    (tree / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    (tree / ".venv" / "darkroom-installed.json").write_text('{"torch": "of another time"}')
    done = start(tree, environment, "--port", "7861")
    # The copies of the tree share pip's thousand files.
    for folder in tree.glob(".venv/**/site-packages/*/"):
        if folder.name in {"pip", "setuptools", "pkg_resources"}:
            folder.rename(tree.parent / folder.name)
            folder.symlink_to(tree.parent / folder.name, target_is_directory=True)
    return tree, done


@pytest.fixture
def installed(first_start, tmp_path):
    """Return a copy of a tree that was started once."""
    return Path(shutil.copytree(first_start[0], tmp_path / "darkroom", symlinks=True))


def test_first_start_replaces_a_broken_venv_and_installs(first_start, index):
    done = first_start[1]
    assert done.stderr == ""
    assert done.returncode == 0
    *steps, server = done.stdout.splitlines()
    assert steps == [
        "[1/3] Creating .venv ...",
        f"[2/3] Installing torch 2.13.0 (from {index}/whl/cpu) ...",
        "[3/3] Installing Darkroom's other packages ...",
    ]
    assert server.split()[2:] == ["2.13.0+cpu", "--port", "7861"]


def test_second_start_installs_nothing(installed, environment):
    done = start(installed, {**environment, "PIP_INDEX_URL": "http://127.0.0.1:9/"}, "--listen")
    assert done.stdout.split()[2:] == ["2.13.0+cpu", "--listen"]
    assert len(done.stdout.splitlines()) == 1


@posix_only
def test_the_server_takes_the_place_of_the_launcher(installed, environment):
    command = [PLAIN_PYTHON, str(installed / "launch.py")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        out = process.communicate(timeout=30)[0]
    assert out.split()[1] == str(process.pid)


def test_only_the_changed_step_runs_again(installed, environment):
    (installed / "requirements.txt").write_text("torch==2.13.0\ntiny==2.0\n")
    done = start(installed, environment)
    assert done.stdout.splitlines()[0] == "[1/1] Installing Darkroom's other packages ..."
    assert done.stdout.split()[-1] == "2.13.0+cpu", "torch is left as it is"
    assert "2.0" in next(installed.glob(".venv/**/tiny.py")).read_text()


def test_another_build_of_torch_replaces_the_first(installed, environment, index):
    environment = dict(environment)
    done = start(installed, environment, "--torch-index-url", f"{index}/whl/cu130", "--port", "1")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].startswith("[1/2] Installing torch")
    assert done.stdout.split()[-3:] == ["2.13.0+cu130", "--port", "1"]
    assert "xformers could not be installed; torch's own attention is used." in done.stdout
    del environment["TORCH_INDEX_URL"]
    assert start(installed, environment).stdout.split()[2:] == ["2.13.0+cu130"], "the choice is remembered"


def test_a_failing_step_ends_in_a_sentence_and_is_taken_up_again(installed, environment):
    requirements = installed / "requirements.txt"
    good = requirements.read_text()
    requirements.write_text(good + "not-to-be-had==1.0\n")
    for _ in range(2):
        done = start(installed, environment)
        assert done.returncode == 1
        assert "server" not in done.stdout
        assert "Traceback" not in done.stderr
        assert done.stderr.splitlines()[-1].startswith("Installing Darkroom's other packages failed")
    requirements.write_text(good)
    assert start(installed, environment).returncode == 0


def test_a_package_cut_off_half_way_is_installed_anew(installed, environment):
    """Pip writes RECORD last, and takes a package without it for installed."""
    next(installed.glob(".venv/**/tiny-1.0.dist-info/RECORD")).unlink()
    next(installed.glob(".venv/**/tiny.py")).unlink()
    next(installed.glob(".venv/**/darkroom-installed.json")).write_text("{ cut off")
    done = start(installed, environment)
    assert done.returncode == 0, done.stderr
    assert list(installed.glob(".venv/**/tiny.py"))


def test_a_venv_of_another_python_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "PYTHON", tmp_path / "python")
    assert not launch.venv_works()
    monkeypatch.setattr(launch, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(launch, "output_of", lambda *command: "(3, 9) True\n")
    assert not launch.venv_works()


def test_an_index_of_the_users_that_is_wrong_is_named(installed, environment):
    done = start(installed, environment, "--torch-index-url", "http://127.0.0.1:9/whl")
    assert done.returncode == 1
    assert "http://127.0.0.1:9/whl offers no torch or does not answer" in done.stderr


def test_a_full_disk_stops_the_launcher_before_it_installs(tmp_path, monkeypatch, capsys):
    tree = make_tree(tmp_path / "darkroom")
    monkeypatch.setattr(launch, "ROOT", tree)
    monkeypatch.setattr(launch, "PYTHON", tree / ".venv" / "bin" / "python")
    monkeypatch.setattr(launch, "CPU_GIGABYTES", 10**6)
    monkeypatch.setattr(launch, "choose_build", lambda: launch.Build("CPU build", "whl/cpu"))
    monkeypatch.setattr(sys, "argv", ["launch.py"])
    monkeypatch.delenv("TORCH_INDEX_URL", raising=False)
    assert launch.main() == 1
    out, err = capsys.readouterr()
    assert "GB free" in err
    assert out == ""
    assert not (tree / ".venv").exists()


def test_help_needs_nothing_installed(tmp_path, environment):
    tree = make_tree(tmp_path / "darkroom")
    done = start(tree, environment, "--help")
    assert done.returncode == 0
    for word in ("--skip-install", "--torch-index-url", "--reinstall-torch", "test", "bench"):
        assert word in done.stdout
    assert not (tree / ".venv").exists()


def test_help_shows_the_servers_too_once_it_is_there(installed, environment):
    out = start(installed, environment, "--help").stdout
    assert out.index("--skip-install") < out.index("server ")


def test_skip_install_takes_the_python_at_hand(tmp_path, environment):
    tree = make_tree(tmp_path / "darkroom")
    flags = {**environment, "COMMANDLINE_ARGS": "--listen --ckpt 'a b'"}
    done = start(tree, flags, "--skip-install", "--port", "7862")
    assert done.stdout.split()[-6:] == ["--listen", "--ckpt", "a", "b", "--port", "7862"]
    assert not (tree / ".venv").exists()


@posix_only
@pytest.mark.parametrize(("body", "code"), [("pass", 0), ("assert False", 1)])
def test_arguments_after_test_go_to_pytest(body, code, tmp_path, environment):
    tree = make_tree(tmp_path / "darkroom")
    (tree / "test_some.py").write_text(f"def test_one(): {body}\ndef test_two(): pass\n")
    chromium = tmp_path / "bin" / "chromium"
    chromium.parent.mkdir()
    chromium.touch(0o755)
    path = f"{chromium.parent}{os.pathsep}{environment['PATH']}"
    flags = {
        **environment,
        "PATH": path,
        "COMMANDLINE_ARGS": "--listen",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    done = start(tree, flags, "--skip-install", "test", "-q", "-k", "one", python=sys.executable)
    assert done.returncode == code
    assert "1 deselected" in done.stdout.splitlines()[-1]
    assert "ruff" not in done.stdout


@posix_only
def test_ctrl_c_while_installing_ends_cleanly(installed, environment):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (installed / "requirements.txt").write_text("torch==2.13.0\ntiny==2.0\n")
        slow = {**environment, "PIP_INDEX_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/"}
        command = [PLAIN_PYTHON, str(installed / "launch.py")]
        with subprocess.Popen(
            command,
            env=slow,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Whoever started these tests in the background has had them ignore Ctrl+C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            silent.settimeout(30)
            connection = silent.accept()[0]  # pip is at work
            os.killpg(process.pid, signal.SIGINT)
            err = process.communicate(timeout=30)[1]
            connection.close()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "Stopped; the next start takes up from here."
    assert start(installed, environment).returncode == 0
