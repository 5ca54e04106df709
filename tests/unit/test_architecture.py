"""Who imports whom, and who alone may do what: read from the source of every module."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "builder").rglob("*.py"))
}
OUTSIDE = {name: path for name, path in MODULES.items() if not name.startswith("builder.inside")}
INSIDE = {name: path for name, path in MODULES.items() if name.startswith("builder.inside")}

# The rooms of builder/: a module imports only from the rows before its own, and from its own folder.
# docs/how-it-works.md has the same list; a test compares them.
ORDER = [
    [
        "errors",
        "connections",
        "command",
        "console",
        "files",
        "secrecy",
        "targets",
        "versions",
        "work",
        "artifact_dir",
        "threads",
    ],
    ["inputs"],
    ["trust"],
    ["sources"],
    ["roots"],
    ["stages"],
    ["plan"],
    ["cache"],
    ["engines"],
    ["pipeline"],
    ["proof"],
    ["artifacts"],
    ["audit"],
    ["sessions"],
]
LONGEST_FUNCTION = 60  # lines
MOST_PARAMETERS = {"stream": 7}  # subprocess's own, by name
POSITION = {part: position for position, parts in enumerate(ORDER) for part in parts}

# What only some modules may import or call: a module or name, and these modules.
PRIVILEGES = {
    "docker": ("builder.engines.",),
    "requests": ("builder.connections", "builder.sources.download", "builder.cache.webdav"),
    "jinja2": ("builder.inputs.deb_recipe",),
    "tomllib": ("builder.inputs.toml",),
    # What others made is read by `inputs/tarball`, or checked by `cache/archive`.
    "tarfile.open": (
        "builder.inputs.tarball",
        "builder.cache.archive",
        "builder.engines.container",
        "builder.sources.sysroot",
    ),
    "trustme": ("builder.proof.prover",),
    # The others have the types of keys only, for what they hand on.
    "cryptography": (
        "builder.trust.",
        "builder.cache.signatures",
        "builder.pipeline.artifacts",
        "builder.pipeline.stores",
    ),
    "subprocess": ("builder.command",),
    "multiprocessing": (),
    "pty": (),
    "os.system": (),
    "os.popen": (),
    "os.fork": (),
    "os.exec": ("builder.command",),
    "os.spawn": (),
    "os.posix_spawn": (),
    "os.environ": ("builder.inputs.environment",),
    "os.getenv": ("builder.inputs.environment",),
    "os.putenv": (),
}


def used(path: Path) -> Iterator[str]:
    """Every module a file imports and every name it takes from one, dotted, wherever it does so."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"


def imports(path: Path) -> set[str]:
    """Our modules that a file imports."""
    return {name for name in used(path) if name in MODULES and name != "builder"} - {"builder.inside"}


def part(name: str) -> str:
    """The module or package right below `builder`."""
    return name.split(".")[1]


def is_about(name: str, what: str) -> bool:
    """Whether a used name is what a privilege is about: a module with all that is in it, or a family of functions."""
    return name == what or name.startswith(f"{what}.") or ("." in what and name.startswith(what))


def test_the_reader_sees_every_way_to_use_something(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text("import a.b\nfrom c import d as e\ndef f():\n    import g\n    os.execvp('x')\n")
    assert {*used(file)} == {"a.b", "c", "c.d", "g", "os.execvp"}
    assert is_about("os.execvp", "os.exec")
    assert not is_about("dockerish", "docker")


def test_every_part_has_its_place_in_the_order() -> None:
    assert {part(name) for name in OUTSIDE if name != "builder"} == {*POSITION}


@pytest.mark.parametrize("name", [name for name in OUTSIDE if name != "builder"])
def test_a_module_imports_only_what_is_before_it(name: str) -> None:
    ground = {*ORDER[0]}
    others = {other for other in imports(MODULES[name]) if part(other) != part(name)}
    others = {other for other in others if not {part(other), part(name)} <= ground}  # no circles: the next test
    assert [other for other in others if POSITION[part(other)] >= POSITION[part(name)]] == []


def test_no_modules_import_each_other() -> None:
    graph = {name: imports(path) - {name} for name, path in MODULES.items()}
    assert [*TopologicalSorter(graph).static_order()]


def functions(name: str) -> Iterator[ast.FunctionDef]:
    """Every function of a module."""
    return (node for node in ast.walk(ast.parse(MODULES[name].read_text())) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("name", MODULES)
def test_a_function_is_short_and_takes_few_things(name: str) -> None:
    long = [one.name for one in functions(name) if (one.end_lineno or 0) - one.lineno >= LONGEST_FUNCTION]
    arguments = {
        one.name: {arg.arg for arg in (*one.args.args, *one.args.kwonlyargs)} - {"self"} for one in functions(name)
    }
    many = [function for function, names in arguments.items() if len(names) > MOST_PARAMETERS.get(function, 6)]
    assert (long, many) == ([], [])


@pytest.mark.parametrize("name", OUTSIDE)  # those inside are part of keys
def test_nothing_bears_its_modules_name(name: str) -> None:
    defined = (node for node in ast.parse(MODULES[name].read_text()).body if hasattr(node, "name"))
    assert name.rpartition(".")[2] not in {node.name for node in defined}


def test_the_documentation_has_the_same_list_of_rooms() -> None:
    text = (ROOT / "docs" / "how-it-works.md").read_text().partition("## The rooms of builder/")[2]
    rows = [re.findall(r"`(\w+)/?`", line.split("|")[1]) for line in text.splitlines() if line.startswith("| `")]
    assert rows == [*ORDER, ["inside"]]


def test_each_path_that_contributors_are_sent_to_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    paths = re.findall(r"`((?:builder|tests|docs|recipes|remote_cache|\.github)/[\w./-]*)`", text)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_tests_use_support_and_not_each_other() -> None:
    found = [
        (path.relative_to(ROOT), name)
        for path in (ROOT / "tests").rglob("*.py")
        for name in used(path)
        if name.startswith("tests.") and not name.startswith("tests.support")
    ]
    assert found == []


@pytest.mark.parametrize("what", PRIVILEGES)
def test_only_those_allowed_use_it(what: str) -> None:
    users = {name for name, path in OUTSIDE.items() if any(is_about(one, what) for one in used(path))}
    assert {name for name in users if not name.startswith(PRIVILEGES[what] or ("nobody",))} == set()


SBOM = [name for name in INSIDE if name.startswith("builder.inside.sbom.")]


@pytest.mark.parametrize("name", INSIDE)
def test_what_runs_inside_a_build_needs_hardly_more_than_the_standard_library(name: str) -> None:
    tree = ast.walk(ast.parse(MODULES[name].read_text()))
    found = {alias.name for node in tree if isinstance(node, ast.Import) for alias in node.names}
    froms = {str(n.module) for n in ast.walk(ast.parse(MODULES[name].read_text())) if isinstance(n, ast.ImportFrom)}
    # Those that are run as modules of their package share these, and what travels with them.
    shared = {"builder.inside.proof.report", "builder.inside.linkage", "builder.inside.movable", *SBOM}
    libraries = {
        "builder.inside.linkage": ("elftools.",),
        "builder.inside.check_licenses": ("license_expression",),
        **dict.fromkeys(SBOM, ("cyclonedx.", "packageurl")),
    }
    travels = {one for one in froms if one.startswith(libraries.get(name, ()))}
    outside = (found | froms) - shared - travels
    assert {one.partition(".")[0] for one in outside} <= sys.stdlib_module_names


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_short_and_says_in_one_sentence_what_it_is_for(name: str) -> None:
    text = MODULES[name].read_text()
    assert len(text.splitlines()) <= 250
    assert (ast.get_docstring(ast.parse(text)) or "").splitlines()[0].endswith((".", ":"))
