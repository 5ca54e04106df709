"""What the benchmarks say: the arithmetic of a comparison, and the chart that shows it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import chart, results
from benchmarks.results import Results
from tests.support.factories import assert_golden

SVG = "{http://www.w3.org/2000/svg}"
MEASURED = Results(
    "a processor",
    {"prt": "3.13.5, Clang 19", "Debian": "3.13.5, GCC 14", "a < b": "3.13.5, GCC 12"},
    {
        "nbody": {"prt": (0.1, 0.1, 9.0), "Debian": (0.2, 0.2, 0.2), "a < b": (0.1, 0.05, 0.2)},
        "json": {"prt": (2.0, 2.2, 2.1), "Debian": (1.05,), "a < b": (4.2,)},
    },
)
speeds = st.floats(0.2, 8)


def compared(*ratios: float) -> Results:
    """A comparison with one other interpreter that takes `ratios` times as long, one ratio a benchmark."""
    seconds = {f"b{place}": {"ours": (1.0,), "other": (ratio,)} for place, ratio in enumerate(ratios)}
    return Results("m", {"ours": "", "other": ""}, seconds)


def test_speed_is_the_other_ones_median_time_by_ours_so_that_one_slow_turn_does_not_count() -> None:
    assert MEASURED.speed("nbody", "Debian") == pytest.approx(2)
    assert MEASURED.speed("json", "Debian") == pytest.approx(0.5)
    assert MEASURED.speed("nbody", "a < b") == pytest.approx(1)


def test_the_mean_is_geometric_twice_as_fast_and_half_as_fast_is_equally_fast() -> None:
    assert MEASURED.mean_speed("Debian") == pytest.approx(1)
    assert MEASURED.mean_speed("a < b") == pytest.approx(2**0.5)


def test_the_first_interpreter_is_the_one_in_question() -> None:
    assert MEASURED.ours == "prt"
    assert MEASURED.others == ["Debian", "a < b"]
    assert [name for name, _ in MEASURED.rows()] == ["geometric mean", "nbody", "json"]


def test_what_is_written_is_json_with_the_comparison_and_reads_back_the_same() -> None:
    text = results.write(MEASURED)
    assert json.loads(text)["speed"]["Debian"] == {"geometric mean": 1.0, "nbody": 2.0, "json": 0.5}
    assert results.read(text) == MEASURED
    assert results.write(results.read(text)) == text


def test_noise_is_how_far_turns_are_from_their_median() -> None:
    assert MEASURED.noise == 0
    assert compared(1.0).noise == 0
    uneven = Results("m", {"ours": ""}, {"b": {"ours": (0.9, 1.0, 1.2)}, "c": {"ours": (1.0, 2.0, 3.0)}})
    assert uneven.noise == pytest.approx(0.15)


def test_the_chart_as_a_whole() -> None:
    assert_golden("bench.svg", chart.draw(MEASURED))


@settings(deadline=None)  # a busy machine is not a defect
@given(st.lists(speeds, min_size=1, max_size=30))
def test_a_bar_starts_at_one_ends_at_its_speed_and_stays_between_names_and_numbers(ratios: list[float]) -> None:
    root = ElementTree.fromstring(chart.draw(compared(*ratios)))
    _, _, *bars = root.iter(f"{SVG}rect")  # the ground and the legend come first
    line = [path.attrib["d"] for path in root.iter(f"{SVG}path")][-1]
    one = float(line[1:].split()[0])
    assert len(bars) == len(ratios) + 1
    for bar, ratio in zip(bars[1:], ratios, strict=True):
        left, width = float(bar.attrib["x"]), float(bar.attrib["width"])
        assert (left if ratio > 1 else left + width) == pytest.approx(one, abs=0.2)
        assert 189 <= left <= left + width <= 691


@settings(deadline=None)  # a busy machine is not a defect
@given(st.lists(speeds, min_size=1, max_size=5))
def test_the_axis_has_few_numbers_and_1_is_one_of_them(ratios: list[float]) -> None:
    root = ElementTree.fromstring(chart.draw(compared(*ratios)))
    ticks = [str(text.text) for text in root.iter(f"{SVG}text") if text.get("text-anchor") == "middle"]
    assert "1.0" in ticks
    assert 2 <= len(ticks) <= 20


def test_the_committed_chart_shows_the_committed_numbers() -> None:
    folder = Path(chart.__file__).parent
    assert chart.draw(results.read((folder / "bench.json").read_text())) == (folder / "bench.svg").read_text()
