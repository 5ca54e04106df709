"""Each library inside does what it promises: a program uses all of it, in a container where nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from docker.models.containers import Container

from builder.inputs import pins
from builder.stages.interpreter.tk_recipes import TK_LIBRARIES
from tests.support.container import execute, put
from tests.support.probes import libraries, probe
from tests.support.tree import plant

ROOT = Path(__file__).parents[2]
PROBES = {path.stem for path in Path(libraries.__file__).parent.glob("[a-z]*.py")}
SINCE_3_14 = {"zstd"}
LINE_EDITORS = {"libedit", "readline"}
ON_REQUEST = {"gdbm", "tk"}  # tests/integration/test_choices.py, test_tk.py
# As a file of Debian's SQLite would call it: by its place in the table of functions, which never changes.
EXTENSION = """
typedef int (*function)(void);
int sqlite3_extension_init(void *database, char **error, const function *api) {
    return !(api[67]() > 3000000 && api[23] && api[172]); /* version, column_database_name, unlock_notify */
}
"""
LOAD = """
import sqlite3
db = sqlite3.connect(":memory:")
db.enable_load_extension(True)
db.load_extension("/extension")
"""
LEGACY = """
openssl_conf = all
[all]
providers = both
[both]
default = active
legacy = active
[active]
activate = 1
"""
MD4 = "import hashlib; print(hashlib.new('md4', b'tea').hexdigest())"
STRICT = (
    LEGACY.replace("providers = both", "ssl_conf = tls") + "[tls]\nsystem_default = strict\n[strict]\nCurves = X448\n"
)


@pytest.fixture(scope="module")
def furnished(machine: Container) -> Container:
    """The container with what some programs ask for: certificates of servers."""
    authority = trustme.CA()
    kinds = {"rsa": trustme.KeyType.RSA, "elliptic": trustme.KeyType.ECDSA}
    for name, kind in kinds.items():
        server = authority.issue_cert("localhost", key_type=kind)
        put(machine, f"/servers/{name}.pem", server.private_key_and_cert_chain_pem.bytes())
    put(machine, "/legacy.cnf", LEGACY.encode())
    put(machine, "/strict.cnf", STRICT.encode())
    return machine


def use(container: Container, library: str, **env: str) -> None:
    """Run a library's program."""
    arguments = ("/servers/rsa.pem", "/servers/elliptic.pem") if library == "openssl" else ()
    execute(container, "/prt/bin/python", "-I", "-c", probe(f"libraries/{library}"), *arguments, **env)


def test_each_pinned_library_has_a_program_that_uses_it() -> None:
    pinned = {*pins.read(ROOT / "recipes" / "pins.toml").libraries}
    assert pinned >= LINE_EDITORS
    # One program uses Tk, and all that is inside it.
    assert pinned - LINE_EDITORS - {*TK_LIBRARIES} | {"line_editor", "tk"} == PROBES


@pytest.mark.parametrize("library", sorted(PROBES - SINCE_3_14 - ON_REQUEST))
def test_it_does_what_it_promises(furnished: Container, library: str) -> None:
    use(furnished, library)


def test_a_library_that_lacks_something_is_found(furnished: Container) -> None:
    with pytest.raises(AssertionError, match="no shared cipher"):
        use(furnished, "openssl", OPENSSL_CONF="/strict.cnf")


def test_openssl_has_its_legacy_algorithms_for_whoever_turns_them_on(furnished: Container) -> None:
    code, _ = furnished.exec_run(["/prt/bin/python", "-c", MD4])
    assert code == 1
    said = execute(furnished, "/prt/bin/python", "-c", MD4, OPENSSL_CONF="/legacy.cnf")
    assert len(said.strip()) == 32


@pytest.mark.needs("inspectors")
def test_extensions_of_sqlite_find_the_functions_that_debians_has(amd64_machine: Container, tmp_path: Path) -> None:
    extension = plant(tmp_path / "extension.so", EXTENSION, "-shared", "-fPIC", "-nostdlib")
    put(amd64_machine, "/extension.so", extension.read_bytes())
    execute(amd64_machine, "/prt/bin/python", "-c", LOAD)
