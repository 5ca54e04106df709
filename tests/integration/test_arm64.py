"""An emulated arm64 container, from the builder image to the installed packages of the recipe.

Compiling there takes half an hour, so Debian's own Python stands in for the interpreter.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from builder import project as projects
from builder.console import Console
from builder.engines import choice
from builder.engines.base import Item, Workplace
from builder.settings import environment
from builder.stages.runtime import runtime
from builder.stages.step import Stage, Step
from builder.targets import Arch, Variant
from tests.integration.checkout import copy_of_this

pytestmark = pytest.mark.needs("arm64")


def run(place: Workplace, step: Step) -> str:
    lines: list[str] = []
    code = place.run(step, lines.append)
    assert code == 0, "\n".join(lines)
    return "\n".join(lines)


def package_stage(project: projects.Project) -> Stage:
    recipes = (project.recipes[Variant.RUNTIME],)
    return runtime(recipes, "", prt_root=project.settings.prt_root, epoch=0, manifest={})


def test_the_builder_image_and_the_recipe_s_packages_work_on_arm64(tmp_path: Path) -> None:
    checkout = copy_of_this(tmp_path, ENGINE="docker")
    assert "ready to build for arm64" in checkout.nox("builder-image-arm").succeeds()

    project = projects.read(checkout.root, {**environment(), **checkout.env})
    engine = choice.choose(project.settings, project.network, project.recipes_folder, Arch.ARM64, Console())
    stage = package_stage(project)
    with engine.workplace(Arch.ARM64) as place:
        assert run(place, Step("machine", ("uname", "-m"))) == "aarch64"
        run(place, Step("index", ("apt-get", "update", "-qq")))
        run(place, Step("stand-in", ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "python3-venv")))
        run(place, Step("venv", ("python3", "-m", "venv", "/prt")))
        place.put(Item(file.name, file.content) for file in stage.files if isinstance(file.content, bytes))
        for step in stage.steps:
            if step.name.startswith(("upgrade pip", "requirements", "pip check", "check")):
                run(place, step)
        extension = run(
            place, Step("wheel", ("/prt/bin/python", "-c", "import pydantic_core._pydantic_core as p; print(p)"))
        )
    assert "aarch64" in extension
