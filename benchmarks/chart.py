"""Draws a comparison as an SVG: for each benchmark a bar to the right where ours is faster, to the left where not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import jinja2

from benchmarks.results import Results

# People who see fewer colours can distinguish these as well (Okabe and Ito).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
_LEFT, _WIDTH, _RIGHT = 190, 500, 80  # pixels: the names, the bars, the numbers
_BAR, _GAP = 9, 8


@dataclass(frozen=True)
class Bar:
    """One bar: its place in pixels, and the number that it shows."""

    x: float
    y: float
    width: float
    colour: str
    number: str


@dataclass(frozen=True)
class Row:
    """One benchmark: its name, the height its name is written at, and its bars."""

    name: str
    middle: float
    bars: tuple[Bar, ...]


def draw(results: Results) -> str:
    """The SVG; the same results make the same bytes."""
    rows = list(results.rows())
    axis = _axis([speed for _, row in rows for speed in row])
    low, high = axis[0], axis[-1]

    def x(speed: float) -> float:
        return round(_LEFT + _WIDTH * (speed - low) / (high - low), 1)

    def bar(speed: float, y: float, colour: str) -> Bar:
        return Bar(min(x(1), x(speed)), y, round(abs(x(speed) - x(1)), 1), colour, f"{speed:.2f}")

    top = 66 + 20 * len(results.others)
    height = _BAR * len(results.others) + _GAP
    drawn = []
    for place, (name, row) in enumerate(rows):
        # A gap separates the mean from the benchmarks.
        y = top + place * height + (_GAP if place else 0)
        bars = tuple(bar(speed, y + _BAR * column, _COLOURS[column]) for column, speed in enumerate(row))
        drawn.append(Row(name, y + _BAR * len(row) / 2, bars))
    bottom = top + len(rows) * height + _GAP
    template = Path(__file__).with_name("chart.svg.j2").read_text()
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(template).render(
        width=_LEFT + _WIDTH + _RIGHT,
        height=bottom + 44,
        left=_LEFT,
        right=_LEFT + _WIDTH,
        top=top - _GAP,
        bottom=bottom,
        one=x(1),
        bar=_BAR,
        ticks=[(x(tick), f"{tick:.1f}") for tick in axis],
        ours=f"{results.ours} ({results.interpreters[results.ours]})",
        legend=[
            (colour, f"as {other} ({results.interpreters[other]})")
            for colour, other in zip(_COLOURS, results.others, strict=False)
        ],
        rows=drawn,
        machine=results.machine,
        noise=f"{results.noise:.1%}",
    )


def _axis(speeds: list[float]) -> list[float]:
    """The numbers below the axis, from its start to its end: few, around every speed, and 1 is one of them."""
    low, high = min([*speeds, 0.95]), max([*speeds, 1.05])
    parts = next(parts for parts in (10, 5, 2, 1) if (high - low) * parts <= 12 or parts == 1)
    return [number / parts for number in range(math.floor(low * parts), math.ceil(high * parts) + 1)]
