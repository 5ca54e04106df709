"""How this machine's CA bundle, proxies and pip settings are found and passed on."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from builder.errors import UserError
from builder.inputs import network
from builder.inputs.network import Network, forms

CA_VARIABLES = ["PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"]


def read(home: Path, environ: Mapping[str, str] | None = None, ca_bundle: Path | None = None) -> Network:
    """Read with a home and system folders of our own."""
    return network.read({"HOME": str(home), "XDG_CONFIG_DIRS": str(home / "xdg"), **(environ or {})}, ca_bundle)


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def pip_network(**pip: str) -> Network:
    return Network(None, {}, {f"PIP_{name}": value for name, value in pip.items()})


PROXIES = {"http_proxy": "http://a:1", "https_proxy": "http://b:2", "no_proxy": "local", "all_proxy": "socks5://c:3"}


@pytest.mark.parametrize("spelling", [str.lower, str.upper])
def test_a_proxy_reaches_a_step_in_both_spellings(tmp_path: Path, spelling: Callable[[str], str]) -> None:
    given = read(tmp_path, {spelling(name): value for name, value in PROXIES.items()}).environment(None)
    assert {name: given[name] for name in PROXIES} == PROXIES
    assert {name: given[name.upper()] for name in PROXIES} == PROXIES


@pytest.mark.parametrize("order", [sorted, lambda names: sorted(names, reverse=True)])
def test_two_spellings_of_a_proxy_stay_apart(tmp_path: Path, order: Callable[[Iterable[str]], list[str]]) -> None:
    spelt = {"http_proxy": "http://lower:1", "HTTP_PROXY": "http://upper:1"}
    found = read(tmp_path, {name: spelt[name] for name in order(spelt)})
    assert found.environment(None).items() >= spelt.items()


def test_an_empty_proxy_variable_is_no_proxy(tmp_path: Path) -> None:
    assert read(tmp_path, {"http_proxy": "", "HTTPS_PROXY": ""}).proxies == {}


def test_a_step_gets_the_bundle_where_it_is_for_that_step() -> None:
    given = Network(Path("/here/ca.pem"), {}, {}).environment("/there/ca.pem")
    assert given == dict.fromkeys(CA_VARIABLES, "/there/ca.pem")


def test_without_network_settings_a_step_gets_nothing() -> None:
    assert Network(None, {}, {}).environment(None) == {}


def test_nothing_but_the_known_variables_reaches_a_step(tmp_path: Path) -> None:
    environ = {"PIP_TARGET": "/x", "AWS_SECRET": "x", "ftp_proxy": "x", "PIP_RETRIES": "9", "http_proxy": "http://a:1"}
    given = read(tmp_path, environ).environment(None)
    assert environ.keys() & given.keys() == {"PIP_RETRIES", "http_proxy"}


def test_the_setting_wins_over_every_other_bundle(tmp_path: Path) -> None:
    ours, other = write(tmp_path / "ours.pem"), write(tmp_path / "other.pem")
    assert read(tmp_path, dict.fromkeys(CA_VARIABLES, str(other)), ours).ca_bundle == ours


@pytest.mark.parametrize("position", range(len(CA_VARIABLES)))
def test_the_variables_that_name_a_bundle_have_an_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    monkeypatch.setattr(network, "_CA_FILES", (str(write(tmp_path / "system.pem")),))
    files = {name: str(write(tmp_path / f"{name}.pem")) for name in reversed(CA_VARIABLES[position:])}
    assert read(tmp_path, files).ca_bundle == tmp_path / f"{CA_VARIABLES[position]}.pem"


@pytest.mark.parametrize("value", ["", "/no/such.pem"])
def test_a_variable_that_names_no_file_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    system = write(tmp_path / "system.pem")
    monkeypatch.setattr(network, "_CA_FILES", ("/no/other.pem", str(system)))
    assert read(tmp_path, {"PIP_CERT": value}).ca_bundle == system


PIP_FILES = ["xdg/pip/pip.conf", "xdg2/pip/pip.conf", ".pip/pip.conf", ".config/pip/pip.conf", "named.conf"]
USER_FILES = [".pip/pip.conf", ".config/pip/pip.conf"]


@pytest.mark.parametrize("count", range(1, len(PIP_FILES) + 1))
def test_a_more_specific_pip_conf_wins(tmp_path: Path, count: int) -> None:
    for number, name in enumerate(PIP_FILES[:count]):
        write(tmp_path / name, f"[global]\nretries = {number}\n")
    folders = f"{tmp_path}/xdg:{tmp_path}/xdg2"
    found = read(tmp_path, {"XDG_CONFIG_DIRS": folders, "PIP_CONFIG_FILE": str(tmp_path / "named.conf")})
    assert found.pip["PIP_RETRIES"] == str(count - 1)


def test_the_home_of_configuration_can_be_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / ".config/pip/pip.conf", "[global]\nretries = 1\n")
    write(tmp_path / "elsewhere/pip/pip.conf", "[global]\nretries = 2\n")
    assert read(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "elsewhere")}).pip["PIP_RETRIES"] == "2"


def test_an_empty_home_of_configuration_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / ".config/pip/pip.conf", "[global]\nretries = 1\n")
    write(tmp_path / "here/pip/pip.conf", "[global]\nretries = 2\n")
    monkeypatch.chdir(tmp_path / "here")
    assert read(tmp_path, {"XDG_CONFIG_HOME": ""}).pip["PIP_RETRIES"] == "1"


@pytest.mark.parametrize("name", USER_FILES)
def test_a_named_pip_conf_replaces_the_users_own(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, "[global]\nretries = 1\n")
    write(tmp_path / "xdg/pip/pip.conf", "[global]\nproxy = http://a:1\n")
    named = write(tmp_path / "named.conf", "[global]\ntimeout = 2\n")
    found = read(tmp_path, {"PIP_CONFIG_FILE": str(named)}).pip
    assert {"PIP_PROXY": "http://a:1", "PIP_TIMEOUT": "2"}.items() <= found.items()
    assert "PIP_RETRIES" not in found


@pytest.mark.parametrize("name", USER_FILES)
def test_a_named_pip_conf_that_is_missing_leaves_the_user_s_own(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, "[global]\nretries = 1\n")
    assert read(tmp_path, {"PIP_CONFIG_FILE": str(tmp_path / "gone")}).pip["PIP_RETRIES"] == "1"


def test_dev_null_as_pip_conf_turns_all_of_them_off(tmp_path: Path) -> None:
    for name in PIP_FILES:
        write(tmp_path / name, "[global]\nretries = 1\n")
    assert read(tmp_path, {"PIP_CONFIG_FILE": "/dev/null", "PIP_TIMEOUT": "2"}).pip == {"PIP_TIMEOUT": "2"}


@pytest.mark.parametrize("content", [b"index-url = https://a/\n", b"[global\n", b"[global]\nproxy = J\xf6rg\n"])
def test_a_pip_conf_that_pip_can_not_read_is_refused(tmp_path: Path, content: bytes) -> None:
    write(tmp_path / ".config/pip/pip.conf").write_bytes(content)
    with pytest.raises(UserError, match=r"^pip's configuration can't be read: "):
        read(tmp_path)


def test_options_of_several_pip_conf_add_up(tmp_path: Path) -> None:
    write(tmp_path / "xdg/pip/pip.conf", "[global]\nretries = 1\n")
    write(tmp_path / ".config/pip/pip.conf", "[global]\ntimeout = 2\n")
    found = read(tmp_path).pip
    assert (found["PIP_RETRIES"], found["PIP_TIMEOUT"]) == ("1", "2")


def test_the_install_section_of_any_pip_conf_wins_over_a_global_one(tmp_path: Path) -> None:
    write(tmp_path / "xdg/pip/pip.conf", "[install]\nretries = 1\n")
    write(tmp_path / ".config/pip/pip.conf", "[global]\nretries = 2\n[download]\nretries = 3\n")
    assert read(tmp_path).pip["PIP_RETRIES"] == "1"


@pytest.mark.parametrize(("value", "found"), [("5", "5"), ("", "1")])
def test_the_environment_wins_over_pip_conf_unless_it_is_empty(tmp_path: Path, value: str, found: str) -> None:
    write(tmp_path / ".config/pip/pip.conf", "[install]\nretries = 1\n")
    assert read(tmp_path, {"PIP_RETRIES": value}).pip["PIP_RETRIES"] == found


@pytest.mark.parametrize(
    ("option", "variable"),
    [
        ("index-url", "PIP_INDEX_URL"),
        ("index_url", "PIP_INDEX_URL"),
        ("Index-URL", "PIP_INDEX_URL"),
        ("extra-index-url", "PIP_EXTRA_INDEX_URL"),
        ("find-links", "PIP_FIND_LINKS"),
        ("no-index", "PIP_NO_INDEX"),
        ("trusted-host", "PIP_TRUSTED_HOST"),
        ("proxy", "PIP_PROXY"),
        ("default-timeout", "PIP_DEFAULT_TIMEOUT"),
        ("timeout", "PIP_TIMEOUT"),
        ("retries", "PIP_RETRIES"),
    ],
)
def test_each_network_option_of_pip_conf_becomes_its_variable(tmp_path: Path, option: str, variable: str) -> None:
    write(tmp_path / ".config/pip/pip.conf", f"[global]\n{option} = https://x/%20simple\n")
    assert read(tmp_path).environment(None)[variable] == "https://x/%20simple"


def test_a_value_of_several_lines_becomes_one(tmp_path: Path) -> None:
    write(tmp_path / ".config/pip/pip.conf", "[global]\nextra-index-url =\n    https://a/\n    https://b/\n")
    assert read(tmp_path).pip["PIP_EXTRA_INDEX_URL"] == "https://a/ https://b/"


def test_options_that_are_not_about_the_network_stay_out(tmp_path: Path) -> None:
    write(tmp_path / ".config/pip/pip.conf", "[global]\ntarget = /x\nno-binary = :all:\nretries = 1\n")
    assert {"PIP_TARGET", "PIP_NO_BINARY"}.isdisjoint(read(tmp_path).pip)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("https://a/simple", "https://a/simple"),
        ("https://a/ /opt/wheels https://b/", "https://a/ https://b/"),
        ("file:///opt/simple https://a/", "https://a/"),
        ("../wheels ./wheels ~/wheels https://a/", "https://a/"),
        ("wheels https://a/ more/wheels", "https://a/"),
    ],
)
def test_elsewhere_folders_and_file_urls_are_dropped(value: str, kept: str) -> None:
    assert pip_network(FIND_LINKS=value).from_elsewhere().pip == {"PIP_FIND_LINKS": kept}


@pytest.mark.parametrize("value", ["/opt/wheels", "file:///opt/wheels", "~/wheels /opt/wheels", "wheels"])
def test_an_option_that_names_only_folders_is_no_option_elsewhere(value: str) -> None:
    assert pip_network(FIND_LINKS=value, RETRIES="3").from_elsewhere().pip == {"PIP_RETRIES": "3"}


def test_bundle_and_proxies_stay_elsewhere() -> None:
    here = Network(Path("/ca.pem"), {"http_proxy": "http://a:1"}, {})
    assert here.from_elsewhere() == here


SECRET = "s3cr%40et"


@pytest.mark.parametrize(
    "given",
    [
        Network(None, {"https_proxy": f"http://user:{SECRET}@proxy:3128"}, {}),
        Network(None, {"all_proxy": f"socks5://:{SECRET}@proxy"}, {}),
        pip_network(INDEX_URL=f"https://user:{SECRET}@index/simple"),
        pip_network(EXTRA_INDEX_URL=f"https://plain/ https://__token__:{SECRET}@index/simple"),
        pip_network(PROXY=f"http://user:{SECRET}@proxy:3128"),
    ],
)
def test_a_password_is_hidden_wherever_it_is_shown(given: Network) -> None:
    text = f"looking in https://user:{SECRET}@index/simple, then {SECRET}\n"
    assert given.redact(text) == "looking in https://****@index/simple, then ****\n"


@pytest.mark.parametrize(
    ("url", "secret", "shown"),
    [
        ("http://user:be:fore@proxy", "be:fore", "http://****@proxy"),
        ("http://user:be@fore@proxy", "be@fore", "http://****@proxy"),
        ("https://ghp_t0ken@index/simple", "ghp_t0ken", "https://****@index/simple"),
        ("user:s3cret@proxy:3128", "s3cret", "****@proxy:3128"),
    ],
)
def test_a_secret_is_hidden_in_each_form_of_url(url: str, secret: str, shown: str) -> None:
    given = Network(None, {"https_proxy": url}, {})
    assert given.redact(f"via {url}, then {secret}") == f"via {shown}, then ****"


@pytest.mark.parametrize("user", ["user:s3cret", ":s3cret", "ghp_t0ken", "user:s3@cret"])
def test_a_url_that_no_setting_names_is_shown_without_its_user(user: str) -> None:
    assert (
        Network(None, {}, {}).redact(f"from https://{user}@a/x@y and http://b/")
        == "from https://****@a/x@y and http://b/"
    )


def test_each_password_of_a_list_is_hidden() -> None:
    given = pip_network(EXTRA_INDEX_URL="https://u:one1@a/ https://u:two2@b/")
    assert given.redact("one1 two2 three") == "**** **** three"


def test_a_text_without_passwords_stays_as_it_is() -> None:
    given = Network(None, {"http_proxy": "http://proxy:3128/path:x@y"}, {"PIP_INDEX_URL": "https://index/simple"})
    text = "proxy:3128 https://index/simple path:x@y"
    assert given.redact(text) == text


def test_a_short_password_makes_no_stars_of_other_words_and_is_hidden_in_its_url() -> None:
    given = Network(None, {"http_proxy": "http://u:e@proxy:3128"}, {})
    assert given.redact("the interpreter, via http://u:e@proxy:3128") == "the interpreter, via http://****@proxy:3128"


def test_the_caches_secrets_are_hidden_in_every_form_they_travel_in() -> None:
    given = Network(None, {}, {}, forms("ci", "pass/wörd", "t0ken"))
    assert given.redact("pass/wörd pass%2Fw%C3%B6rd t0ken") == "**** **** ****"
    basic = base64.b64encode("ci:pass/wörd".encode()).decode()
    assert given.redact(f"Authorization: Basic {basic}") == "Authorization: Basic ****"


@pytest.mark.parametrize("value", ["http://proxy\r\nX: y", "http://pro\x1bxy"])
def test_a_proxy_with_characters_that_no_url_has_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(UserError, match=r"^environment: http_proxy has characters") as refused:
        network.read({"http_proxy": value}, None)
    assert value not in str(refused.value)


@pytest.mark.parametrize("name", ["https_proxy", "PIP_INDEX_URL", "PIP_PROXY"])
@pytest.mark.parametrize("value", ["http://u:p/s3cret@proxy/", "http://s3/cret@proxy"])
def test_a_url_whose_password_has_no_certain_end_is_refused_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(UserError, match=f"^{name}: must have every @, / and blank") as refused:
        network.read({name: value}, None)
    assert "cret" not in str(refused.value)


def test_a_bundle_whose_name_no_file_system_has_is_passed_over() -> None:
    long = "a" * 300
    found = network.read({"PIP_CERT": long, "PIP_CONFIG_FILE": long}, None)
    assert str(found.ca_bundle) != long
