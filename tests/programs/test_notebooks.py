"""IPython and Jupyter: `ferrio jupyter install`, kernels on ferrio's loop, and `%load_ext ferrio`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installed import make_environment, need, site_packages

JUPYTER = ("-m", "ferrio", "jupyter")
LOOP = "import asyncio; print('runs on', type(asyncio.get_running_loop()).__module__.partition('.')[0])"


class Notebooks:
    """An environment with Jupyter in it, whose configuration and kernels lie in a folder of their own.

    Args:
        folder: the folder.
        python: the environment's interpreter.
    """

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder = folder
        self.python = python
        # Found in the environment variables: the home of the user, and where Jupyter looks and writes.
        own = {"JUPYTER_DATA_DIR": "user", "JUPYTER_PATH": "prefix/share/jupyter", "IPYTHONDIR": "ipython"}
        places = {"HOME": "", "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_CONFIG_DIR": "config", **own}
        self.environment = os.environ | {name: str(folder / place) for name, place in places.items()}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.folder,
            timeout=50,
        )

    def succeed(self, *arguments: str) -> str:
        """Run a program that must be a success; returns what it printed."""
        ended = self.run(*arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def fail(self, *arguments: str) -> str:
        """Run a program that must end with a sentence; returns the sentence."""
        ended = self.run(*arguments)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "Traceback" not in ended.stderr
        return ended.stderr

    def specification(self, place: str, name: str = "ferrio") -> dict[str, object]:
        found: dict[str, object] = json.loads(
            (self.folder / place / "kernels" / name / "kernel.json").read_text()
        )
        return found

    def cell(self, kernel: str, code: str) -> str:
        """Start a kernel, run a cell in it, and return what the cell printed."""
        (self.folder / "client.py").write_text(CLIENT)
        return self.succeed("client.py", kernel, code)


# Starts a kernel by its name, and runs a cell.
CLIENT = """\
import sys
from jupyter_client.manager import start_new_kernel

manager, client = start_new_kernel(startup_timeout=40, kernel_name=sys.argv[1])
try:
    reply = client.execute_interactive(sys.argv[2], timeout=40)
    assert reply["content"]["status"] == "ok", reply["content"]
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with Jupyter's packages."""
    need("ipykernel", "jupyter_client", "IPython")
    return make_environment(tmp_path_factory.mktemp("environment"), packages=True)


@pytest.fixture
def notebooks(python: Path, tmp_path: Path) -> Iterator[Notebooks]:
    return Notebooks(tmp_path, python)


@pytest.mark.timeout(120)
def test_an_installed_kernel_runs_cells_on_ferrio(notebooks: Notebooks) -> None:
    said = notebooks.succeed(*JUPYTER, "install", "--user")
    assert said == f"Installed the kernel 'ferrio' in {notebooks.folder}/user/kernels/ferrio\n"
    specification = notebooks.specification("user")
    assert specification["argv"] == [
        str(notebooks.python),
        *("-m", "ferrio", "-m", "ipykernel_launcher", "-f", "{connection_file}"),
    ]
    assert notebooks.cell("ferrio", LOOP) == "runs on ferrio\n"
    assert (
        notebooks.cell("ferrio", "%load_ext ferrio")
        == "ferrio: this session runs on ferrio's loop already.\n"
    )
    assert notebooks.succeed(*JUPYTER, "uninstall").startswith("Removed the kernel 'ferrio' from ")
    assert not (notebooks.folder / "user/kernels/ferrio").exists()


def test_name_display_name_and_place_can_be_chosen(notebooks: Notebooks) -> None:
    prefix = str(notebooks.folder / "prefix")
    options = ("--prefix", prefix, "--name", "fast", "--display-name", "A fast one")
    notebooks.succeed(*JUPYTER, "install", *options)
    assert notebooks.specification("prefix/share/jupyter", "fast")["display_name"] == "A fast one"
    notebooks.succeed(*JUPYTER, "install", *options)  # Again: it is replaced.
    notebooks.succeed(*JUPYTER, "uninstall", "--name", "fast")
    assert "has no kernel 'fast'" in notebooks.fail(*JUPYTER, "uninstall", "--name", "fast")
    assert notebooks.succeed(*JUPYTER, "install", "--sys-prefix").rstrip().startswith("Installed the kernel")
    kernel = notebooks.python.parents[1] / "share/jupyter/kernels/ferrio/kernel.json"
    assert kernel.exists()
    notebooks.succeed(*JUPYTER, "uninstall")


@pytest.mark.parametrize("place", [("--user",), ("--sys-prefix",), ("--prefix", "elsewhere")])
def test_a_kernel_is_removed_from_the_place_that_is_named(
    notebooks: Notebooks, place: tuple[str, ...]
) -> None:
    """Others of its name stay. `elsewhere` is where Jupyter does not look by itself."""
    places = [("--user",), ("--sys-prefix",), ("--prefix", "elsewhere")]
    installed = {
        each: Path(notebooks.succeed(*JUPYTER, "install", *each).rstrip().rpartition(" in ")[2])
        for each in places
    }
    said = notebooks.succeed(*JUPYTER, "uninstall", *place)
    assert said.startswith("Removed the kernel 'ferrio' from ")
    there = [each for each in places if (notebooks.folder / installed[each]).exists()]
    assert there == [each for each in places if each != place]
    assert "has no kernel 'ferrio'" in notebooks.fail(*JUPYTER, "uninstall", *place)


def test_bad_input_gets_a_sentence(notebooks: Notebooks) -> None:
    assert "Kernel" in notebooks.fail(*JUPYTER, "install", "--user", "--name", "not a name!")
    (notebooks.folder / "file").touch()
    said = notebooks.fail(*JUPYTER, "install", "--prefix", str(notebooks.folder / "file"))
    assert "--user and --prefix choose a place that may be written to" in said
    other = notebooks.folder / "user/kernels/other"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text('{"argv": ["python"], "display_name": "", "language": "python"}')
    assert "is not one of ferrio's; it is left alone" in notebooks.fail(
        *JUPYTER, "uninstall", "--name", "other"
    )
    assert other.exists()
    for wrong in ((), ("instal",), ("install", "--user", "--prefix", "/"), ("install", "extra")):
        ended = notebooks.run(*JUPYTER, *wrong)
        assert ended.returncode == 2
        assert ended.stderr.startswith("usage: python -m ferrio jupyter")


def test_a_program_named_jupyter_is_run(notebooks: Notebooks) -> None:
    (notebooks.folder / "jupyter").write_text("import sys; print('program', sys.argv[1:])")
    assert notebooks.succeed(*JUPYTER, "install") == "program ['install']\n"


@pytest.mark.parametrize(
    ("module", "complaint"),
    [
        (None, "ModuleNotFoundError: No module named 'ipykernel'"),
        ("raise ValueError('broken')", "ValueError: broken"),
    ],
)
def test_a_missing_or_broken_ipykernel_is_told(tmp_path: Path, module: str | None, complaint: str) -> None:
    python = make_environment(tmp_path / "environment")
    if module is not None:
        (site_packages(python) / "ipykernel.py").write_text(module)
    said = Notebooks(tmp_path, python).fail(*JUPYTER, "install", "--user")
    assert said.startswith(
        f"ferrio: this command needs ipykernel, which cannot be imported here ({complaint}).\n"
    )
    assert f"{python} -m pip install --upgrade ipykernel" in said


@pytest.mark.timeout(120)
def test_load_ext_says_that_a_kernel_s_loop_stays(notebooks: Notebooks) -> None:
    specification = {
        "argv": [str(notebooks.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "",
        "language": "python",
    }
    folder = notebooks.folder / "user/kernels/plain"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(specification))
    cell = f"""\
%load_ext ferrio
{LOOP}
loop = asyncio.new_event_loop(); print('makes', type(loop).__module__); loop.close()
%unload_ext ferrio
loop = asyncio.new_event_loop(); print('makes', type(loop).__module__); loop.close()
"""
    lines = notebooks.cell("plain", cell).splitlines()
    assert lines[0] == "ferrio: event loops that are made from now on are ferrio's."
    assert lines[1].startswith("The loop that runs this session, asyncio.")
    assert "`python -m ferrio jupyter install`" in lines[2]
    assert lines[3:] == ["runs on asyncio", "makes ferrio", "makes asyncio.unix_events"]


def test_load_ext_in_ipython_says_how_to_start_on_ferrio(notebooks: Notebooks) -> None:
    commands = "get_ipython().run_line_magic('load_ext', 'ferrio')"
    said = notebooks.succeed("-m", "IPython", "--colors=NoColor", "-c", commands)
    assert said.splitlines()[0] == "ferrio: event loops that are made from now on are ferrio's."
    assert "`python -m ferrio -m IPython`" in said
