#!/usr/bin/env python3
"""Start Darkroom: make .venv beside this file, install what is missing, and hand over to the server.

Uses the standard library only, and parses on Python 3.7, so that an old Python can say what is needed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMPS = VENV / "darkroom-installed.json"

MINIMUM_PYTHON = (3, 11)
WHEELS = "https://download.pytorch.org/whl/"
PROBE_SECONDS = 4.0
CPU_GIGABYTES, CUDA_GIGABYTES = 3, 12
# The first is quicker, as it has no windows, and is all that the tests need.
CHROMIUM_PACKAGES = ("chromium-headless-shell", "chromium")
CHROMIUM_NAMES = (*CHROMIUM_PACKAGES, "chromium-browser", "google-chrome")
CHECKS = {
    "ruff check": ["-m", "ruff", "check"],
    "ruff format": ["-m", "ruff", "format", "--check"],
    "pyright": ["-m", "pyright"],
    "lint-imports": ["-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-logo"],
}


MOST_WORKERS = 4
"""Test files that run at once: each holds models of its own, about 2 GB."""


class LaunchError(Exception):
    """A reason not to go on, as one sentence for the person at the terminal."""


class Build(NamedTuple):
    """A build of torch: its name, the package index that holds it ("" for the usual one), who chose it."""

    label: str
    index_url: str = ""
    by_user: bool = False

    @property
    def cuda(self) -> bool:
        """Whether the build is for NVIDIA GPUs: PyTorch's folders for those are named cu126, cu130, ..."""
        return self.index_url.rstrip("/").rpartition("/")[2].startswith("cu")


class Step(NamedTuple):
    """One thing to install; it is skipped while the digest of what it depends on stays the same."""

    name: str
    label: str
    inputs: str
    run: Callable[[], None]

    @property
    def digest(self) -> str:
        """The fingerprint that the stamp file keeps once the step is done."""
        return hashlib.sha256(repr((sys.version_info[:2], self.inputs)).encode()).hexdigest()


# What the machine has


def check_python(version: tuple[int, ...], is_64_bit: bool = sys.maxsize > 2**32) -> None:
    """Refuse a Python that torch has no builds for."""
    needed = "{}.{}".format(*MINIMUM_PYTHON)
    if version[:2] < MINIMUM_PYTHON or not is_64_bit:
        found = "{}.{}".format(*version) + ("" if is_64_bit else " in its 32-bit build")
        raise LaunchError(
            f"Darkroom needs a 64-bit Python {needed} or newer, and this is Python {found}: "
            f"install one from https://www.python.org/downloads/ and start launch.py with it."
        )


def check_disk(gigabytes: int, free_bytes: int) -> None:
    """Refuse to begin an installation that would fill the disk."""
    if free_bytes < gigabytes * 1e9:
        raise LaunchError(
            f"The installation takes about {gigabytes} GB and {ROOT} has {free_bytes / 1e9:.1f} GB free: "
            f"make room there, or move Darkroom to another disk."
        )


def check_venv_module() -> None:
    """Refuse a Python without venv or pip: Debian and Ubuntu ship them apart."""
    if not importlib.util.find_spec("venv") or not importlib.util.find_spec("ensurepip"):
        package = "python{}.{}-venv".format(*sys.version_info)
        raise LaunchError(
            f"This Python cannot make virtual environments: install what it lacks "
            f"(on Debian and Ubuntu: apt install {package}) and start again."
        )


def output_of(*command: str) -> str:
    """Return what a command prints, or "" when it cannot be run or fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def driver_cuda(smi_output: str) -> tuple[int, int] | None:
    """Read the newest CUDA version the driver can run from what nvidia-smi prints; None without a GPU."""
    found = re.search(r"CUDA (?:\w+ )?Version\s*:\s*(\d+)\.(\d+)", smi_output)
    return (int(found.group(1)), int(found.group(2))) if found else None


def wheel_folder(driver: tuple[int, int], capabilities: list[float]) -> str | None:
    """Name the folder of PyTorch's wheels for a driver and its GPUs' compute capabilities, if there is one.

    CUDA 13 builds leave out GPUs before Turing (7.5), and the CUDA 12.6 build those from Blackwell (10.0) on.
    Every 12.x driver runs the 12.6 build: CUDA keeps minor versions compatible.
    """
    oldest, newest = min(capabilities, default=8.0), max(capabilities, default=8.0)
    if driver >= (13, 0) and (oldest >= 7.5 or newest >= 10.0):
        return "cu130"
    return "cu126" if driver >= (12, 0) and newest < 10.0 else None


def choose_build() -> Build:
    """Choose the build of torch for this machine."""
    if sys.platform == "darwin":
        return Build("macOS build")
    smi = shutil.which("nvidia-smi")
    driver = driver_cuda(output_of(smi)) if smi else None
    if not smi or not driver:
        return Build("CPU build", WHEELS + "cpu")
    capabilities = output_of(smi, "--query-gpu=compute_cap", "--format=csv,noheader")
    folder = wheel_folder(driver, [float(value) for value in re.findall(r"\d+\.\d+", capabilities)])
    if folder:
        return Build(f"CUDA {folder[2:-1]}.{folder[-1]} build", WHEELS + folder)
    say("The NVIDIA driver is too old for this torch, so the GPU is not used: update it and start again.")
    return Build("CPU build", WHEELS + "cpu")


def settle_build(index_url: str | None, done: dict[str, str]) -> Build:
    """Take the build that was asked for, now or at an earlier start, or else the one for this machine."""
    if index_url or done.get("torch by user"):
        index_url = index_url or done["torch index"]
        return Build(f"from {index_url}", index_url, by_user=True)
    build, before = choose_build(), Build("CUDA build", done.get("torch index", ""))
    # A driver that waits for a reboot hides the GPU for a while: not worth another download of torch.
    return before if before.cuda and not build.cuda else build


def is_reachable(url: str) -> bool:
    """Tell whether a URL answers within a few seconds, the look-up of its host name included."""
    answered = threading.Event()

    def ask() -> None:
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "pip"})
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS):
                answered.set()
        except Exception:
            # Any failure at all, a malformed answer too, means that pip would not get far either.
            return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PROBE_SECONDS)
    return answered.is_set()


# Installing


def say(line: str) -> None:
    """Print a line at once, also when a log file listens."""
    print(line, flush=True)


def clean_environment() -> dict[str, str]:
    """Return the environment less what would let packages from outside .venv in, or new ones out of it."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"}
    return {name: value for name, value in os.environ.items() if name not in hidden}


def run_without_noise(command: list[str]) -> int:
    """Run pip, letting its output through but for warnings about local indexes that lack a package."""
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, env=clean_environment(), universal_newlines=True, errors="replace"
    )
    assert process.stderr
    try:
        for line in process.stderr:
            if not re.search(r"Location '.*' is ignored", line):
                sys.stderr.write(line)
        return process.wait()
    except KeyboardInterrupt:
        # A terminal sends Ctrl+C to pip as well: give it a moment to tidy up.
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
        raise


def discard_half_installed() -> None:
    """Forget packages whose installation was cut off, which pip would take for complete."""
    site_packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV)}))
    for info in site_packages.glob("*.dist-info"):
        if not (info / "RECORD").exists():
            shutil.rmtree(info)


def pip_install(what: str, *arguments: str) -> None:
    """Run pip install in .venv."""
    discard_half_installed()
    # Without --no-compile pip compiles thousands of modules, most of which are never imported.
    options = ["--no-compile", "--no-input", "--disable-pip-version-check"]
    if not sys.stdout.isatty():
        options.append("--quiet")
    if run_without_noise([str(PYTHON), "-m", "pip", "install", *options, *arguments]):
        raise LaunchError(f"Installing {what} failed: pip says why above; the next start tries again.")


def create_venv() -> None:
    """Make .venv anew."""
    check_venv_module()
    if VENV.exists():
        shutil.rmtree(VENV)
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        reason = done.stdout.decode(errors="replace").strip().splitlines()[-1:]
        raise LaunchError(f"Python could not make {VENV}: {' '.join(reason) or 'it gave no reason.'}")


def venv_works() -> bool:
    """Tell whether .venv has a Python of this minor version, with pip."""
    probe = "import sys, importlib.util as u; print(sys.version_info[:2], u.find_spec('pip') is not None)"
    return PYTHON.exists() and output_of(str(PYTHON), "-c", probe).strip() == f"{sys.version_info[:2]} True"


def torch_version(requirements: str) -> str:
    """Read the version of torch that requirements.txt pins."""
    found = re.search(r"^torch==([\w.]+)", requirements, re.MULTILINE)
    if not found:
        raise LaunchError("requirements.txt pins no version of torch: restore the file and start again.")
    return found.group(1)


def install_torch(version: str, build: Build) -> None:
    """Install torch and, at the versions of requirements.txt, what it depends on."""
    index = ["--extra-index-url", build.index_url] if build.index_url else []
    if build.index_url and not is_reachable(build.index_url.rstrip("/") + "/torch/"):
        if build.by_user:
            raise LaunchError(
                f"{build.index_url} offers no torch or does not answer: check --torch-index-url."
            )
        say("      PyTorch's package index does not answer; taking torch from the usual one.")
        say("      (To try PyTorch's again some other day: --reinstall-torch.)")
        index = []
    # A build's local version (+cpu, +cu130) ranks above the plain one: pip prefers it where there is one.
    # --force-reinstall, because another build of the same version would satisfy pip.
    constraints = ["-c", str(ROOT / "requirements.txt")]
    pip_install("torch", "--force-reinstall", *index, f"torch=={version}", *constraints)


def install_xformers(build: Build) -> None:
    """Install xformers if it can be had: attention is torch's own without it."""
    try:
        file = str(ROOT / "requirements-cuda.txt")
        pip_install("xformers", "--no-deps", "--extra-index-url", build.index_url, "-r", file)
    except LaunchError:
        say("      xformers could not be installed; torch's own attention is used.")


def installation_steps(build: Build, for_tests: bool) -> list[Step]:
    """List what an installation consists of, in order."""

    def read(file: str) -> str:
        return (ROOT / file).read_text(encoding="utf-8")

    def from_file(what: str, file: str) -> Step:
        return Step(what, f"Installing {what}", read(file), lambda: pip_install(what, "-r", str(ROOT / file)))

    version = torch_version(read("requirements.txt"))
    label, inputs = f"Installing torch {version} ({build.label})", version + build.index_url
    steps = [Step("torch", label, inputs, lambda: install_torch(version, build))]
    steps.append(from_file("Darkroom's other packages", "requirements.txt"))
    if build.cuda:
        inputs = read("requirements-cuda.txt") + build.index_url
        steps.append(Step("xformers", "Installing xformers", inputs, lambda: install_xformers(build)))
    if for_tests:
        steps.append(from_file("the test tools", "requirements-test.txt"))
    return steps


def read_stamps() -> dict[str, str]:
    """Return the digest of each step that is done."""
    try:
        return dict(json.loads(STAMPS.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def install(options: argparse.Namespace, for_tests: bool = False) -> None:
    """Run the steps that are not done yet, or whose inputs changed."""
    fresh = not venv_works()
    done = {} if fresh else read_stamps()
    if options.reinstall_torch:
        done = {name: value for name, value in done.items() if not name.startswith(("torch", "xformers"))}
    build = settle_build(options.torch_index_url, done)
    todo = [step for step in installation_steps(build, for_tests) if done.get(step.name) != step.digest]
    if any(step.name == "torch" for step in todo):
        check_disk(CUDA_GIGABYTES if build.cuda else CPU_GIGABYTES, shutil.disk_usage(str(ROOT)).free)
    if fresh:
        todo.insert(0, Step("venv", f"Creating {VENV.name}", "", create_venv))
    for number, step in enumerate(todo, 1):
        say(f"[{number}/{len(todo)}] {step.label} ...")
        step.run()
        done[step.name] = step.digest
        if step.name == "torch":
            done.update({"torch index": build.index_url, "torch by user": "yes" if build.by_user else ""})
        STAMPS.write_text(json.dumps(done, indent=2), encoding="utf-8")


# Running


def run_to_its_end(command: list[str], environment: dict[str, str] | None = None) -> int:
    """Run a command; on Ctrl+C, which it gets as well, leave it to the command how to end."""
    process = subprocess.Popen(command, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def hand_over(python: str, module: str, arguments: list[str]) -> int:
    """Become `python -m module`, so that signals reach it; on Windows, which cannot, run it and wait."""
    environment = clean_environment() if python == str(PYTHON) else dict(os.environ)
    inherited = [environment["PYTHONPATH"]] if environment.get("PYTHONPATH") else []
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *inherited])
    # -P: a folder named webui where the user happens to be must not be taken for ours.
    command = [python, "-P", "-m", module, *arguments]
    sys.stdout.flush()
    if os.name != "nt":
        os.execve(python, command, environment)
    return run_to_its_end(command, environment)


def ensure_chromium(python: str) -> None:
    """Install a Chromium for the browser tests unless there is one."""
    if any(shutil.which(name) for name in CHROMIUM_NAMES):
        return
    say("Installing Chromium for the browser tests ...")
    environment = dict(clean_environment(), DEBIAN_FRONTEND="noninteractive")
    apt_install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    ways = [[["apt-get", "update", "-qq"], [*apt_install, package]] for package in CHROMIUM_PACKAGES]
    ways = ways if as_root and shutil.which("apt-get") else []
    ways.append([[python, "-m", "playwright", "install", "chromium"]])
    for way in ways:
        if all(subprocess.call(command, env=environment) == 0 for command in way):
            return
    say("No Chromium could be installed: install one yourself for the browser tests.")


def run_tests(python: str, pytest_arguments: list[str]) -> int:
    """Run the checks and then pytest; with arguments for pytest, only that."""
    os.chdir(str(ROOT))
    failed: list[str] = []
    pythonpath = {"pyright": ["--pythonpath", python]}
    for name, command in CHECKS.items() if not pytest_arguments else []:
        say(f"== {name}")
        code = subprocess.call([python, *command, *pythonpath.get(name, [])])
        failed += [name] if code else []
    say("== pytest")
    code = run_to_its_end([python, "-m", "pytest", *(pytest_arguments or at_once())], one_thread_each())
    if failed:
        print(f"Failed before pytest: {', '.join(failed)}.", file=sys.stderr, flush=True)
    return code or bool(failed)


def at_once() -> list[str]:
    """What has pytest run as many test files at once as there are processors."""
    workers = min(os.cpu_count() or 1, MOST_WORKERS)
    # In their order, so that the browser's tests come one after the other and share one browser and server.
    how = ["--dist", "loadfile", "--no-loadscope-reorder"]
    return ["-p", "xdist", "-n", str(workers), *how] if workers > 1 else []


def one_thread_each() -> dict[str, str]:
    """The environment in which test files don't compete for processors."""
    return {"OMP_NUM_THREADS": "1", **os.environ}


def make_parser() -> argparse.ArgumentParser:
    """Describe the launcher's own options; whatever it does not know is passed on."""
    parser = argparse.ArgumentParser(
        prog="launch.py",
        usage="python launch.py [options] [the server's options]\n"
        "       python launch.py [options] test [pytest arguments]\n"
        "       python launch.py [options] bench [NAME ...] [--json FILE]",
        description="Installs what is missing into .venv, then starts Darkroom, its tests or its benchmarks. "
        "Options in the environment variable COMMANDLINE_ARGS come before those given here.",
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="store_true", help="show this, and the server's options")
    parser.add_argument("--skip-install", action="store_true", help="start with what is there")
    parser.add_argument("--reinstall-torch", action="store_true", help="choose and install torch once more")
    parser.add_argument(
        "--torch-index-url",
        metavar="URL",
        default=os.environ.get("TORCH_INDEX_URL"),
        help=f"take torch from this package index, such as {WHEELS}rocm7.2 for AMD GPUs; remembered",
    )
    return parser


def environment_arguments(text: str) -> list[str]:
    """Split COMMANDLINE_ARGS as a shell would, but keep the backslashes of Windows paths."""
    try:
        return shlex.split(text.replace("\\", "\\\\") if os.name == "nt" else text)
    except ValueError as error:
        raise LaunchError(f"COMMANDLINE_ARGS cannot be read ({error}): check its quotes.") from None


def show_help(parser: argparse.ArgumentParser) -> int:
    """Print the launcher's options and, once it is installed, the server's."""
    parser.print_help()
    if not PYTHON.exists():
        print("\nThe server's own options are listed here once it is installed.")
        return 0
    print("\nThe server's options:\n")
    return hand_over(str(PYTHON), "webui", ["--help"])


def launch(arguments: list[str]) -> int:
    """Install what is missing, then start what was asked for."""
    check_python(sys.version_info[:3])
    parser = make_parser()
    from_environment = environment_arguments(os.environ.get("COMMANDLINE_ARGS", ""))
    options, rest = parser.parse_known_args(from_environment + arguments)
    own = parser.parse_known_args(arguments)[1]
    command = own[0] if own[:1] in (["test"], ["bench"]) else ""
    if options.help:
        return show_help(parser)
    if not options.skip_install:
        install(options, for_tests=bool(command))
    python = str(PYTHON) if PYTHON.exists() else sys.executable
    if command == "test":
        ensure_chromium(python)
        return run_tests(python, own[1:])
    return hand_over(python, "tests.benchmarks", own[1:]) if command else hand_over(python, "webui", rest)


def main() -> int:
    """Run the launcher, turning whatever goes wrong into one sentence and an exit code."""
    try:
        return launch(sys.argv[1:])
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the next start takes up from here.", file=sys.stderr)
        return 130
    except (OSError, subprocess.SubprocessError) as error:
        print(f"Darkroom could not be started: {error}.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
