"""X/Y/Z plot: every combination of the values of up to three axes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from webui.params import GenerationParams, InvalidParamsError
from webui.params.scripts import XYZPlot
from webui.scripts.axes import NOTHING, find_axis
from webui.scripts.axis import Axis
from webui.scripts.plan import (
    Cell,
    Label,
    Layout,
    Legend,
    Place,
    ScriptPlan,
    Seeds,
    changed,
    check_count,
    wrapped,
)

SEEDS = ("seed", "subseed")


@dataclass(frozen=True)
class Line:
    """One of the three axes with its values. `varies_seeds`: each value begins with a seed of its own."""

    letter: str
    axis: Axis
    values: tuple[Any, ...]
    text: str
    varies_seeds: bool

    @property
    def where(self) -> str:
        """What errors begin with."""
        return f"{self.letter} axis, {self.axis.name}"

    def legend(self, *, draw: bool) -> Legend:
        """What stands beside the grid."""
        texts = [self.axis.show(value) if draw else "" for value in self.values]
        return tuple((Label(text),) if text else () for text in texts)


def plan(params: GenerationParams, script: XYZPlot, seeds: Seeds) -> ScriptPlan:
    """The cells of a plot. The costliest axis changes least often, else Z, then Y.

    Raises:
        InvalidParamsError: an unknown axis, a value that it can't have, or too many pictures.
    """
    lines = (
        _line("X", script.x_axis, script.x_values, script.vary_seeds_x),
        _line("Y", script.y_axis, script.y_values, script.vary_seeds_y),
        _line("Z", script.z_axis, script.z_values, script.vary_seeds_z),
    )
    count = prod(len(line.values) for line in lines)
    check_count(count * params.n_iter * params.batch_size)
    if not script.no_fixed_seeds:
        lines = tuple(_fixed(line, seeds) for line in lines)
    base = params.changed(script=None, **({} if script.no_fixed_seeds else _settled(params, seeds)))
    places = _Places(lines)

    def cell(number: int) -> Cell:
        return _cell(base, lines, places.of(number), seeds)

    x, y, z = (line.legend(draw=script.draw_legend) for line in lines)
    layout = Layout(x, y, z, script.margin_size, script.include_sub_grids and len(z) > 1)
    return ScriptPlan(count, cell, layout, facts=_facts(script, lines))


def _line(letter: str, name: str, text: str, varies_seeds: bool) -> Line:
    axis = find_axis(name)
    try:
        values = tuple(axis.parse(text))
    except ValueError as error:
        raise InvalidParamsError(
            "script", f"{letter} axis, {axis.name}: {str(error).rstrip('.')}."
        ) from error
    if not values:
        raise InvalidParamsError(
            "script", f'{letter} values are empty: say which {axis.name}, or choose "{NOTHING}".'
        )
    return Line(letter, axis, values, text, varies_seeds)


def _fixed(line: Line, seeds: Seeds) -> Line:
    """With a random seed, the same for all cells, for each value that asks for one."""
    if line.axis.field not in SEEDS:
        return line
    values = tuple(
        seeds.drawn(f"{line.letter}{at}") if value == -1 else value for at, value in enumerate(line.values)
    )
    return Line(line.letter, line.axis, values, line.text, line.varies_seeds)


def _settled(params: GenerationParams, seeds: Seeds) -> dict[str, int]:
    random = {"seed": seeds.seed, "subseed": seeds.subseed}
    return {name: seed for name, seed in random.items() if getattr(params, name) == -1}


class _Places:
    """Numbers in drawing order, and the places they stand for."""

    def __init__(self, lines: tuple[Line, ...]) -> None:
        self._sizes = [len(line.values) for line in lines]
        # Innermost first; of equally costly ones X lies inside Y, and Y inside Z.
        self._inner = sorted(range(3), key=lambda at: (lines[at].axis.cost, at))

    def of(self, number: int) -> Place:
        place = [0, 0, 0]
        for at in self._inner:
            number, place[at] = divmod(number, self._sizes[at])
        return place[0], place[1], place[2]


def _cell(params: GenerationParams, lines: tuple[Line, ...], place: Place, seeds: Seeds) -> Cell:
    names: list[str] = []
    for line, at in zip(lines, place, strict=True):
        value = line.values[at]
        if name := line.axis.show(value):
            names.append(name)
        try:
            changes = line.axis.change(params, value)
        except ValueError as error:
            raise InvalidParamsError("script", f"{line.where}: {str(error).rstrip('.')}.") from error
        if changes:
            params = changed(params, changes, line.where)
    x, y, z = place
    key = f"{x},{y},{z}"
    seed = params.seed if params.seed >= 0 else seeds.drawn(f"seed {key}")
    subseed = params.subseed if params.subseed >= 0 else seeds.drawn(f"subseed {key}")
    seed = wrapped(seed + _offset(lines, place))
    return Cell(params.changed(seed=seed, subseed=subseed), seed, subseed, place, ", ".join(names))


def _offset(lines: tuple[Line, ...], place: Place) -> int:
    """How far the seed has been counted up where seeds vary along an axis."""
    offset, stride = 0, 1
    for line, at in zip(lines, place, strict=True):
        if line.varies_seeds:
            offset += at * stride
            stride *= len(line.values)
    return offset


def _facts(script: XYZPlot, lines: tuple[Line, ...]) -> tuple[tuple[str, str], ...]:
    facts = [("Script", script.name)]
    for line in lines:
        if line.axis.name == NOTHING:
            continue
        facts += [(f"{line.letter} Type", line.axis.name), (f"{line.letter} Values", line.text)]
        fixes = line.axis.field in SEEDS and not script.no_fixed_seeds
        if fixes and -1 in line.axis.parse(line.text):
            facts.append((f"Fixed {line.letter} Values", ", ".join(map(str, line.values))))
    return tuple(facts)
