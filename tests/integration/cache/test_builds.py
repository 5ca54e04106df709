"""Whole builds that share a cache: the second compiles nothing, and no trouble with the server fails one."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.cache.conformance import points
from builder.cache.credentials import Credentials
from builder.cache.patience import Trouble
from builder.cache.webdav import WebDav
from builder.console import Console
from builder.engines.base import Output
from builder.errors import BuildError
from builder.inputs.environment import whole_environment
from builder.pipeline import stores
from builder.pipeline.pipeline import Pipeline
from builder.stages.stage import Step
from builder.targets import Arch, Target, Variant
from tests.support.checkout import ROOT, Checkout
from tests.support.factories import checkout, project
from tests.support.patches import patched_copy
from tests.support.recorder import Answer, Recorder, RecordingWorkplace
from tests.support.scene import file, tgz
from tests.support.servers import PASSWORD, USER, Server, free_port, nginx

pytestmark = pytest.mark.needs("nginx")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server as we ship it."""
    with nginx(tmp_path / "server") as one:
        yield one


def build(root: Path, server: Server, engine: Acting, arch: Arch = Arch.AMD64, mode: str = "read-write") -> str:
    """Build the runtime with canned bytes for compiling; what the user sees."""
    console = Console(stream=io.StringIO())
    given = project(
        root,
        COMPILE="across",
        LIBRARIES="bundled",
        CACHE_URL=server.url,
        CACHE_MODE=mode,
        CACHE_USER=USER,
        CACHE_PASSWORD=PASSWORD,
    )
    pipeline = Pipeline(given, engine, console, stores.source_shelf(given, console.say))
    pipeline.build(Target(Variant.RUNTIME, arch))
    assert isinstance(console.stream, io.StringIO)
    return console.stream.getvalue()


@dataclass
class ActingPlace(RecordingWorkplace):
    """Makes real archives, and does something as a step begins."""

    at: str = ""
    act: Callable[[], object] = bool

    def run(self, step: Step, on_output: Output) -> int:
        """Act first, if it is the step."""
        if step.name.startswith(self.at or "\0"):
            self.act()
        return super().run(step, on_output)

    def get(self, name: str, destination: Path) -> None:
        """An archive that can be unpacked."""
        if name.endswith(".tgz"):
            destination.write_bytes(tgz(file(f"made/{name}", 9)))
        else:
            super().get(name, destination)


@dataclass
class Acting(Recorder):
    """An engine that does something as a step begins."""

    at: str = ""
    act: Callable[[], object] = bool

    @contextmanager
    def workplace(self, arch: Arch, compiles: bool = False) -> Iterator[RecordingWorkplace]:
        """Open a workplace that acts."""
        place = ActingPlace(self.answers, compiles=compiles, arch=arch, at=self.at, act=self.act)
        self.workplaces.append(place)
        yield place

    @property
    def compiled(self) -> list[str]:
        """The steps that compiled something."""
        return [step.name for place in self.workplaces if place.compiles for step in place.steps]


def clones(folder: Path, count: int = 2) -> list[Path]:
    """Small checkouts, each in a folder of its own."""
    made = []
    for number in range(count):
        root = folder / f"clone-{number}"
        root.mkdir()
        made.append(checkout(root))
    return made


def test_the_second_clone_compiles_nothing_and_counts_what_that_saved(server: Server, tmp_path: Path) -> None:
    first, second = clones(tmp_path)
    engine = Acting()
    build(first, server, engine)
    assert engine.compiled
    engine = Acting()
    shown = build(second, server, engine, mode="read")
    assert engine.compiled == []
    assert "check modules" in engine.step_names, "what was restored is proved here"
    assert "warning" not in shown
    stats = json.loads((second / "out" / "cache-stats.json").read_text())
    assert stats["hits"] == {"local": 0, "remote": 2}, "interpreter and lock"
    assert stats["bytes"]["read"] > 0
    assert stats["troubles"] == {}


def test_refresh_builds_again_and_replaces(server: Server, tmp_path: Path) -> None:
    first, second = clones(tmp_path)
    build(first, server, Acting())
    server.log.write_text("")
    engine = Acting()
    shown = build(second, server, engine, mode="refresh")
    assert engine.compiled
    assert "CACHE_MODE=refresh" in shown
    assert len([code for _, path, code in server.requests("PUT") if path.endswith(".json") and code == 204]) == 6
    assert server.requests("GET") == []


def test_both_architectures_in_parallel_against_one_cache_never_meet(server: Server, tmp_path: Path) -> None:
    roots = clones(tmp_path, 4)
    threads = [
        threading.Thread(target=build, args=(root, server, Acting(), arch))
        for root, arch in zip(roots[:2], Arch, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for root, arch in zip(roots[2:], Arch, strict=True):
        engine = Acting()
        build(root, server, engine, arch, mode="read")
        assert engine.compiled == []
        assert {place.arch for place in engine.workplaces} == {arch}
    entries = [json.loads(path.read_text()) for path in server.data.rglob("interpreter/*/*.json")]
    assert sorted(one["inputs"]["arch"] for one in entries) == ["amd64", "arm64"]


def test_two_builds_at_once_in_one_checkout_share_the_work(server: Server, tmp_path: Path) -> None:
    (root,) = clones(tmp_path, 1)
    compiling, released = threading.Event(), threading.Event()

    def pause() -> None:
        compiling.set()
        released.wait(10)

    first, second = Acting(at="compile CPython", act=pause), Acting()
    shown: list[str] = []
    one = threading.Thread(target=build, args=(root, server, first))
    two = threading.Thread(target=lambda: shown.append(build(root, server, second)))
    one.start()
    compiling.wait(10)
    two.start()
    two.join(0.5)
    assert two.is_alive()
    released.set()
    one.join()
    two.join()
    assert second.compiled == []
    assert "another build makes the same: waiting for it" in shown[0]


def test_a_server_killed_in_the_middle_of_a_build_is_reported_once(server: Server, tmp_path: Path) -> None:
    (root,) = clones(tmp_path, 1)
    shown = build(root, server, Acting(at="compile CPython", act=server.stop))
    assert shown.count("warning: cache:") == 1
    assert "127.0.0.1" in shown
    assert (root / "out" / "prt_v0_amd64.tgz").is_file()
    engine = Acting()
    assert "up to date" in build(root, server, engine)


def test_a_proof_that_fails_after_the_build_stores_nothing_anywhere(server: Server, tmp_path: Path) -> None:
    (root,) = clones(tmp_path, 1)
    with pytest.raises(BuildError):
        build(root, server, Acting(answers={"check modules": Answer(1)}))
    assert [*server.data.rglob("interpreter")] == []
    assert [*(root / "out" / "cache" / "v1").rglob("interpreter")] == []


def test_credentials_enter_no_container_and_no_log(server: Server, tmp_path: Path) -> None:
    (root,) = clones(tmp_path, 1)
    engine = Acting()
    shown = build(root, server, engine)
    given = repr([(place.steps, place.items) for place in engine.workplaces])
    files = [path for path in (root / "out").rglob("*") if path.is_file()]
    assert PASSWORD not in shown + given
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []


@pytest.mark.needs("docker")
def test_a_second_clean_clone_restores_the_same_bytes_and_compiles_nothing(
    docker_checkout: Checkout, server: Server, tmp_path: Path
) -> None:
    setting = {"CACHE_URL": server.url}
    docker_checkout.nox("upload-cache", CACHE_USER=USER, CACHE_PASSWORD=PASSWORD, **setting).succeeds()
    second = patched_copy(tmp_path / "second")
    text = second.nox("runtime", PIP_INDEX_URL="http://127.0.0.1:9/", **setting).succeeds()
    assert "compile" not in text.replace("compile bytecode", "")
    assert "interpreter: from the cache" in text
    assert "0 local, 2 remote hits, 0 misses" in text  # the interpreter, and the wheel of the example's own code
    restored, original = (
        {path.name for path in (one.out / "cache" / "v1" / "cas").rglob("*") if path.is_file()}
        for one in (second, docker_checkout)
    )
    assert restored <= original, "content is named by its digest"
    assert "warning" not in text


MEMORY = """
import hashlib, resource, sys, os
from pathlib import Path
from builder.cache.credentials import Credentials
from builder.cache.webdav import WebDav
url, folder, user, password = sys.argv[1:]
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
server = WebDav(url, Credentials("us", user=user, password=password))
server.size("v1/cas/sha256/00/" + "0" * 64)
blob = Path(folder, "blob")
seen = hashlib.sha256()
with blob.open("wb") as file:
    for number in range(500):
        chunk = bytes([number % 256]) * 1_000_000
        seen.update(chunk)
        file.write(chunk)
name = f"v1/cas/sha256/{seen.hexdigest()[:2]}/{seen.hexdigest()}"
before = peak()
server.write(name, blob)
assert server.download(name, 500_000_000, Path(folder, "again")) == seen.hexdigest()
print(peak() - before)
"""


def test_a_blob_of_500_mb_costs_no_more_than_64_mb_of_memory(server: Server, tmp_path: Path) -> None:
    args = [sys.executable, "-c", MEMORY, server.url, str(tmp_path), USER, PASSWORD]
    done = subprocess.run(args, cwd=ROOT, check=True, capture_output=True, text=True)
    assert int(done.stdout) < 64_000_000


@pytest.mark.needs("docker", "compose")
def test_the_server_starts_with_one_command_passes_the_check_and_trims_itself(tmp_path: Path) -> None:
    folder = tmp_path / "remote_cache"
    shutil.copytree(ROOT / "remote_cache", folder)
    hashed = subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], check=True, capture_output=True, text=True)
    (folder / "users").write_text(f"{USER}:{hashed.stdout}")
    base = whole_environment().get("BASE_IMAGE", "debian:bookworm-slim").replace("{arch}", Arch.native().value)
    env = {**whole_environment(), "PORT": str(free_port())}

    def compose(*args: str) -> str:
        command = ["docker", "compose", "--project-name=prt-test-cache", *args]
        return subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True).stdout

    compose("build", f"--build-arg=BASE_IMAGE={base}")
    try:
        compose("up", "--detach", "--wait")
        server = WebDav(f"http://127.0.0.1:{env['PORT']}", Credentials("us", user=USER, password=PASSWORD))
        assert [point for point in points(server) if point.seen] == []
        said = compose("exec", "-T", "cache", "./trim", "data", "--max-age=0", "--grace=0")
        assert re.search(r"^[1-9]\d* files, [\d,]+ bytes removed$", said, re.MULTILINE)
        env["READS"] = "protected"
        compose("up", "--detach", "--wait")
        reader = WebDav(server.url)
        with pytest.raises(Trouble, match="401"):
            reader.read("v1/cas/sha256/00/" + "0" * 64, 1)
    finally:
        compose("down", "--volumes", "--rmi=local")
