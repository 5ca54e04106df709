"""The documentation keeps its word: links lead somewhere, commands are run, sessions and messages are there."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [*PAGES, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md"))]
MOST_LINES = 150  # of the README

# Commands in code blocks, each with the test that runs it, or what it does by other arguments.
RUN = {
    "./nox": "test_nox_alone_prints_every_setting_with_its_origin",
    "./nox -s runtime": "test_the_first_command_of_the_readme_builds_without_rights_docker_or_compiler",
    "mkdir /prt && tar -xzf out/prt_v0_amd64.tgz -C /prt": "test_an_archive_is_unpacked_as_the_readme_says_and_checked",
    "/prt/bin/uvicorn --version": "test_every_command_answers_there_and_through_a_link",
    'mkdir -p "/opt/my tools/py" && tar -xzf out/prt_v0_amd64.tgz -C "/opt/my tools/py"': (
        "test_every_command_answers_there_and_through_a_link"
    ),
    "cc embed.c $(/prt/bin/python3-config --cflags --ldflags --embed) -Wl,-rpath,/prt/lib": (
        "test_a_program_embeds_the_runtime_where_it_is"
    ),
    "tar -xzf out/prt_v0_amd64.symbols.tgz -C /prt": "test_a_process_and_its_core",
    "gdb -iex 'add-auto-load-safe-path /prt' -p \"$PID\" -ex py-bt": "test_a_process_and_its_core",
    '"/opt/my tools/py/bin/uvicorn" --version': "test_every_command_answers_there_and_through_a_link",
    "tar -xzf out/prt_v0_amd64.tgz -C /opt && /opt/prt_v0_amd64/bin/uvicorn --version": (
        "test_a_tree_is_the_same_whether_its_archive_has_a_folder_or_not"
    ),
    "/prt/bin/prt-doctor --repair": "test_what_was_added_is_repaired_by_one_command",
    "/prt/bin/prt-doctor": "test_where_the_c_library_is_another_it_does_not_start_and_its_doctor_says_so",
    "./nox -s diff -- old/prt_v1_amd64.tgz out/prt_v2_amd64.tgz": "test_the_session_shows_it_in_three_forms",
    "./nox -s audit": "test_what_was_built_is_looked_at_and_what_is_found_is_a_failure",
    "./nox -s audit -- releases/*.cdx.json": "test_paths_name_what_is_looked_at_in_place_of_the_builds",
    "OSV_DATABASE=osv ./nox -s audit": "test_what_was_built_is_looked_at_and_what_is_found_is_a_failure",
    "cd out && sha256sum --check SHA256SUMS": "test_what_the_page_about_signatures_says_can_be_done",
    "ssh-keygen -t ed25519 -N '' -C releases@example.org -f signing-key": (
        "test_what_the_page_about_signatures_says_can_be_done"
    ),
    "ssh-keygen -Y verify -f allowed_signers -I releases@example.org -n sums@python-runtime-builder -s SHA256SUMS.sig "
    "< SHA256SUMS": "test_what_the_page_about_signatures_says_can_be_done",
    "sha256sum --check --ignore-missing SHA256SUMS": "test_what_the_page_about_signatures_says_can_be_done",
    "./nox -s verify -- out/prt_v0_amd64.tgz out/prt_v0_amd64.deb": "test_the_session_says_what_was_checked",
    "./nox -s verify -- out/prt_v0_amd64.tgz": "test_the_session_says_what_was_checked",
    "./nox -s verify -- /prt": "test_the_session_says_what_was_checked",
    "./nox -s lock": "test_the_locks_of_the_example_fit_it_and_an_index_still_has_what_they_name",
    "./nox -s builder-lock": "test_a_list_with_one_package_more_gets_a_lock_that_has_it",
    "./nox -s train": "test_a_training_makes_what_it_needs_and_no_interpreter_and_the_next_build_uses_it",
    'PYTHON_VERSION="3.13 3.14 3.14t" ./nox -s runtime deb': (
        "test_several_versions_are_built_one_after_the_other_and_listed_in_one_table"
    ),
    "./nox -s pins": "test_the_pins_are_shown_with_license_and_place",
    "./nox -s bump -- --dry-run": "test_a_dry_run_writes_nothing",
    "./nox -s deb": "test_docker_makes_the_same_bytes_of_what_the_sandbox_cached",
    "./nox -s test": "test_packages_are_proved_without_docker_on_the_oldest_and_the_newest_debian",
    'TEST_IMAGE="bullseye trixie" ./nox -s test': (
        "test_packages_are_proved_without_docker_on_the_oldest_and_the_newest_debian"
    ),
    "./nox -s run": "test_at_a_terminal_there_is_a_prompt_and_python_is_ours",
    "./nox -s run -- python --version": "test_the_host_engine_proves_and_runs_in_a_mount_of_its_own",
    "./nox -s upload-cache": "test_a_second_clean_clone_restores_the_same_bytes_and_compiles_nothing",
    "./nox -s cache-check": "test_the_server_starts_with_one_command_passes_the_check_and_trims_itself",
    "docker compose up --detach --build": "test_the_server_starts_with_one_command_passes_the_check_and_trims_itself",
    "READS=protected docker compose up --detach": (
        "test_the_server_starts_with_one_command_passes_the_check_and_trims_itself"
    ),
    "docker compose exec cache ./trim data --max-age 60d --max-size 50G": (
        "test_the_server_starts_with_one_command_passes_the_check_and_trims_itself"
    ),
}
NOT_RUN = {
    "git clone <this repository> && cd python-runtime-builder": "the tests copy this checkout",
    "./nox -s tests": "it is what runs these tests",
    "apt-get install qemu-user-static": "it changes the machine; .ci/docker-engine has it",
    "apt-get install build-essential xz-utils libbz2-dev libffi-dev liblzma-dev libncurses-dev libreadline-dev "
    "libsqlite3-dev libssl-dev uuid-dev zlib1g-dev": "it changes the machine; .ci/run installs these",
    "apt-get install libbz2-1.0 libffi8 liblzma5 libncursesw6 libreadline8 libsqlite3-0 libssl3 libuuid1 zlib1g": (
        "it changes the machine, and is for Debian 12 only"
    ),
    "bpftrace -e 'usdt:/prt/bin/python3:python:import__find__load__start { printf(\"%s\\n\", str(arg0)); }'": (
        "it needs root and a kernel with uprobes; that the probe is there, tests/artifact/test_symbols.py sees"
    ),
    **dict.fromkeys(
        (
            f"curl --create-dirs -o osv/{name}.zip https://storage.googleapis.com/osv-vulnerabilities/{folder}/all.zip"
            for name, folder in (("PyPI", "PyPI"), ("crates", "crates.io"), ("GIT", "GIT"))
        ),
        "it needs that server, and brings hundreds of megabytes",
    ),
    "gh attestation verify prt_v1_amd64.tgz --repo OWNER/REPOSITORY": "it needs a release on GitHub",
    "printf 'ci:%s\\n' \"$(openssl passwd -apr1)\" > users": "it asks for a password at a terminal",
}
# What is in code blocks and is no command: lines of Makefile.vars, of TOML and of allowed_signers, and the diagram.
_NO_COMMAND = re.compile(r"[\w-]+ = .*|\S+@\S+ .*ssh-ed25519 .*|\[+\w+\]+|.*►.*|.*interpreter → runtime.*")


def lines(text: str) -> Iterator[tuple[bool, str]]:
    """Each line, and whether it is code: fenced, or indented after an empty line."""
    fenced, indented, before = False, False, ""
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield True, line
        else:
            indented = line.startswith("    ") and (indented or not before.strip())
            yield indented, line[4:] if indented else line
        before = line


def code(text: str) -> list[str]:
    """The lines of code blocks; a continued line is one with the next."""
    block = "\n".join(line for is_code, line in lines(text) if is_code)
    return re.sub(r"\s*\\\n\s*", " ", block).splitlines()


def headings(text: str) -> list[tuple[int, str]]:
    """The level and the text of each heading."""
    found = (re.fullmatch(r"(#+) (.+)", line) for is_code, line in lines(text) if not is_code)
    return [(len(match[1]), match[2]) for match in found if match]


def anchors(text: str) -> set[str]:
    """What a link into a page may name, as GitHub makes it of the headings."""
    found: list[str] = []
    for _, title in headings(text):
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        again = sum(slug == one or re.fullmatch(rf"{re.escape(slug)}-\d+", one) is not None for one in found)
        found.append(f"{slug}-{again}" if again else slug)
    return set(found)


def is_short(text: str) -> bool:
    """Whether a page has no more lines than README may have."""
    return len(text.splitlines()) <= MOST_LINES


def broken_links(path: Path, text: str) -> list[str]:
    """The links of a page that lead nowhere; of one to another site only how it is written."""
    found = []
    for link in re.findall(r"\]\(([^)]*)\)", "\n".join(line for is_code, line in lines(text) if not is_code)):
        if "://" in link:
            if not re.fullmatch(r"https://[\w-]+(\.[\w-]+)+(/[\w./%#?=&~+-]*)?", link):
                found.append(link)
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        page = text if target == path else target.read_text() if target.suffix == ".md" and target.is_file() else ""
        if not (target.exists() and target.is_relative_to(ROOT)) or (anchor and anchor not in anchors(page)):
            found.append(link)
    return found


def unknown_commands(text: str, known: Collection[str]) -> list[str]:
    """What is in code blocks and no command we know."""
    return [line for line in code(text) if line.strip() and line not in known and not _NO_COMMAND.fullmatch(line)]


def stale(
    run: Mapping[str, str], not_run: Mapping[str, str], texts: Collection[str], tests: Collection[str]
) -> list[str]:
    """What is wrong with the two tables: a command that no page has or both tables, a test that there is not."""
    used = {line for text in texts for line in code(text)}
    found = [command for command in (*run, *not_run) if command not in used or (command in run and command in not_run)]
    return found + [test for test in run.values() if test not in tests]


def mentioned_sessions(text: str) -> set[str]:
    """The sessions that commands name, wherever these are."""
    return {
        name for names in re.findall(r"nox -s ([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)*)", text) for name in names.split()
    }


def tabled_sessions(text: str) -> set[str]:
    """The sessions in README's table: those marked yes have a form for each architecture."""
    found = set()
    for cell, forms in re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \| (yes )?\| [^|]+ \|$", text, re.MULTILINE):
        for name in re.findall(r"[a-z][a-z-]*", cell):
            found |= {name, f"{name}-x86", f"{name}-arm"} if forms else {name}
    return found


def unknown_messages(text: str, messages: Collection[str]) -> list[str]:
    """The headings of the troubleshooting page that are none of our messages; its groups of messages are ignored."""
    titles = [title for level, title in headings(text) if level == 3]
    patterns = {title: re.compile(".*".join(map(re.escape, title.split("…"))), re.DOTALL) for title in titles}
    return [title for title, pattern in patterns.items() if not any(map(pattern.search, messages))]


@functools.cache
def sessions() -> frozenset[str]:
    """The names of all sessions."""
    command = [sys.executable, "-m", "nox", "--script-mode=none", "--list"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return frozenset(re.findall(r"^[*-] ([\w-]+)", listed, re.MULTILINE))


@functools.cache
def literals() -> tuple[str, ...]:
    """Every text in the suite's code but docstrings, with … for what is filled in; and the start script's lines."""
    found = (ROOT / "nox").read_text().splitlines()
    for path in sorted((ROOT / "builder").rglob("*.py")):
        nodes = [*ast.walk(ast.parse(path.read_text()))]
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.JoinedStr):
                found.append("".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                found.append(node.value)
    return tuple(found)


def all_tests() -> set[str]:
    """The names of all tests."""
    paths = (ROOT / "tests").rglob("test_*.py")
    return {name for path in paths for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    assert broken_links(path, path.read_text()) == []


def test_a_link_that_leads_nowhere_is_seen() -> None:
    text = (
        "# A page: of `ours`\n## Twice\n## Twice\n    not code\n\n    [code](gone.md)\n\n"
        "[a](#a-page-of-ours) [b](#twice-1) [c](docs/engines.md#docker) [d](https://example.org/x) [e](gone.md) "
        "[f](#twice-2) [g](docs/engines.md#gone) [h](http://example.org) [i](../outside) ![j](https://example)"
    )
    wrong = ["gone.md", "#twice-2", "docs/engines.md#gone", "http://example.org", "../outside", "https://example"]
    assert broken_links(README, text) == wrong


def test_the_readme_is_short_and_a_longer_one_is_seen() -> None:
    assert is_short(README.read_text())
    assert not is_short("\n" * (MOST_LINES + 1))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_is_run_by_a_test_or_says_why_not(path: Path) -> None:
    assert unknown_commands(path.read_text(), {*RUN, *NOT_RUN}) == []


def test_a_command_that_nobody_runs_is_seen() -> None:
    text = "Do:\n\n    ./nox -s runtime\n    X = y\n    rm -r \\\n        out\n\n```\ntar x\n```\n    no code\n"
    assert unknown_commands(text, {*RUN, *NOT_RUN}) == ["rm -r out", "tar x"]


def test_the_tables_of_commands_are_as_the_pages_and_the_tests_are() -> None:
    assert stale(RUN, NOT_RUN, [path.read_text() for path in PAGES], all_tests()) == []


def test_a_stale_row_is_seen() -> None:
    text = "\n    ./a\n    ./b\n"
    assert stale({"./a": "test_a", "./gone": "test_a"}, {"./b": "why"}, [text], {"test_a"}) == ["./gone"]
    assert stale({"./a": "test_gone"}, {"./b": "why"}, [text], {"test_a"}) == ["test_gone"]
    assert stale({"./a": "test_a"}, {"./a": "why"}, [text], {"test_a"}) == ["./a", "./a"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_session_that_is_named_is_there(path: Path) -> None:
    assert mentioned_sessions(path.read_text()) - sessions() == set()


def test_a_session_that_is_not_there_is_seen() -> None:
    text = "`./nox -s lint gone`, or\n\n    nox -s lost -- python\n"
    assert mentioned_sessions(text) - sessions() == {"gone", "lost"}


def test_the_readmes_table_names_every_session() -> None:
    assert tabled_sessions(README.read_text()) == sessions()


def test_a_session_that_the_table_lacks_is_seen() -> None:
    text = "| `runtime`, `deb` | yes | build |\n| `help` | | prints |\n| `Makefile.vars` | your settings |\n"
    forms = {f"{name}{suffix}" for name in ("runtime", "deb") for suffix in ("", "-x86", "-arm")}
    assert tabled_sessions(text) == {*forms, "help"}


def test_every_message_of_the_troubleshooting_page_is_one_of_our_own() -> None:
    text = TROUBLESHOOTING.read_text()
    assert len([level for level, _ in headings(text) if level == 3]) > 20
    assert unknown_messages(text, literals()) == []


def test_a_message_that_is_not_ours_is_seen() -> None:
    text = "# Page\n## Group\n### no Docker daemon answers at …\n### no such … message\n"
    assert unknown_messages(text, literals()) == ["no such … message"]
