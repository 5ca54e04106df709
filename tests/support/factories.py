"""Small inputs of a build, the same on every machine, and the comparison with golden files."""

from __future__ import annotations

import datetime
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from builder.inputs import project as projects
from builder.inputs import reading
from builder.inputs.git import Repository
from builder.inputs.network import Network
from builder.inputs.pins import PSF, Pins, Source, Sysroot
from builder.inputs.project import Project
from builder.inputs.recipe import InterpreterRecipe, Recipe, RecipeFile
from builder.inputs.settings import Settings
from builder.plan import Plan, plan_runtime
from builder.sources.python_build import PythonBuild, of_pyenv
from builder.stages.planning import BuildMachine, Inputs
from builder.stages.stage import Stage
from builder.targets import Arch, Target, Variant
from tests.support.made_debs import deb, file

VERSION = "3.13.5"
TARBALL = b"the source of CPython"
SOURCE = Source(
    "CPython", VERSION, f"Python-{VERSION}.tar.xz", hashlib.sha256(TARBALL).hexdigest(), ("/nowhere/python",),
    datetime.date(2025, 6, 11), license=PSF,
)  # fmt: skip
OTHER = Source("CPython", "3.13.4", "Python-3.13.4.tar.xz", SOURCE.sha256, ("/nowhere/python",), license=PSF)
LIBC = {arch: deb([file(f"lib/{arch.machine}-linux-gnu/libc.so.6", arch.value.encode())]) for arch in Arch}
LIBRARIES = {name: f"the source of {name}".encode() for name in ("zlib", "openssl")}


def plugin(script: str = "#!/bin/sh\n", knows: str = VERSION) -> dict[str, bytes]:
    """The files of a python-build that knows one version."""
    definition = f'install_package "Python-{knows}" "https://example.org/Python-{knows}.tar.xz#{SOURCE.sha256}"\n'
    return {
        "bin/python-build": f'{script}PYTHON_BUILD_VERSION="20250529"\n'.encode(),
        f"share/python-build/{knows}": definition.encode(),
        f"share/python-build/patches/{knows}/Python-{knows}/01.patch": b"diff --git a/x b/x\n",
    }


PYENV = deb([file(f"usr/share/pyenv/plugins/python-build/{name}", text) for name, text in plugin().items()])
PLUGIN = Source(
    "python-build", "2.5.4", "pyenv.deb", hashlib.sha256(PYENV).hexdigest(), ("/nowhere/python",), license="MIT"
)


def library(name: str, content: bytes | None = None) -> Source:
    """A pinned library."""
    sha256 = hashlib.sha256(content or LIBRARIES[name]).hexdigest()
    return Source(name, "1.0", f"{name}-1.0.tar.gz", sha256, ("/nowhere/library",), license="MIT")


def sysroot(arch: Arch, content: bytes | None = None) -> Sysroot:
    """A pinned C library of one package."""
    sha256 = hashlib.sha256(content or LIBC[arch]).hexdigest()
    package = Source("libc6", "2.31-1", f"libc6_2.31-1_{arch.value}.deb", sha256, ("/nowhere",))
    return Sysroot("bullseye", arch, "2.31", (package,), symbols=("GLIBCXX_3.4.28",))


PINS = Pins(
    {VERSION: SOURCE, "3.13.4": OTHER},
    PLUGIN,
    {name: library(name) for name in LIBRARIES},
    tuple(sysroot(arch) for arch in Arch),
)
NO_NETWORK = Network(None, {}, {})
IN_PLACE = BuildMachine("a toolchain", Arch.AMD64, crosses=False, surroundings="a machine")
COMMITTED = Repository("c0ffee" * 6 + "c0ff", False, 1_750_000_000, None)


def settings(folder: Path, **values: str) -> Settings:
    """The defaults, with these values as from the environment; paths count from `folder`."""
    return reading.load(folder, values, {})


def pyenv(folder: Path, script: str = "#!/bin/sh\n", knows: str = VERSION) -> Path:
    """A PYENV_ROOT whose python-build knows one version and has one patch for it."""
    for name, text in plugin(script, knows).items():
        path = folder / "plugins" / "python-build" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return folder


def pylock(name: str, sha256: str) -> str:
    """The text of a resolver's lock of one package, a wheel for every platform."""
    return f"""\
lock-version = "1.0"
created-by = "uv"

[[packages]]
name = "{name}"
version = "1.0"
wheels = [{{ url = "https://example.org/{name}-1.0-py3-none-any.whl", hashes = {{ sha256 = "{sha256}" }} }}]
"""


def python_build(folder: Path, script: str = "#!/bin/sh\n") -> PythonBuild:
    """The same as a PythonBuild."""
    return of_pyenv(str(pyenv(folder, script)), PINS)


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
class Planning:
    """Everything a plan is made from, and ways to change it; the paths of settings count from `folder`."""

    folder: Path
    target: Target
    inputs: Inputs

    @property
    def settings(self) -> Settings:
        """Of the inputs."""
        return self.inputs.settings

    def plan(self) -> Plan:
        """Make the plan."""
        return plan_runtime(self.target, self.inputs)

    def with_inputs(self, **parts: object) -> Planning:
        """The same with other inputs."""
        return replace(self, inputs=replace(self.inputs, **parts))  # type: ignore[arg-type]

    def stages(self) -> dict[str, Stage]:
        """The interpreter and the runtime stages of the plan, by name."""
        plan = self.plan()
        lower = [plan.parent.stage] if plan.parent else []
        return {stage.name: stage for stage in (plan.interpreter, *lower, plan.stage)}

    def compiled(self) -> dict[str, Stage]:
        """The interpreter and its parents, by name."""
        interpreter = self.plan().interpreter
        return {stage.name: stage for stage in (*interpreter.parents, interpreter)}

    def set(self, **values: str) -> Planning:
        """The same with other settings."""
        return self.with_inputs(settings=settings(self.folder, **values))

    def on(self, **parts: object) -> Planning:
        """The same on another machine."""
        return self.with_inputs(machine=replace(self.inputs.machine, **parts))  # type: ignore[arg-type]

    def for_arch(self, arch: Arch) -> Planning:
        """The same for another architecture."""
        return replace(self, target=replace(self.target, arch=arch))

    def pinned(self, **parts: object) -> Planning:
        """The same with other pins."""
        pins = replace(self.inputs.pins, **parts)  # type: ignore[arg-type]
        return self.with_inputs(python_build=replace(self.inputs.python_build, pins=pins))

    def with_interpreter(self, **parts: object) -> Planning:
        """The same with patches to libraries, to a version of CPython, or kept profiles."""
        return self.with_inputs(interpreter=replace(self.inputs.interpreter, **parts))  # type: ignore[arg-type]

    def with_recipe(self, variant: Variant, **parts: object) -> Planning:
        """The same with some parts of a recipe changed."""
        recipes = self.inputs.recipes
        return self.with_inputs(recipes={**recipes, variant: replace(recipes[variant], **parts)})  # type: ignore[arg-type]


def inputs(folder: Path) -> Planning:
    """Inputs of a runtime-dev, whose plan holds all three stages; the interpreter is compiled in place."""
    given = Inputs(
        VERSION, settings(folder), recipes(), InterpreterRecipe({}, {}, {}), COMMITTED, python_build(folder / "pyenv"),
        IN_PLACE,
    )  # fmt: skip
    return Planning(folder, Target(Variant.RUNTIME_DEV, Arch.AMD64), given)


def across(folder: Path, arch: Arch = Arch.AMD64) -> Planning:
    """The same cross-compiled, on an amd64 machine."""
    return inputs(folder).on(crosses=True).for_arch(arch)


def checkout(root: Path) -> Path:
    """A checkout with small recipes and a mirror that has every source."""
    files = {
        "recipes/runtime/requirements/10-web.txt": b"fastapi\n",
        "recipes/dev/requirements/10-tools.txt": b"pytest\n",
        "recipes/pins.toml": _pins_toml().encode(),
        **{f"mirror/{python.file}": TARBALL for python in (SOURCE, OTHER)},
        f"mirror/{PLUGIN.file}": PYENV,
        **{f"mirror/{library(name).file}": content for name, content in LIBRARIES.items()},
        **{f"mirror/{sysroot(arch).packages[0].file}": content for arch, content in LIBC.items()},
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def environ(root: Path, **values: str) -> dict[str, str]:
    """The environment of a build in a `checkout`: no network, no Docker; the interpreter is compiled in place."""
    nobody = f"unix://{root}/nothing.sock"
    return {
        "HOME": str(root),
        "SOURCE_MIRROR": f"{root}/mirror",
        "DEBIAN_MIRROR": f"{root}/mirror",
        "DOCKER_HOST_AMD64": nobody,
        "DOCKER_HOST_ARM64": nobody,
        "PYTHON_VERSION": VERSION,
        "COMPILE": "in-place",
        "LIBRARIES": "system",
        **values,
    }


def project(root: Path, **values: str) -> Project:
    """The project of a `checkout`, at one commit."""
    return replace(projects.read(root, environ(root, **values)), repository=COMMITTED)


def _pins_toml() -> str:
    def row(source: Source) -> str:
        dated = f"released = {source.released}\n" if source.released else ""
        texts = {name: getattr(source, name) for name in ("license", "version", "file", "sha256")}
        named = "".join(f'{name} = "{text}"\n' for name, text in texts.items())
        return f'{dated}{named}places = ["/nowhere/python"]\n'

    text = f"[[python]]\n{row(SOURCE)}[[python]]\n{row(OTHER)}[python-build]\n{row(PLUGIN)}"
    for name in LIBRARIES:
        text += f'[[library]]\nname = "{name}"\n{row(library(name))}'
    text += '[headers]\nsnapshot = "20261030T120000Z"\npackages = []\n'
    text += '[sysroot.bullseye]\nglibc = "2.31"\nsymbols = ["GLIBCXX_3.4.28"]\nsnapshot = "20240915T000000Z"\n'
    for arch in Arch:
        (package,) = sysroot(arch).packages
        text += f'{arch.value} = [{{path = "pool/{package.file}", sha256 = "{package.sha256}"}}]\n'
    return text


def assert_golden(name: str, text: str) -> None:
    """Compare a text with golden/NAME; `UPDATE_GOLDEN=1` in the environment writes it again, for you to review."""
    path = Path(__file__).parent / "golden" / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), f"{path} differs; UPDATE_GOLDEN=1 writes it again"
