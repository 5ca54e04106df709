"""A Debian package of a few files, with the scripts of recipes/deb: dpkg installs and removes it within a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from builder.inputs import deb_recipe
from builder.inputs.deb_recipe import DebRecipe
from tests.support.debs import output

RECIPE = deb_recipe.read(Path(__file__).parents[2] / "recipes/deb")
SCRIPTS = DebRecipe({kind: RECIPE.texts[kind] for kind in ("prerm", "postrm")})
FILES = {
    "prt/bin/python": "",
    "prt/lib/a.py": "a",
    "prt/lib/__pycache__/a.cpython-313.pyc": "a",
    "prt/lib/old/b.py": "b",
    "prt/lib/old/__pycache__/b.cpython-313.pyc": "b",
    "usr/share/doc/prt/copyright": "",
}

Guard = tuple[str, str, str] | None  # a script, a text in it, and what is put in its place


@dataclass(frozen=True)
class Small:
    """A small package with the scripts of recipes/deb; `without` takes a guard out of one of them."""

    name: str = "prt"
    version: str = "1"
    prt_root: str = "/prt"
    fields: str = ""  # lines of the control file
    files: dict[str, str] = field(default_factory=lambda: FILES)
    scripts: dict[str, str] = field(default_factory=dict)
    without: Guard = None

    def build(self, folder: Path) -> Path:
        """The package's file."""
        root = folder / f"{self.name}_{self.version}"
        words = {"package": self.name, "other": f"{self.name}-dev", "prt_root": self.prt_root}
        scripts = {kind: text.decode() for kind, text in SCRIPTS.render(words).items()}
        if self.without:
            kind, guard, instead = self.without
            if guard not in scripts[kind]:
                raise LookupError(guard)
            scripts[kind] = scripts[kind].replace(guard, instead)
        control = (
            f"Package: {self.name}\nVersion: {self.version}\nArchitecture: all\n"
            f"Maintainer: Jo <jo@x.org>\nDescription: x\n{self.fields}"
        )
        for name, text in {**self.files, "DEBIAN/control": control}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        for kind, text in {**scripts, **self.scripts}.items():
            (root / "DEBIAN" / kind).write_text(text)
            (root / "DEBIAN" / kind).chmod(0o755)
        sums = "find . -type f ! -path './DEBIAN/*' -printf '%P\\n' | sort | xargs -d '\\n' md5sum > DEBIAN/md5sums"
        output("sh", "-c", sums, cwd=root)
        path = root.with_suffix(".deb")
        output("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(root), str(path))
        return path
