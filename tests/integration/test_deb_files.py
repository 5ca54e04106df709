"""What recipes/deb/files holds, packed by the real steps with Debian's tools, around a runtime of two files."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path, PurePosixPath

import pytest

from builder.engines.base import Item
from builder.engines.host import HostWorkplace
from builder.inputs import deb_recipe
from builder.inputs.network import Network
from builder.plan import plan_deb
from builder.stages.pip import PARENT
from tests.support.debs import Deb
from tests.support.factories import inputs

pytestmark = pytest.mark.needs("debian")


def runtime(*names: str) -> bytes:
    """An archive of a runtime: a program, which needs the C library, and some files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add("/bin/true", "./bin/python")
        for name in names:
            archive.addfile(tarfile.TarInfo(f"./{name}"))
    return packed.getvalue()


def pack(tmp_path: Path, files: Path, parent: bytes) -> str:
    """Carry the stage of the .deb out; the name of the step that failed, or nothing."""
    recipe = tmp_path / "recipe"
    shutil.copytree(Path(__file__).parents[2] / "recipes/deb", recipe)
    shutil.copytree(files, recipe / "files", symlinks=True)
    given = inputs(tmp_path)
    read = deb_recipe.read(recipe)
    stage = plan_deb(given.plan(), read).stage
    place = HostWorkplace(PurePosixPath("/prt"), tmp_path / "work", Network(None, {}, {}))
    (tmp_path / "work/tmp").mkdir(parents=True)
    place.put([Item(PARENT, parent)])
    for file in stage.files:
        assert isinstance(file.content, bytes)
        place.put([Item(file.name, file.content, file.executable)])
    return next((step.name for step in stage.steps if place.run(step, print)), "")


def test_files_links_and_folders_arrive_as_they_are(tmp_path: Path) -> None:
    files = tmp_path / "given"
    (files / "usr/bin").mkdir(parents=True)
    (files / "usr/bin/tool").write_text("#!/bin/sh\n")
    (files / "usr/bin/tool").chmod(0o700)
    (files / "usr/bin/python-ours").symlink_to("/prt/bin/python")
    (files / "usr/lib/ours").mkdir(parents=True)
    (files / "usr/lib/ours/data").write_text("x")
    (files / "usr/lib/theirs").symlink_to("ours")
    (files / "prt/extra").mkdir(parents=True)
    (files / "prt/extra/note").write_text("x")
    (files / "var/lib/ours").mkdir(parents=True)
    (files / "var/lib/ours/.gitkeep").touch()
    (files / "etc/ours").mkdir(parents=True)
    (files / "etc/ours/a.conf").write_text("x")
    (files / "etc/ours/b.conf").symlink_to("a.conf")
    assert pack(tmp_path, files, runtime("lib/os.py")) == ""
    deb = Deb(tmp_path / "work/package.deb")
    found = {path: mode for mode, _, path in deb.listing()}
    assert found["/usr/bin/tool"] == "-rwxr-xr-x"
    assert found["/var/lib/ours/"] == "drwxr-xr-x"
    assert {found["/prt/extra/note"], found["/prt/lib/os.py"]} == {"-rw-r--r--"}
    root = deb.unpacked(tmp_path / "root")
    links = {str(path.relative_to(root)): str(path.readlink()) for path in root.rglob("*") if path.is_symlink()}
    assert links == {"usr/bin/python-ours": "/prt/bin/python", "usr/lib/theirs": "ours", "etc/ours/b.conf": "a.conf"}
    assert (root / "DEBIAN/conffiles").read_text() == "/etc/ours/a.conf\n"


@pytest.mark.parametrize("link", [True, False])
def test_what_the_runtime_has_as_well_is_lost_under_neither(tmp_path: Path, link: bool) -> None:
    files = tmp_path / "given"
    (files / "prt/lib").mkdir(parents=True)
    if link:
        (files / "prt/lib/os.py").symlink_to("other")
    else:
        (files / "prt/lib/os.py").touch()
    assert pack(tmp_path, files, runtime("lib/os.py")) == ("link prt/lib/os.py" if link else "unpack runtime")
