"""Small pictures of spectra for notebooks: an SVG of fixed size. Used by Spectrum and Mirror. Pure."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_WIDTH, _HEIGHT = 320, 120
_MAP_CELLS = 48


def svg_of_counts(name: str, counts: npt.NDArray[Any], axes: Sequence[Any]) -> str:
    """The name, the sum and a picture: a step line of a 1-D spectrum, cells of a 2-D one."""
    picture = _line(counts) if counts.ndim == 1 else _cells(counts)
    ranges = " × ".join(f"{axis.bins} channels from {axis.low:g} to {axis.high:g}" for axis in axes)
    total = int(counts.sum(dtype=np.uint64))
    return (
        f"<div><b>{html.escape(name)}</b> {ranges}, sum {total:,}<br>"
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'xmlns="http://www.w3.org/2000/svg">'
        f'<rect width="100%" height="100%" fill="#fff" stroke="#999"/>{picture}</svg></div>'
    )


def _line(counts: npt.NDArray[Any]) -> str:
    columns = _largest(counts.astype(np.float64), _WIDTH)
    top = float(columns.max(initial=0.0)) or 1.0
    step = _WIDTH / max(1, len(columns))
    points = " ".join(
        f"{at * step:.1f},{_HEIGHT - value / top * (_HEIGHT - 4):.1f} "
        f"{(at + 1) * step:.1f},{_HEIGHT - value / top * (_HEIGHT - 4):.1f}"
        for at, value in enumerate(columns)
    )
    return f'<polyline points="{points}" fill="none" stroke="#1f6fb4"/>'


def _cells(counts: npt.NDArray[Any]) -> str:
    rows = np.array([_largest(row.astype(np.float64), _MAP_CELLS) for row in counts]).T
    cells = np.array([_largest(column, _MAP_CELLS) for column in rows]).T
    top = float(np.log1p(cells.max(initial=0.0))) or 1.0
    width, height = _WIDTH / cells.shape[1], _HEIGHT / cells.shape[0]
    return "".join(
        f'<rect x="{x * width:.1f}" y="{_HEIGHT - (y + 1) * height:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" fill="#1f6fb4" fill-opacity="{np.log1p(cells[y, x]) / top:.2f}"/>'
        for y, x in np.argwhere(cells > 0)
    )


def _largest(values: npt.NDArray[Any], most: int) -> npt.NDArray[Any]:
    """At most so many values: the largest of each group."""
    if len(values) <= most:
        return values
    starts = np.linspace(0, len(values), most, endpoint=False).astype(int)
    result: npt.NDArray[Any] = np.maximum.reduceat(values, starts)
    return result
