"""Artifacts that are not what was built, under the names of those that were: what a proof is for."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from builder.pipeline.artifacts import ArtifactShelf
from tests.support.checkout import Checkout
from tests.support.tree import extract


@contextmanager
def replaced(checkout: Checkout, name: str, content: Path, scratch: Path) -> Iterator[None]:
    """Put another file in the place of an artifact, as if it had been built so; the real one is back afterwards."""
    artifact, record = checkout.out / name, checkout.out / "cache" / "artifacts" / f"{name}.json"
    kept, said = scratch / f"kept-{name}", record.read_text()
    shutil.copy2(artifact, kept)
    ArtifactShelf(checkout.out).publish(content, name, json.loads(said)["key"], 0)
    try:
        yield
    finally:
        kept.replace(artifact)
        record.write_text(said)


@contextmanager
def tampered(checkout: Checkout, name: str, change: Callable[[Path], None], scratch: Path) -> Iterator[None]:
    """The same with an archive whose tree was changed."""
    tree, part = scratch / "tree", scratch / "part.tgz"
    with tarfile.open(checkout.out / name) as archive:
        extract(archive, tree)
    change(tree)
    subprocess.run(["tar", "--use-compress-program=gzip -1", "-cf", part, "-C", tree, "."], check=True)
    with replaced(checkout, name, part, scratch):
        yield
