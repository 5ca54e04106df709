"""What artifacts were made from, where and how: SLSA's provenance, as docs/provenance.md describes it.

It is made of the plan, and has no time: the same inputs, run in the same way, give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from urllib.parse import quote

from builder.errors import UserError
from builder.inputs.choices import Libraries
from builder.inputs.commit import Commit
from builder.inputs.parsers import without_credentials
from builder.inputs.pins import Source, Sysroot
from builder.inputs.project import Project
from builder.inputs.settings import PACKAGE, PYTHON, SETTINGS, Settings
from builder.pipeline.artifacts import Artifact
from builder.plan import DebPlan, Plan
from builder.roots.lock import Root
from builder.roots.roles import Role, Roots
from builder.stages.lock import Distribution
from builder.stages.planning import Inputs
from builder.stages.stage import Json, Stage
from builder.targets import Arch
from builder.trust import statement

# The project has no address of its own; a purl names one of its files wherever it is.
_US, _PAGE = "pkg:generic/python-runtime-builder@1", "docs/provenance.md"
BUILD_TYPE = f"{_US}#{_PAGE}"


@dataclass(frozen=True)
class Provenance:
    """States what builds of one project made; `engine` is the name of what ran their steps."""

    project: Project
    roots: Roots
    engine: str

    def of_runtime(
        self,
        plan: Plan,
        installed: Iterable[Distribution],
        parent: Iterable[Artifact],
        made: Iterable[Artifact],
    ) -> bytes:
        """The statement of a runtime. `parent` is the archive it starts from: none for one that starts from the
        interpreter, which is no artifact.
        """
        first = (plan.stage,) if plan.parent else (plan.interpreter, plan.stage)
        stages = _each(*first, *(wheel.stage for wheel in plan.locks.every_wheel))
        session = f"{plan.target.variant.value}-{plan.target.arch.suffix}"
        used = [*map(_artifact, parent), *_contents(stages), *_packages(installed, stages)]
        definition = self._definition(session, plan.inputs, plan.stage_keys)
        return self._statement(definition, [*used, *self._tools(plan, stages), *_own(stages)], made)

    def of_deb(self, plan: DebPlan, archive: Artifact, made: Iterable[Artifact]) -> bytes:
        """The statement of a Debian package, which is made from a runtime's archive."""
        target, stages = plan.runtime.target, _each(plan.stage)
        session = f"deb{target.variant.package_suffix}-{target.arch.suffix}"
        keys = {**plan.runtime.stage_keys, plan.stage.name: plan.stage.key}
        used = [_artifact(archive), *_contents(stages)]
        definition = self._definition(session, plan.runtime.inputs, keys)
        return self._statement(definition, [*used, *self._tools(plan.runtime, stages), *_own(stages)], made)

    def _statement(self, definition: dict[str, Json], used: Iterable[Json], made: Iterable[Artifact]) -> bytes:
        invocation = self.project.invocation
        run: dict[str, Json] = {"builder": {"id": f"{_US}?runs_on={invocation.runner}#{_PAGE}"}}
        if invocation.run:
            run["metadata"] = {"invocationId": invocation.run}
        dependencies = [*self._checkout(), *used]
        predicate = {
            "buildDefinition": {**definition, "resolvedDependencies": dependencies},
            "runDetails": run,
        }
        return statement.encoded({one.name: one.sha256 for one in made}, predicate)

    def _definition(self, session: str, inputs: Inputs, keys: dict[str, Json]) -> dict[str, Json]:
        machine = inputs.machine
        return {
            "buildType": BUILD_TYPE,
            "externalParameters": {"session": session, "settings": dict(_given(inputs.settings))},
            "internalParameters": {
                "engine": self.engine,
                "toolchain": machine.toolchain,
                "surroundings": machine.surroundings,
                "stage_keys": keys,
            },
        }

    def _checkout(self) -> Iterator[Json]:
        repository, uri = self.project.repository, self.project.invocation.checkout
        if repository.commit:
            yield {
                "name": "checkout",
                **({"uri": uri} if uri else {}),
                "digest": {"gitCommit": repository.commit},
                "annotations": {"dirty": repository.dirty},
            }

    def _tools(self, plan: Plan, stages: Iterable[Stage]) -> Iterator[Json]:
        """The packages of the root file systems that the steps ran in; none where they ran in something else."""
        machine = plan.inputs.machine
        digests = {machine.surroundings, *(machine.toolchain for stage in stages if stage.compiles)}
        places = ((Role.BUILDER, plan.target.arch), (Role.COMPILER, machine.builds_on))
        roots = (root for place in places for root in self._root(*place) if root.digest in digests)
        yield from _distinct(_source(package) for root in roots for package in root.packages)

    def _root(self, role: Role, arch: Arch) -> Iterator[Root]:
        with suppress(UserError):  # of a lock that other engines do not need
            yield self.roots.root(role, arch)


def _given(settings: Settings) -> Iterator[tuple[str, str]]:
    """The settings that decide what is built and are not as they are by default: as text, without passwords."""
    from_image = settings.libraries is Libraries.SYSTEM
    for one in SETTINGS:
        value = getattr(settings, one.field)
        decides = one.group in (PYTHON, PACKAGE) or (one.name == "BASE_IMAGE" and from_image)
        if decides and not one.secret and value != one.parse(one.default):
            yield one.name, str(int(value)) if isinstance(value, bool) else without_credentials(str(value))


def _each(*stages: Stage) -> list[Stage]:
    """Stages, with all that they start from and are accepted by, each once."""
    found: dict[str, Stage] = {}
    ahead = [*stages]
    while ahead:
        stage = ahead.pop(0)
        if stage.key not in found:
            found[stage.key] = stage
            ahead += (*stage.parents, *((stage.acceptance,) if stage.acceptance else ()))
    return [*found.values()]


def _contents(stages: Iterable[Stage]) -> Iterator[Json]:
    """What stages download."""
    contents = (file.content for stage in stages for file in stage.files)
    yield from _distinct(chain.from_iterable(map(_downloads, contents)))


def _downloads(content: object) -> Iterator[Mapping[str, Json]]:
    match content:
        case Source():
            yield _source(content)
        case Sysroot():
            yield from map(_source, (*content.packages, *content.headers))
        case Commit():
            yield {"uri": f"git+{content.url}@{content.id}", "digest": {"gitCommit": content.id}}


def _own(stages: Iterable[Stage]) -> Iterator[Json]:
    """The files of stages that are of the checkout, or made from it: a changed checkout has others than its commit."""
    yield from _distinct(
        {"name": f"{stage.name}/{file.name}", "digest": {"sha256": file.sha256}}
        for stage in stages
        for file in stage.files
        if isinstance(file.content, bytes)
    )


def _packages(installed: Iterable[Distribution], stages: Iterable[Stage]) -> Iterator[Json]:
    """Distributions that no stage has."""
    there = {file.sha256 for stage in stages for file in stage.files}
    yield from _distinct(_distribution(one) for one in installed if one.sha256 not in there)


def _distribution(one: Distribution) -> Mapping[str, Json]:
    name, _, version = one.line.partition(" ")[0].partition("==")
    uri = one.url or f"pkg:pypi/{name}@{quote(version)}"
    return {"name": one.file, "uri": uri, "digest": {"sha256": one.sha256}}


def _artifact(one: Artifact) -> Json:
    return {"name": one.name, "digest": {"sha256": one.sha256}}


def _source(source: Source) -> Mapping[str, Json]:
    """A file by its name, and the first address of the web that needs no login."""
    public = (one for one in source.places if one.startswith("http") and without_credentials(one) == one)
    uri = next(public, None)
    return {"name": source.file, **({"uri": uri} if uri else {}), "digest": {"sha256": source.sha256}}


def _distinct(described: Iterable[Mapping[str, Json]]) -> Iterator[Json]:
    """Each content once, by its first name."""
    seen: dict[str, Mapping[str, Json]] = {}
    for one in described:
        seen.setdefault(str(one["digest"]), one)
    yield from map(dict, seen.values())
