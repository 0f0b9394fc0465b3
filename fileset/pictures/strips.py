"""Compute pixels a few rows at a time: 8 bytes for every pixel of a large image would fill the memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIP: Final = 1 << 20
"""Values of one strip, at least one row."""


def by_strips(compute: Callable[[NDArray[Any]], NDArray[Any]], values: NDArray[Any]) -> NDArray[Any]:
    """Compute `compute(values)` strip by strip; `compute` must treat each row separately."""
    import numpy as np

    rows = max(1, STRIP // max(1, values[:1].size))
    if len(values) <= rows:
        return compute(values)
    first = compute(values[:rows])
    result = np.empty((len(values), *first.shape[1:]), first.dtype)
    result[:rows] = first
    for at in range(rows, len(values), rows):
        result[at : at + rows] = compute(values[at : at + rows])
    return result
