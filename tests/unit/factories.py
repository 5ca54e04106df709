"""Small inputs of a build, the same on every machine, and the comparison with golden files."""

from __future__ import annotations

import datetime
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from builder import plan as planning
from builder import project as projects
from builder import settings as all_settings
from builder.network import Network
from builder.plan import Plan
from builder.project import Project
from builder.python_build import PythonBuild
from builder.recipe import Recipe, RecipeFile
from builder.repository import Repository
from builder.settings import Settings
from builder.sources import Pins, Source
from builder.stages.step import Stage
from builder.targets import Arch, Target, Variant

VERSION = "3.13.5"
TARBALL = b"the source of CPython"
SOURCE = Source(
    "CPython", VERSION, f"Python-{VERSION}.tar.xz", hashlib.sha256(TARBALL).hexdigest(), ("/nowhere/python",),
    datetime.date(2025, 6, 11),
)  # fmt: skip
OTHER = Source("CPython", "3.13.4", "Python-3.13.4.tar.xz", "0" * 64, ("/nowhere/python",))
PINS = Pins(
    {VERSION: SOURCE, "3.13.4": OTHER}, Source("python-build", "2.5.4", "pyenv.tar.gz", "1" * 64, ("/nowhere",))
)
NO_NETWORK = Network(None, {}, {})
COMMITTED = Repository("c0ffee" * 6 + "c0ff", False, 1_750_000_000, None)


def settings(folder: Path, **values: str) -> Settings:
    """The defaults, with these values as from the environment; paths count from `folder`."""
    return all_settings.load(folder, values, {})


def pyenv(folder: Path, script: str = "#!/bin/sh\n") -> Path:
    """A PYENV_ROOT whose python-build knows one version and has one patch for it."""
    plugin = folder / "plugins" / "python-build"
    files = {
        "bin/python-build": f'{script}PYTHON_BUILD_VERSION="20250529"\n',
        f"share/python-build/{VERSION}": f'install_package "Python-{VERSION}" "https://example.org/#{SOURCE.sha256}"\n',
        f"share/python-build/patches/{VERSION}/Python-{VERSION}/01.patch": "diff --git a/x b/x\n",
    }
    for name, text in files.items():
        path = plugin / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def python_build(folder: Path, script: str = "#!/bin/sh\n") -> PythonBuild:
    """The same as a PythonBuild."""
    return PythonBuild(pyenv(folder, script) / "plugins" / "python-build", PINS)


def recipes() -> dict[Variant, Recipe]:
    """A recipe of each kind of file, for both variants."""
    runtime = Recipe(
        variant=Variant.RUNTIME,
        requirements=(RecipeFile("10-web.txt", b"fastapi\n"), RecipeFile("20-yaml.txt", b"pyyaml\n")),
        pre_patches=(RecipeFile("a.patch", b"diff a\n"), RecipeFile("b.patch", b"diff b\n")),
        post_patches=(RecipeFile("site.patch", b"diff site\n"),),
        scripts=(RecipeFile("10-links", b"#!/bin/sh\n"),),
        checks=(RecipeFile("10-web.py", b"import fastapi\n"),),
        constraints=b"fastapi<1\n",
        pip_conf=b"[global]\n",
        prune=("share/man",),
    )
    dev = Recipe(
        variant=Variant.RUNTIME_DEV,
        requirements=(RecipeFile("10-tools.txt", b"pytest\n"),),
        pre_patches=(),
        post_patches=(),
        scripts=(RecipeFile("50-venv", b"#!/bin/sh\n"),),
        checks=(RecipeFile("10-tools.py", b"import pytest\n"),),
        constraints=b"pytest<10\n",
        pip_conf=None,
        prune=(),
    )
    return {Variant.RUNTIME: runtime, Variant.RUNTIME_DEV: dev}


@dataclass(frozen=True)
class Inputs:
    """Everything a plan is made of."""

    folder: Path
    target: Target
    version: str
    settings: Settings
    recipes: dict[Variant, Recipe]
    repository: Repository
    python_build: PythonBuild
    engine: str = "host"
    toolchain: str = "a toolchain"

    def plan(self) -> Plan:
        """Make the plan."""
        return planning.make(
            self.target, self.version, self.settings, self.recipes, self.repository, self.python_build,
            engine=self.engine, toolchain=self.toolchain,
        )  # fmt: skip

    def stages(self) -> dict[str, Stage]:
        """Every stage of the plan, by name."""
        plan = self.plan()
        lower = [plan.parent.stage] if plan.parent else []
        return {stage.name: stage for stage in (plan.interpreter, *lower, plan.stage)}

    def set(self, **values: str) -> Inputs:
        """The same with other settings."""
        return replace(self, settings=settings(self.folder, **values))

    def with_recipe(self, variant: Variant, **parts: object) -> Inputs:
        """The same with some parts of a recipe changed."""
        return replace(self, recipes={**self.recipes, variant: replace(self.recipes[variant], **parts)})  # type: ignore[arg-type]


def inputs(folder: Path) -> Inputs:
    """Inputs of a runtime-dev, whose plan holds all three stages."""
    return Inputs(
        folder, Target(Variant.RUNTIME_DEV, Arch.AMD64), VERSION, settings(folder), recipes(), COMMITTED,
        python_build(folder / "pyenv"),
    )  # fmt: skip


def checkout(root: Path) -> Path:
    """A checkout with small recipes, a python-build and a mirror that has the source."""
    files = {
        "recipes/runtime/requirements/10-web.txt": b"fastapi\n",
        "recipes/dev/requirements/10-tools.txt": b"pytest\n",
        "recipes/pins.toml": _pins_toml().encode(),
        f"mirror/{SOURCE.file}": TARBALL,
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    pyenv(root / "pyenv")
    return root


def environ(root: Path, **values: str) -> dict[str, str]:
    """The environment of a build in a `checkout`: no network, no Docker."""
    nobody = f"unix://{root}/nothing.sock"
    return {
        "HOME": str(root),
        "PYENV_ROOT": f"{root}/pyenv",
        "SOURCE_MIRROR": f"{root}/mirror",
        "DOCKER_HOST_AMD64": nobody,
        "DOCKER_HOST_ARM64": nobody,
        **values,
    }


def project(root: Path, **values: str) -> Project:
    """The project of a `checkout`, at one commit."""
    return replace(projects.read(root, environ(root, **values)), repository=COMMITTED)


def _pins_toml() -> str:
    python = f'version = "{VERSION}"\nreleased = 2025-06-11\nfile = "{SOURCE.file}"\nsha256 = "{SOURCE.sha256}"\n'
    plugin = f'version = "2.5.4"\nfile = "pyenv.tar.gz"\nsha256 = "{"1" * 64}"\n'
    places = 'places = ["/nowhere/python"]\n'
    return f"[[python]]\n{python}{places}[python-build]\n{plugin}{places}"


def assert_golden(name: str, text: str) -> None:
    """Compare a text with golden/NAME; `UPDATE_GOLDEN=1` in the environment writes the file anew, for you to review."""
    path = Path(__file__).parent / "golden" / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), f"{path} differs; UPDATE_GOLDEN=1 writes it anew"
