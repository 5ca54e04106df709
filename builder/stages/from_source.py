"""A package that is built from source: where that is, by the lock, and what the build needs, by a lock of its own."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from packaging.pylock import Package, PackageArchive, PackageDirectory, PackageSdist, PackageVcs

from builder.inputs import build_system
from builder.inputs.commit import Commit
from builder.inputs.pins import Source
from builder.inputs.recipe import Recipe, RecipeFile, SourceTree, Venv
from builder.stages.lock import Distribution
from builder.stages.stage import File, Json

Origin = SourceTree | RecipeFile | Source | Commit
FOLDER, ARCHIVE = "source", "source.tar"  # of a workplace
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SDIST = re.compile(r"\w[\w.+!-]*\.(tar\.\w+|tgz)", re.ASCII)
# Others run programs: https://git-scm.com/docs/gitremote-helpers
_REPOSITORY = re.compile(r"(https?|ssh|git|file)://[^-].*", re.DOTALL)


@dataclass(frozen=True)
class FromSource:
    """A source of a package: `version` is empty where only the build will tell; it is in a `subdirectory`.

    `requires` are the files that its build needs.
    """

    name: str
    version: str
    origin: Origin
    subdirectory: str = ""
    requires: tuple[Distribution, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """What names its content, so that other content needs another lock; a folder of the recipe may change."""
        if isinstance(self.origin, SourceTree):
            return ()
        digest = self.origin.id if isinstance(self.origin, Commit) else f"sha256:{self.origin.sha256}"
        return (f"{self.name} @ {digest}",)

    @property
    def strip(self) -> int:
        """How many folders of an archive are above the project: an sdist has one."""
        return 0 if isinstance(self.origin, Commit) else 1

    @property
    def files(self) -> tuple[File, ...]:
        """The source, as files of a stage."""
        if isinstance(self.origin, SourceTree):
            return tuple(File(f"{FOLDER}/{one.name}", one.content, one.executable) for one in self.origin.files)
        return (File(ARCHIVE, self.origin.content if isinstance(self.origin, RecipeFile) else self.origin),)

    @property
    def build_requirements(self) -> tuple[str, ...] | None:
        """What a folder of the recipe says it is built with; None for another source, which is to be fetched first."""
        if not isinstance(self.origin, SourceTree):
            return None
        return build_system.requires(self.origin.content(build_system.PYPROJECT), f"packages/{self.origin.name}")

    @property
    def described(self) -> dict[str, Json]:
        """As the manifest has it."""
        if isinstance(self.origin, Commit):
            return {"name": self.name, "source": self.origin.url, "commit": self.origin.id}
        place = self.origin.file if isinstance(self.origin, Source) else f"packages/{self.origin.name}"
        return {"name": self.name, "source": place, "sha256": self.origin.sha256}


def source_of(package: Package, artifact: object, asking: Sequence[Recipe | Venv]) -> FromSource | None:
    """What a lock has for a package, if that is a source that can be built; None if not."""
    version = str(package.version or "")
    recipes = [one for one in asking if isinstance(one, Recipe)]
    if isinstance(artifact, PackageDirectory):
        trees = {f"{one.variant.recipe_folder}/packages/{tree.name}": tree for one in recipes for tree in one.trees}
        # Paths of a lock count from its folder, which is that of the last recipe.
        path = posixpath.normpath(f"{recipes[-1].variant.recipe_folder}/{artifact.path}") if recipes else ""
        return FromSource(package.name, "", trees[path]) if path in trees else None
    if isinstance(artifact, PackageVcs):
        if not (artifact.url and _REPOSITORY.fullmatch(artifact.url) and _COMMIT.fullmatch(artifact.commit_id)):
            return None
        commit = Commit(artifact.url, artifact.commit_id)
        return FromSource(package.name, version, commit, _below(artifact.subdirectory))
    if isinstance(artifact, PackageSdist | PackageArchive):
        sha256 = artifact.hashes.get("sha256", "")
        own = next((file for one in recipes for file in one.sdists if file.sha256 == sha256), None)
        return FromSource(package.name, version, own) if own else _downloaded(package.name, version, artifact, sha256)
    return None


def _downloaded(name: str, version: str, artifact: PackageSdist | PackageArchive, sha256: str) -> FromSource | None:
    url, subdirectory = artifact.url or "", artifact.subdirectory if isinstance(artifact, PackageArchive) else None
    file = file_of(url)
    if not (is_download(url) and _SDIST.fullmatch(file) and re.fullmatch("[0-9a-f]{64}", sha256)):
        return None
    return FromSource(name, version, Source(name, version, file, sha256, (url,)), _below(subdirectory))


def file_of(url: str) -> str:
    """The name of the file that a URL leads to."""
    return PurePosixPath(unquote(re.split("[?#]", url)[0])).name


def is_download(url: str, ending: str = "") -> bool:
    """Whether a URL is one of the web, and leads to a file of that ending."""
    return re.match("https?://", url) is not None and file_of(url).endswith(ending)


def _below(subdirectory: str | None) -> str:
    """A subdirectory as a path that stays below."""
    return "/".join(part for part in PurePosixPath(subdirectory or "").parts if part not in ("/", ".."))
