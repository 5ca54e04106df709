"""A tree that is made movable: what named its folder works in another one; and the check that names what would not."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SAY = "import sys; print(sys.argv)\n"
LIB = "lib/python3.99"
SITE = f"{LIB}/site-packages"


def program(name: str, root: Path) -> subprocess.CompletedProcess[str]:
    args = [sys.executable, "-B", "-m", f"builder.inside.{name}", str(root)]
    return subprocess.run(args, cwd=ROOT, capture_output=True, text=True, check=False)


def made_movable(root: Path) -> None:
    done = program("movable", root)
    assert done.returncode == 0, done.stderr


def complaints(root: Path) -> str:
    """What the check says; nothing if it has nothing to say."""
    return program("check_movable", root).stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with an interpreter, which is this one."""
    for name in ("bin", f"{LIB}/config-3.99", "lib/pkgconfig", SITE):
        (tmp_path / "prt" / name).mkdir(parents=True)
    (tmp_path / "prt" / "bin" / "python3").symlink_to(sys.executable)
    return tmp_path / "prt"


def script(root: Path, text: str, name: str = "bin/say") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def moved(root: Path) -> Path:
    """The tree in a folder with a blank and a letter beyond ASCII."""
    elsewhere = root.parent / "a b" / "ü"
    elsewhere.parent.mkdir()
    return root.rename(elsewhere)


def said(*command: Path | str, cwd: Path | None = None) -> str:
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


LONG_FORM = "#!/bin/sh\n'''exec' \"{root}/bin/python3\" \"$0\" \"$@\"\n' '''\n"


@pytest.mark.parametrize("first", ["#!{root}/bin/python3\n", "#!{root}/bin/python3 -E -s\n", LONG_FORM])
@pytest.mark.needs("sh")
def test_a_script_is_started_by_its_path_through_a_link_and_from_its_own_folder(
    root: Path, tmp_path: Path, first: str
) -> None:
    script(root, first.format(root=root) + SAY)
    assert "the first line of bin/say names" in complaints(root)
    made_movable(root)
    assert complaints(root) == ""
    there = moved(root) / "bin" / "say"
    (tmp_path / "link").symlink_to(there)
    assert said(there, "x", "y z") == f"{[str(there), 'x', 'y z']}\n"
    assert said(tmp_path / "link") == f"{[str(tmp_path / 'link')]}\n"
    assert said("./say", cwd=there.parent) == f"{['./say']}\n"
    assert said("sh", "say", cwd=there.parent) == f"{['say']}\n"


def test_the_interpreter_gets_the_options_of_the_first_line(root: Path) -> None:
    path = script(root, f"#!{root}/bin/python3 -O -s\nimport sys; print(sys.flags.optimize, sys.flags.no_user_site)\n")
    made_movable(root)
    assert said(path) == "1 1\n"


def test_a_script_in_another_folder_of_the_tree_finds_the_interpreter_as_well(root: Path) -> None:
    script(root, f"#!{root}/bin/python3\n{SAY}", "venv/x/deep/say")
    made_movable(root)
    assert "say" in said(moved(root) / "venv" / "x" / "deep" / "say")


OTHERS = [
    b"#!/bin/sh\necho\n",
    b"#!/usr/bin/env python3\n",
    b"#!/prtx/bin/python3\n",
    b"#!/\xff/bin/python\n",
    b"#!",
    b"",
]


@pytest.mark.parametrize("text", OTHERS)
def test_other_scripts_stay_as_they_are(root: Path, text: bytes) -> None:
    path = script(root, "")
    path.write_bytes(text)
    made_movable(root)
    assert path.read_bytes() == text
    assert complaints(root) == ""


def test_a_script_that_can_not_have_such_first_lines_is_named(root: Path) -> None:
    path = script(root, f'#!{root}/bin/python3\n"""Say."""\nfrom __future__ import annotations\n')
    before = path.read_text()
    made_movable(root)
    assert path.read_text() == before
    assert f"the first line of bin/say names {root}" in complaints(root)


def test_a_second_time_nothing_changes(root: Path) -> None:
    path = script(root, f"#!{root}/bin/python3\n{SAY}")
    variables(root)
    made_movable(root)
    before = {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}
    assert path in before
    made_movable(root)
    assert {file: file.read_bytes() for file in root.rglob("*") if file.is_file()} == before


def test_pips_record_of_a_changed_script_is_renewed_and_of_others_kept(root: Path) -> None:
    path = script(root, f"#!{root}/bin/python3\n{SAY}")
    record = root / SITE / "x-1.dist-info" / "RECORD"
    record.parent.mkdir()
    other = '"x, y.py",sha256=abc,1\nx-1.dist-info/RECORD,,\n'
    record.write_text(f"../../../bin/say,sha256=old,1\n{other}")
    made_movable(root)
    content = path.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    assert record.read_text() == f"../../../bin/say,sha256={digest},{len(content)}\n{other}"


def variables(root: Path) -> Path:
    """sysconfig's variables as CPython writes them."""
    values = {
        "LIBDIR": f"{root}/lib",
        "prefix": str(root),
        "LDSHARED": f"cc -shared -L{root}/lib -L{root}/lib",
        "CPPFLAGS": f"-I. -I{root}/include",
        "CONFIG_ARGS": f"'--prefix={root}' '{{x}}' \"y\"",
        "LIBPL": f"{root}/{LIB}/config-3.99",
        "OTHER": f"{root}x{root}/y",
        "AR": "/usr/bin/ar",
        "INSTALL_DATA": "/usr/bin/install -c -m 644",
        "SHELL": "/bin/sh -e",
        "HAVE_TEA": 1,
    }
    path = root / LIB / "_sysconfigdata__linux_.py"
    path.write_text(f"build_time_vars = {values!r}\n")
    return path


def test_sysconfigs_variables_say_where_the_tree_is_and_name_no_folder_of_its_own_to_a_compiler(root: Path) -> None:
    name = variables(root).relative_to(root)
    made_movable(root)
    there = moved(root)
    found = runpy.run_path(str(there / name))["build_time_vars"]
    assert found["LIBDIR"] == f"{there}/lib"
    assert found["prefix"] == str(there)
    assert found["LIBPL"] == f"{there}/{LIB}/config-3.99"
    assert found["CONFIG_ARGS"] == f"'--prefix={there}' '{{x}}' \"y\""
    assert found["OTHER"] == f"{root}x{root}/y"  # that only looks like it
    assert (found["LDSHARED"], found["CPPFLAGS"], found["HAVE_TEA"]) == ("cc -shared", "-I.", 1)
    assert (found["AR"], found["INSTALL_DATA"], found["SHELL"]) == ("ar", "install -c -m 644", "/bin/sh -e")


@pytest.mark.parametrize("there", [True, False])
def test_sysconfig_names_libpython_if_it_is_there(root: Path, there: bool) -> None:
    path = variables(root)
    path.write_text(path.read_text().replace("'HAVE_TEA': 1", "'LDLIBRARY': 'libpython3.99.a'"))
    if there:
        (root / "lib" / "libpython3.99.so.1.0").touch()
    made_movable(root)
    found = runpy.run_path(str(path))["build_time_vars"]
    assert found["LDLIBRARY"] == ("libpython3.99.so" if there else "libpython3.99.a")
    assert found.get("INSTSONAME") == ("libpython3.99.so.1.0" if there else None)
    assert found.get("Py_ENABLE_SHARED") == (1 if there else None)


def test_the_copy_of_the_variables_that_can_not_find_itself_goes(root: Path) -> None:
    (root / LIB / "_sysconfig_vars__linux_.json").write_text("{}")
    made_movable(root)
    assert not list(root.rglob("_sysconfig_vars*"))


def test_build_details_have_relative_paths_and_no_library_that_is_not_there(root: Path) -> None:
    libraries = {"static": f"{root}/lib/libpython3.99.a"}
    (root / "lib" / "libpython3.99.so.1.0").touch()
    details = {
        "base_prefix": str(root), "base_interpreter": f"{root}/bin/python3.99", "libpython": libraries,
        "c_api": {"headers": f"{root}/include/python3.99"},
    }  # fmt: skip
    path = root / LIB / "build-details.json"
    path.write_text(json.dumps(details))
    made_movable(root)
    found = json.loads(path.read_text())
    assert (path.parent / found["base_prefix"]).resolve() == root
    assert found["base_interpreter"] == "./bin/python3.99"
    assert found["libpython"] == {"dynamic": "./lib/libpython3.99.so.1.0", "link_extensions": False}
    assert found["c_api"] == {"headers": "./include/python3.99"}


def test_build_details_are_made_where_cpython_makes_none(root: Path) -> None:
    made_movable(root)
    found = json.loads((root / LIB / "build-details.json").read_text())
    assert (found["schema_version"], found["base_prefix"], "libpython" in found) == ("1.0", "../..", False)
    version = {"major": sys.version_info[0], "minor": sys.version_info[1]}
    assert version.items() <= found["language"]["version_info"].items()
    assert found["implementation"]["version"] == found["language"]["version_info"]


@pytest.mark.needs("pkg-config")
def test_pkg_config_finds_the_moved_tree(root: Path) -> None:
    text = f"prefix={root}\nlibdir={root}/lib\nName: x\nDescription: x\nVersion: 1\n"
    text += f"Libs: -L${{libdir}} -lx -L{root}/lib\nCflags: -I${{prefix}}/include/python3.99\n"
    (root / "lib" / "pkgconfig" / "x.pc").write_text(text)
    assert f"lib/pkgconfig/x.pc names {root}" in complaints(root)
    made_movable(root)
    assert complaints(root) == ""
    there = root.rename(root.parent / "there")
    env = {**os.environ, "PKG_CONFIG_PATH": str(there / "lib" / "pkgconfig")}
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "x"], env=env, check=True, capture_output=True, text=True
    )
    paths = [Path(word[2:]).resolve() for word in flags.stdout.split() if word != "-lx"]
    assert paths == [there / "include" / "python3.99", there / "lib"]


def test_make_finds_the_moved_tree(root: Path) -> None:
    makefile = f"{LIB}/config-3.99/Makefile"
    (root / makefile).write_text(f"prefix=\t{root}\nLIBDIR=\t{root}/lib\nLIBS= -ldl -L{root}/lib\n")
    made_movable(root)
    here = "$(abspath $(dir $(lastword $(MAKEFILE_LIST)))../../..)"
    assert (root / makefile).read_text() == f"prefix=\t{here}\nLIBDIR=\t{here}/lib\nLIBS= -ldl\n"


# As CPython has it, with its indents.
PYTHON_CONFIG = """#!{root}/bin/python3
getvar, libs = str, []
for opt in ["--ldflags"]:
    if opt:
        if opt:
            if not getvar('Py_ENABLE_SHARED'):
                libs.insert(0, '-L' + getvar('LIBPL'))
print(libs)
"""


def test_python_config_is_the_one_that_asks_the_interpreter(root: Path) -> None:
    script(root, "#!/bin/sh\necho breaks with blanks\n", "bin/python3.99-config")
    (root / "bin" / "python3-config").symlink_to("python3.99-config")
    script(root, PYTHON_CONFIG.format(root=root), f"{LIB}/config-3.99/python-config.py")
    made_movable(root)
    assert said(moved(root) / "bin" / "python3-config") == "['-LLIBDIR']\n"


@pytest.mark.needs("bash")
def test_a_virtual_environment_of_the_tree_moves_with_it(root: Path) -> None:
    venv = root / "venv" / "x"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    base = Path(os.path.realpath(sys.executable))
    for link in (venv / "bin").iterdir():  # as one that the tree's own interpreter made
        if link.is_symlink() and os.path.isabs(os.readlink(link)):
            link.unlink()
            link.symlink_to(root / "bin" / "python3")
    script(root, f"#!{venv}/bin/python3\nimport sys; print(sys.prefix)\n", "venv/x/bin/say")
    (root / "bin" / "say").symlink_to(venv / "bin" / "say")
    assert "bin/say is a link to" in complaints(root)
    made_movable(root)
    assert complaints(root) == ""
    there = moved(root)
    assert said(there / "bin" / "say") == f"{there}/venv/x\n"
    asked = "import sys; print(sys.prefix, sys.base_prefix)"
    base_prefix = said(base, "-c", "import sys; print(sys.prefix)").strip()
    assert said(there / "venv" / "x" / "bin" / "python", "-c", asked) == f"{there}/venv/x {base_prefix}\n"
    activated = f'. "{there}/venv/x/bin/activate" && echo "$VIRTUAL_ENV"'
    assert said("bash", "-c", activated) == f"{there}/venv/x\n"


def program_with_library(root: Path, folder: Path, function: str) -> Path:
    """A program that finds a library of the tree, which has a function, by the whole path of its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    library = ("-shared", "-o", f"{root}/lib/libx.so"), f"int {function}(void) {{ return 7; }}"
    search = f"-Wl,-rpath,/usr/none:{root}/lib"
    main = f"int {function}(void); int main(void) {{ return {function}(); }}"
    program = ("-o", f"{folder}/x", search, f"-L{root}/lib"), main
    for flags, source in (library, program):
        linked = ("-lx",) if "-shared" not in flags else ()
        subprocess.run(["gcc", "-x", "c", "-", *flags, *linked], input=source, check=True, text=True)
    return folder / "x"


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("folder", ["bin", "deep/" * 60], ids=["a path that fits", "a path that would be too long"])
def test_a_program_finds_a_library_of_the_moved_tree(root: Path, folder: str) -> None:
    name = program_with_library(root, root / folder, "seven").relative_to(root)
    assert f"{name} looks for libraries in {root}/lib" in complaints(root)
    made_movable(root)
    assert str(root) not in complaints(root)
    assert subprocess.run([moved(root) / name], check=False).returncode == 7


@pytest.mark.needs("gcc")
def test_a_search_path_that_shares_its_bytes_with_a_name_stays_and_is_named(root: Path) -> None:
    program = program_with_library(root, root / "bin", "lib")  # the linker has it as the end of the path
    before = program.read_bytes()
    made_movable(root)
    assert program.read_bytes() == before
    assert f"bin/x looks for libraries in {root}/lib" in complaints(root)


@pytest.mark.needs("gcc")
@pytest.mark.parametrize(
    ("name", "folder", "named"),
    [
        ("lib/x.so", "/usr/src", True),
        ("lib/x.so", "$ORIGIN/../y", False),
        (f"{SITE}/x.so", "/usr/local/cuda", False),
        (f"{SITE}/x.so", "{root}/lib", True),
    ],
)
def test_a_library_that_looks_into_a_fixed_folder_is_named(root: Path, name: str, folder: str, named: bool) -> None:
    folder = folder.format(root=root)
    compiler = ["gcc", "-shared", f"-Wl,-rpath,{folder}", "-x", "c", "/dev/null", "-o", str(root / name)]
    subprocess.run(compiler, check=True)
    assert (f"{name} looks for libraries in {folder}" in complaints(root)) is named
