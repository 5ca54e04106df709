"""Where a setting's value comes from, what is refused, and that the two documents agree with the table."""

from __future__ import annotations

import dataclasses
import re
import time
import typing
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path, PurePosixPath

import pytest

from builder.errors import UserError
from builder.inputs import environment, reading, settings
from builder.inputs.settings import SETTINGS, Settings, Value

PROJECT = Path(__file__).parents[3]
GIT_TAG = {"PACKAGE_VERSION": Value("v13", "git tag")}


def load(
    root: Path, text: str = "", environ: Mapping[str, str] | None = None, fallbacks: Mapping[str, Value] | None = None
) -> Settings:
    (root / reading.FILE).write_text(text)
    return reading.load(root, environ or {}, fallbacks or {})


def test_each_row_of_the_table_has_a_field_and_each_field_a_row() -> None:
    fields = [field.name for field in dataclasses.fields(Settings)]
    assert [*(setting.field for setting in SETTINGS), "values"] == fields


def test_each_name_is_there_once() -> None:
    names = [setting.name for setting in SETTINGS]
    assert sorted(set(names)) == sorted(names)


def test_the_settings_of_a_group_are_together() -> None:
    groups = [setting.group for setting in SETTINGS]
    changes = [group for group, before in zip(groups, ["", *groups], strict=False) if group != before]
    assert sorted(set(changes)) == sorted(changes)


def test_each_help_is_one_sentence_of_one_table_cell() -> None:
    assert [setting.name for setting in SETTINGS if not re.fullmatch(r"[^\n|]+\.", setting.purpose)] == []


def test_each_default_has_the_type_its_field_promises(tmp_path: Path) -> None:
    loaded = reading.load(tmp_path, {}, {})
    types = typing.get_type_hints(Settings)
    wrong = [
        setting.name for setting in SETTINGS if not isinstance(getattr(loaded, setting.field), types[setting.field])
    ]
    assert wrong == []


def test_without_file_and_environment_each_value_is_its_default(tmp_path: Path) -> None:
    loaded = reading.load(tmp_path, {}, {})
    assert loaded.values == {setting.name: Value(setting.default, "default") for setting in SETTINGS}


def test_the_file_wins_over_the_default(tmp_path: Path) -> None:
    loaded = load(tmp_path, "\nENGINE = host\n")
    assert loaded.engine == "host"
    assert loaded.values["ENGINE"] == Value("host", "Makefile.vars:2")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, "ENGINE = host", {"ENGINE": "docker"})
    assert loaded.engine == "docker"
    assert loaded.values["ENGINE"] == Value("docker", "environment")


@pytest.mark.parametrize("names", [("{}", "PRT_{}"), ("PRT_{}", "{}")])
@pytest.mark.parametrize("name", ["PACKAGE_DESC", "PRT_ROOT", "SOURCE_MIRROR"])
def test_the_prefixed_spelling_wins_over_the_plain_one_in_any_order(
    tmp_path: Path, name: str, names: tuple[str, str]
) -> None:
    environ = {spelling.format(name): "/opt/" + spelling.format("x") for spelling in names}
    assert load(tmp_path, environ=environ).values[name].text == "/opt/PRT_x"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_setting_is_known_with_the_prefix(tmp_path: Path, setting: settings.Setting) -> None:
    example = "http://cache.example.org" if setting.name == "CACHE_URL" else str(tmp_path / reading.FILE)
    given = setting.default or example
    loaded = load(tmp_path, environ={f"PRT_{setting.name}": given})
    assert loaded.values[setting.name] == Value(given, "environment")


@pytest.mark.parametrize("setting", [row for row in SETTINGS if row.default], ids=lambda setting: setting.name)
@pytest.mark.parametrize("prefix", ["", "PRT_"])
def test_each_setting_may_be_in_the_file(tmp_path: Path, setting: settings.Setting, prefix: str) -> None:
    loaded = load(tmp_path, f"{prefix}{setting.name} = {setting.default}")
    assert loaded.values[setting.name] == Value(setting.default, "Makefile.vars:1")


@pytest.mark.parametrize(
    ("environ", "value"),
    [
        ({"ENGINE": ""}, Value("host", "Makefile.vars:1")),
        ({"PRT_ENGINE": ""}, Value("host", "Makefile.vars:1")),
        ({"ENGINE": "docker", "PRT_ENGINE": ""}, Value("docker", "environment")),
    ],
)
def test_an_empty_environment_variable_gives_nothing(tmp_path: Path, environ: dict[str, str], value: Value) -> None:
    assert load(tmp_path, "ENGINE = host", environ).values["ENGINE"] == value


def test_an_empty_value_in_the_file_gives_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "ENGINE =").values["ENGINE"] == Value("auto", "default")


@pytest.mark.parametrize(
    ("text", "environ", "value"),
    [
        ("", {}, Value("v13", "git tag")),
        ("PACKAGE_VERSION =", {}, Value("v13", "git tag")),
        ("PACKAGE_VERSION = v20", {}, Value("v20", "Makefile.vars:1")),
        ("PACKAGE_VERSION = v20", {"PACKAGE_VERSION": "v21"}, Value("v21", "environment")),
    ],
)
def test_the_git_tag_wins_over_the_default_only(
    tmp_path: Path, text: str, environ: dict[str, str], value: Value
) -> None:
    loaded = load(tmp_path, text, environ, GIT_TAG)
    assert loaded.values["PACKAGE_VERSION"] == value
    assert loaded.package_version == value.text


@pytest.mark.parametrize(
    ("environ", "description"),
    [({}, "acme's v13"), ({"PACKAGE_PREFIX": "zeta"}, "zeta's v13"), ({"PRT_PACKAGE_PREFIX": "zeta"}, "zeta's v13")],
)
def test_a_reference_sees_the_value_that_counts_for_the_other(
    tmp_path: Path, environ: dict[str, str], description: str
) -> None:
    text = "PACKAGE_DESC = $(PACKAGE_PREFIX)'s ${PACKAGE_VERSION}\nPACKAGE_PREFIX = acme\n"
    loaded = load(tmp_path, text, environ, GIT_TAG)
    assert loaded.package_desc == description
    assert loaded.values["PACKAGE_DESC"].origin == "Makefile.vars:1"


def test_a_reference_may_name_the_prefixed_spelling(tmp_path: Path) -> None:
    assert load(tmp_path, "PRT_PACKAGE_PREFIX = acme\nPRT_ROOT = /opt/$(PRT_PACKAGE_PREFIX)").prt_root == PurePosixPath(
        "/opt/acme"
    )


def test_the_value_of_the_environment_is_taken_as_it_is(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"PACKAGE_DESC": "$(ENGINE) # $5"}).package_desc == "$(ENGINE) # $5"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("PACKAGE_DESC = a $(PACKAGE_DESC)", "Makefile.vars:1: PACKAGE_DESC"),
        ("PACKAGE_DESC = a $(PRT_PACKAGE_DESC)", "Makefile.vars:1: PACKAGE_DESC"),
        ("PACKAGE_DESC = $(PACKAGE_MAINTAINER)\nPACKAGE_MAINTAINER = $(PACKAGE_DESC)", "Makefile.vars:1: PACKAGE_DESC"),
    ],
)
def test_a_value_that_refers_to_itself_is_refused_with_its_line(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(UserError, match=f"^{where} refers to itself"):
        load(tmp_path, text)


@pytest.mark.parametrize("environ", [{}, {"PACKAGE_DESC": "ours"}])
def test_a_call_of_make_is_refused_with_its_line_even_where_it_does_not_count(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with pytest.raises(UserError, match=r"^Makefile\.vars:2: can't take this line of PACKAGE_DESC: it calls"):
        load(tmp_path, "ENGINE = host\nPACKAGE_DESC = $(shell uname)", environ)


def test_of_both_spellings_in_the_file_the_last_counts(tmp_path: Path) -> None:
    loaded = load(tmp_path, "ENGINE = docker\nPRT_ENGINE = host\nENGINE = auto")
    assert loaded.values["ENGINE"] == Value("auto", "Makefile.vars:3")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / reading.FILE).write_bytes("PACKAGE_MAINTAINER = Jörg <j@example.org>".encode("latin-1"))
    with pytest.raises(UserError, match=r"^Makefile\.vars is not UTF-8: ") as refused:
        reading.load(tmp_path, {}, {})
    assert refused.value.hint == "save it as UTF-8"


@pytest.mark.parametrize("value", ["host", ""])
def test_an_unknown_prefixed_variable_is_refused_with_the_nearest_name(tmp_path: Path, value: str) -> None:
    with pytest.raises(UserError, match=r"^environment: PRT_ENGIN is not a setting") as refused:
        load(tmp_path, environ={"PRT_ENGIN": value})
    assert refused.value.hint == "unset it, or did you mean PRT_ENGINE?"


def test_other_variables_of_the_environment_are_none_of_our_business(tmp_path: Path) -> None:
    environ = {"PATH": "/bin", "engine": "host", "PACKAGE_DESCRIPTION": "x", "PRTROOT": "/"}
    assert load(tmp_path, environ=environ) == load(tmp_path)


@pytest.mark.parametrize("text", ["1", "yes", "true", "on", "YES", "True"])
def test_a_switch_can_be_turned_on(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, environ={"NO_CACHE": text}).no_cache is True


@pytest.mark.parametrize("text", ["0", "no", "false", "off", "No", "OFF"])
def test_a_switch_can_be_turned_off(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, environ={"OPTIMIZE": text}).optimize is False


@pytest.mark.parametrize(
    "version", ["3.13.5", "3.13", "3.9.22", "3.14.0rc1", "3.14.0a7", "3.15.0b1", "3.13.5t", "3.13t", "3.14.0rc1td"]
)
def test_a_python_version_may_be_exact_minor_early_or_of_a_flavour(tmp_path: Path, version: str) -> None:
    assert load(tmp_path, environ={"PYTHON_VERSION": version}).python_version == version


def test_of_several_versions_each_has_names_and_a_place_of_its_own(tmp_path: Path) -> None:
    several = load(tmp_path, environ={"PYTHON_VERSION": " 3.13.5  3.14t 3.14td ", "PRT_ROOT": "/opt/py"}).each_version()
    assert [(one.python_version, one.package_prefix, str(one.prt_root)) for one in several] == [
        ("3.13.5", "prt3.13", "/opt/py3.13"),
        ("3.14t", "prt3.14t", "/opt/py3.14t"),
        ("3.14td", "prt3.14td", "/opt/py3.14td"),
    ]


def test_a_single_version_has_the_plain_names(tmp_path: Path) -> None:
    single = load(tmp_path, environ={"PYTHON_VERSION": "3.14t"})
    assert single.each_version() == (single,)


BAD = {
    ("PYTHON_VERSION", "has 3.13 twice"): ("3.13 3.13.5", "3.14 3.13.5 3.13.4"),
    ("PYTHON_VERSION", "has 3.13t twice"): ("3.13t 3.13.5t",),
    ("PYTHON_VERSION", "must be a CPython version"): ("3", "2.7.18", "3.13.5-dev", "pypy3.10", "3.13.5T", "3.13dt"),
    ("PRT_ROOT", "must be an absolute path"): ("prt", "~/prt", "/my prt", "/opt/../etc", "/opt//prt", "/-x", "/$HOME"),
    ("OPTIMIZE", "must be 1 or 0"): ("2", "maybe", "-1"),
    ("NO_CACHE", "must be 1 or 0"): ("none", "y"),
    ("NO_PACKAGE_CACHE", "must be 1 or 0"): ("x",),
    ("V", "must be 1 or 0"): ("2",),
    ("PACKAGE_PREFIX", "must be a Debian package name"): ("p", "Prt", "my_prt", "-prt", "my prt"),
    ("PACKAGE_VERSION", "must be letters"): ("1 2", "a/b", "-1", "v1_2"),
    ("PACKAGE_DESC", "must be one line"): ("a\nb",),
    ("PACKAGE_MAINTAINER", "must look like Name <address@host>"): (
        "Jo", "jo@example.org", "<jo@example.org>", "Jo <jo>", "Jo <jo@x> <y@z>", "Jo <@x>",
    ),
    ("ENGINE", "must be auto, docker, sandbox or host"): ("podman", "Docker", "hosts"),
    ("BASE_IMAGE", "must be an image name"): ("debian slim",),
    ("CA_BUNDLE", "no such file"): ("/no/such.pem", "/etc"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "problem"), [(name, text, problem) for (name, problem), texts in BAD.items() for text in texts]
)
def test_an_impossible_value_is_refused_with_name_value_and_origin(
    tmp_path: Path, name: str, text: str, problem: str
) -> None:
    with pytest.raises(UserError) as refused:
        load(tmp_path, environ={name: text})
    assert refused.value.message.startswith(f"{name}={text!r} (environment): {problem}")


HIDDEN = ["a\nb", "a\r", "a\x00", "\x1b[31ma", "a\u2028b", "a\u200b", "a\x85b", "a\udcffb", "a" * 1_000_000]


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
def test_no_setting_takes_what_can_not_be_seen_or_has_no_end(tmp_path: Path, name: str) -> None:
    for text in HIDDEN:
        with pytest.raises(UserError) as refused:
            load(tmp_path, environ={name: text})
        assert refused.value.message.isprintable()
        assert len(refused.value.message) < 300


@pytest.mark.parametrize("name", ["CACHE_TOKEN", "CACHE_PASSWORD"])
def test_a_secret_that_is_refused_is_not_shown(tmp_path: Path, name: str) -> None:
    for text in ("s3cret\r", "s3cret\u200b"):
        with pytest.raises(UserError) as refused:
            load(tmp_path, environ={name: text})
        assert refused.value.message.startswith(f"{name}=**** (environment): must be one line of printable characters")


@pytest.mark.parametrize("name", ["SOURCE_MIRROR", "DEBIAN_MIRROR", "DOCKER_HOST_ARM64", "CACHE_URL"])
@pytest.mark.parametrize("url", ["https://u:p/s3cret@host/", "https://s3/cret@host", "https://u:p s3cret@host/"])
def test_a_url_whose_password_has_no_certain_end_is_refused_and_not_shown(tmp_path: Path, name: str, url: str) -> None:
    with pytest.raises(UserError, match="must have every @, / and blank of its user, password") as refused:
        load(tmp_path, environ={name: url})
    assert "cret" not in str(refused.value)


def test_a_password_that_is_written_as_urls_write_it_is_taken_and_not_shown(tmp_path: Path) -> None:
    found = load(tmp_path, environ={"SOURCE_MIRROR": "https://u:p%2Fs3cret@host/"})
    assert found.source_mirror == "https://u:p%2Fs3cret@host/"
    row = next(setting for setting in SETTINGS if setting.name == "SOURCE_MIRROR")
    assert found.shown(row) == "https://****@host/"


@pytest.mark.parametrize(
    ("url", "shown"),
    [("ssh://ci@arm", "ssh://ci@arm"), ("ssh://ci:s3cret@arm", "ssh://****@arm"), ("tcp://ci@arm", "tcp://****@arm")],
)
def test_a_users_name_is_shown_where_it_can_be_no_token(tmp_path: Path, url: str, shown: str) -> None:
    row = next(setting for setting in SETTINGS if setting.name == "DOCKER_HOST_ARM64")
    assert load(tmp_path, environ={"DOCKER_HOST_ARM64": url}).shown(row) == shown


def test_a_path_that_no_file_system_has_is_refused_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^CA_BUNDLE='a+….* no such file"):
        load(tmp_path, environ={"CA_BUNDLE": "a" * 300})


def test_a_token_is_what_a_header_can_carry(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^CACHE_TOKEN=\*\*\*\* \(environment\): must be printable ASCII"):
        load(tmp_path, environ={"CACHE_TOKEN": "tökén"})
    assert load(tmp_path, environ={"CACHE_PASSWORD": "pässwörd"}).cache_password == "pässwörd"


def test_settings_that_refer_to_each_other_ten_times_each_end_at_once(tmp_path: Path) -> None:
    names = [setting.name for setting in SETTINGS[:9]]
    lines = [f"{one} = {f'$({other})' * 10}" for one, other in pairwise(names)] + [f"{names[-1]} = x"]
    started = time.process_time()
    with pytest.raises(UserError):
        load(tmp_path, "\n".join(lines))
    assert time.process_time() - started < 1


def test_an_impossible_value_in_the_file_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        load(tmp_path, "# ours\nENGINE = podman")
    assert refused.value.message == "ENGINE='podman' (Makefile.vars:2): must be auto, docker, sandbox or host"


def test_an_impossible_tag_is_refused_as_such(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^PACKAGE_VERSION='v1/2' \(git tag\): must be letters"):
        load(tmp_path, fallbacks={"PACKAGE_VERSION": Value("v1/2", "git tag")})


@pytest.mark.parametrize(
    "folder",
    "/ /bin /boot /dev /dev/shm /etc /etc/apt /home /home/user /lib /lib32 /lib64 /media /mnt /opt /proc /proc/self "
    "/root /run /sbin /srv /sys /tmp /usr /usr/ /usr/bin /usr/include /usr/lib /usr/lib/x86_64-linux-gnu /usr/local "
    "/usr/local/ /usr/local/bin /usr/local/lib /usr/local/lib/python3 /usr/local/sbin /usr/sbin /usr/share "
    "/usr/share/doc /var /var/cache /var/lib /var/lib/dpkg /var/log /var/tmp".split(),
)
def test_a_folder_of_the_system_is_no_prt_root(tmp_path: Path, folder: str) -> None:
    with pytest.raises(UserError, match=r"^PRT_ROOT="):
        load(tmp_path, environ={"PRT_ROOT": folder})


@pytest.mark.parametrize(
    "folder", ["/prt", "/prt/", "/opt/prt", "/opt/my.python-3_13+x", "/usr/local/prt", "/srv/prt", "/home/user/prt"]
)
def test_a_folder_of_its_own_is_a_prt_root(tmp_path: Path, folder: str) -> None:
    assert load(tmp_path, environ={"PRT_ROOT": folder}).prt_root == PurePosixPath(folder)


@pytest.mark.parametrize(("text", "folder"), [("out", "out"), ("a/b", "a/b"), ("/var/tmp/out", "/var/tmp/out")])
def test_a_relative_artifact_folder_counts_from_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, folder: str
) -> None:
    monkeypatch.chdir("/")
    assert load(tmp_path, f"ARTIFACT_DIR = {text}").artifact_dir == tmp_path / folder


def test_a_ca_bundle_that_is_there_is_taken(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    assert load(tmp_path, f"CA_BUNDLE = {bundle}").ca_bundle == bundle


def test_the_environment_of_this_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRT_ENGINE", "host")
    assert environment.whole_environment()["PRT_ENGINE"] == "host"


def test_the_table_in_the_docs_agrees_with_the_settings() -> None:
    text = (PROJECT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| *`([A-Z][A-Z0-9_]*)` *\| *(?:`([^`|]*)`|) *\| *(.*?) *\|$", text, re.MULTILINE)
    assert rows == [(setting.name, setting.default, setting.purpose) for setting in SETTINGS]


def test_the_example_explains_each_setting_at_its_default_in_its_group() -> None:
    groups = {setting.group.lower(): setting.group for setting in SETTINGS}
    group, purpose, found = "", "", []
    for line in (PROJECT / "Makefile.vars.example").read_text().splitlines():
        heading = groups.get(line.strip("#-=─: ").lower())
        if heading:
            group = heading
        elif assignment := re.fullmatch(r"# ([A-Z][A-Z0-9_]*) =(?: (.*))?", line):
            found.append((group, purpose, assignment[1], assignment[2] or ""))
        purpose = line.removeprefix("# ")
    assert found == [(setting.group, setting.purpose, setting.name, setting.default) for setting in SETTINGS]


def test_the_example_uncommented_gives_the_defaults(tmp_path: Path) -> None:
    text = (PROJECT / "Makefile.vars.example").read_text()
    uncommented = re.sub(r"^# (?=[A-Z][A-Z0-9_]* =)", "", text, flags=re.MULTILINE)
    loaded, defaults = load(tmp_path, uncommented), load(tmp_path)
    assert dataclasses.replace(loaded, values={}) == dataclasses.replace(defaults, values={})
    origins = {name for name, value in loaded.values.items() if value.origin.startswith(reading.FILE)}
    assert origins == {setting.name for setting in SETTINGS if setting.default}


def test_the_example_as_shipped_sets_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, (PROJECT / "Makefile.vars.example").read_text()) == load(tmp_path)
