"""The end of a runtime stage: the finished tree is looked at, and described by manifest, SBOM and doctor."""

from __future__ import annotations

from collections.abc import Iterator

from builder.inputs import license_policy
from builder.inputs.recipe import Recipe
from builder.inputs.settings import Settings
from builder.stages.programs import program_file
from builder.stages.sbom import PLANNED_SBOM, SBOM
from builder.stages.stage import WORK, File, Step

PLANNED_MANIFEST = "planned-manifest.json"
MANIFEST = "manifest.json"

_POLICY = "licenses.json"
_CHECK = program_file("check_licenses.py")


def describe(recipe: Recipe, settings: Settings, env: dict[str, str]) -> Iterator[Step]:
    """Write the manifest of what is there, the SBOM, and the program that finds what was altered."""
    prt_root = settings.prt_root
    python = f"{prt_root}/bin/python"
    plain = (python, "-I", "-B", f"{WORK}/check_plain.py", str(prt_root))
    hint = "no artifact has setuid, setgid or sticky bits, devices, pipes or sockets: remove them in a script"
    yield Step("check kinds of files", plain, env, hint=hint)
    module = (python, "-B", "-m", "builder.inside.write_manifest")
    write = (*module, str(prt_root), f"{WORK}/{PLANNED_MANIFEST}", f"{WORK}/{MANIFEST}")
    yield Step("write manifest", write, env)
    known = (f"{WORK}/{MANIFEST}", f"{WORK}/{PLANNED_SBOM}", f"{WORK}/{SBOM}")
    yield Step("write SBOM", (python, "-B", "-m", "builder.inside.sbom", str(prt_root), *known), env)
    if recipe.licenses:
        file = f"recipes/{recipe.variant.recipe_folder}/{license_policy.FILE}"
        check = (python, "-B", f"{WORK}/{_CHECK.name}", f"{WORK}/{SBOM}", f"{WORK}/{_POLICY}")
        yield Step("check licenses", check, env, hint=f"leave the component out, or change {file}")
    doctor = (python, "-B", "-m", "builder.inside.write_doctor", str(prt_root), f"{settings.package_prefix}-doctor")
    yield Step("write doctor", doctor, env)


def policy_of(recipe: Recipe) -> Iterator[File]:
    """The licenses that a recipe wants, and the program that looks for others; nothing if it does not mind."""
    if recipe.licenses:
        yield from (_CHECK, File(_POLICY, recipe.licenses.as_json))
