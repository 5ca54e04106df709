"""Proves a finished package: it is installed in a fresh place, and every check runs, whatever the others came to."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from builder.console import Console, Log
from builder.engines.base import Engine, Item, Workplace
from builder.engines.running import new_log, run_steps
from builder.errors import BuildError
from builder.inputs.project import Project
from builder.inputs.recipe import chain_of
from builder.proof import package
from builder.proof.proof import MANIFEST, OTHER, PACKAGE, TLS, Proof
from builder.stages.stage import File, Step
from builder.targets import Format, Target
from builder.threads import side_by_side


@dataclass(frozen=True)
class Outcome:
    """How a check ended: the seconds it took, and what it said if it failed."""

    check: str
    image: str
    seconds: float
    problem: str = ""


@dataclass(frozen=True)
class Prover:
    """Proves packages of one project with one engine."""

    project: Project
    engine: Engine
    console: Console

    def why_not(self, form: Format) -> str | None:
        """Why packages of a format can't be proved; None if they can."""
        if form is Format.DEB and not self.engine.isolated:
            return "a Debian package is proved in a container or a sandbox, not on this machine itself"
        return None

    def prove(self, target: Target, form: Format, packages: Sequence[str]) -> list[Outcome]:
        """Prove a target's package on every test image.

        `packages` are file names in ARTIFACT_DIR: the package, and where there is one the other variant's.
        """
        plan = {Format.TAR: package.tarball, Format.DEB: package.deb}[form]
        proof = plan(target, self.project.settings, chain_of(self.project.recipes, target.variant))
        images = self._images(target)
        at_once = min(len(images), self.engine.at_once(target.arch))

        def on(image: str) -> list[Outcome]:
            prefix, folding = (f"{self.console.prefix}{image}: ", False) if at_once > 1 else ("", self.console.folding)
            console = replace(self.console, prefix=prefix, folding=folding)
            return [*replace(self, console=console)._on(image, proof, target, packages)]

        outcomes = side_by_side({image: partial(on, image) for image in images}, at_once, self.engine.stop)
        return [*chain.from_iterable(outcomes.values())]

    @contextmanager
    def installed(self, target: Target, archive: str) -> Iterator[Workplace]:
        """A fresh place on the first test image with the archive unpacked in it, and nothing else."""
        image = self._images(target)[0]
        log = self._log(target, "run", image)
        with self.engine.testbed(target.arch, image) as place:
            place.put([self._item(PACKAGE, archive)])
            run_steps(package.unpacked(self.project.settings.prt_root), place, self.console, log)
            yield place

    def _on(self, image: str, proof: Proof, target: Target, packages: Sequence[str]) -> Iterator[Outcome]:
        """What the checks come to on one image; an installation that fails is the only outcome."""
        settings = self.project.settings
        log = self._log(target, f"test-{packages[0].rpartition('.')[2]}", image)
        self.console.say(f"{packages[0]} on {image}:")
        with self.engine.testbed(target.arch, image) as place:
            manifest = target.artifact(settings.package_prefix, settings.package_version, "manifest.json")
            # The second name has no file where there is no other variant to exchange it for.
            brought = [self._item(*pair) for pair in zip((PACKAGE, OTHER), packages, strict=False)]
            place.put([*brought, self._item(MANIFEST, manifest), *certificates(), *map(_item, proof.files)])
            for step in proof.install:
                outcome = self._outcome(step, place, image, log)
                if outcome.problem:
                    yield outcome
                    return
            for step in proof.checks:
                yield self._outcome(step, place, image, log)

    def _outcome(self, step: Step, place: Workplace, image: str, log: Log) -> Outcome:
        started = time.monotonic()
        problem = ""
        try:
            run_steps([step], place, self.console, log)
        except BuildError:
            problem = "\n".join(log.tail) or "it failed without output"
        return Outcome(step.name, image, time.monotonic() - started, problem)

    def _item(self, name: str, artifact: str) -> Item:
        return Item(name, self.project.settings.artifact_dir / artifact)

    def _images(self, target: Target) -> Sequence[str]:
        settings = self.project.settings
        chosen = settings.test_image.split() if self.engine.isolated else ()
        return [name.replace("{arch}", target.arch.value) for name in chosen or self.engine.systems]

    def _log(self, target: Target, what: str, image: str) -> Log:
        name = re.sub(r"[^\w.-]+", "-", f"{what}-{target.variant.value}-{target.arch.value}-{image}")
        return new_log(self.project.settings.artifact_dir, name, self.project.network)


def certificates() -> Iterator[Item]:
    """A private CA of this moment, and certificates for localhost that it signed: a good one and an expired one."""
    # Imported here: no other session has to wait for it.
    import trustme

    ca = trustme.CA()
    long_ago = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    day = datetime.timedelta(days=1)
    good = ca.issue_cert("localhost")
    expired = ca.issue_cert("localhost", not_before=long_ago, not_after=long_ago + day)
    yield Item(f"{TLS}/ca.pem", ca.cert_pem.bytes())
    yield Item(f"{TLS}/server.pem", good.private_key_and_cert_chain_pem.bytes())
    yield Item(f"{TLS}/expired.pem", expired.private_key_and_cert_chain_pem.bytes())


def _item(file: File) -> Item:
    assert isinstance(file.content, bytes), f"{file.name}: a proof downloads nothing"
    return Item(file.name, file.content)
