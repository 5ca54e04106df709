"""The benchmarks: a part of pyperformance that needs no other package, chosen for what a service spends its time on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: what it is about, pyperformance's folder of it without `bm_`, and its program's arguments.

    `name` is how pyperf reports it.
    """

    name: str
    aspect: str
    folder: str
    args: tuple[str, ...] = ()


SUITE: tuple[Benchmark, ...] = (
    Benchmark("richards", "calls", "richards"),
    Benchmark("deltablue", "calls", "deltablue"),
    Benchmark("chaos", "calls", "chaos"),
    Benchmark("go", "calls", "go"),
    Benchmark("hexiom", "calls", "hexiom"),
    Benchmark("raytrace", "calls", "raytrace"),
    Benchmark("generators", "calls", "generators"),
    Benchmark("comprehensions", "calls", "comprehensions"),
    Benchmark("nbody", "numbers", "nbody"),
    Benchmark("float", "numbers", "float"),
    Benchmark("spectral_norm", "numbers", "spectral_norm"),
    Benchmark("pidigits", "numbers", "pidigits"),
    Benchmark("telco", "numbers", "telco"),
    Benchmark("pyflate", "text", "pyflate"),
    Benchmark("xml_etree_parse", "text", "xml_etree", ("parse",)),
    Benchmark("json_dumps", "json", "json_dumps"),
    Benchmark("json_loads", "json", "json_loads"),
    Benchmark("regex_compile", "regex", "regex_compile"),
    Benchmark("regex_v8", "regex", "regex_v8"),
    Benchmark("pickle", "pickle", "pickle", ("pickle",)),
    Benchmark("unpickle", "pickle", "pickle", ("unpickle",)),
    Benchmark("pickle_pure_python", "pickle", "pickle", ("--pure-python", "pickle")),
    Benchmark("sqlite_synth", "database", "sqlite_synth"),
    Benchmark("python_startup", "start-up", "python_startup"),
    Benchmark("python_startup_no_site", "start-up", "python_startup", ("--no-site",)),
)


def positive_number(text: str) -> int:
    """A number of rounds, as argparse reads it."""
    if int(text) < 1:
        raise ValueError
    return int(text)
