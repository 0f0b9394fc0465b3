"""Letters at the edges of a picture that show the orientation of the patient (PS3.3 C.7.6.1.1.1, C.7.6.2.1.1)."""

from __future__ import annotations

from typing import Final, NamedTuple

from fileset.pictures.attributes import Attributes

_AXES: Final = (("R", "L"), ("A", "P"), ("F", "H"))
"""For each axis of the patient: the letters of its negative and its positive direction."""
_LEAST: Final = 0.3
"""Smallest cosine between a direction and an axis for which the letter of the axis is shown."""
_OPPOSITE: Final = {"R": "L", "L": "R", "A": "P", "P": "A", "F": "H", "H": "F"}


class Edges(NamedTuple):
    """The letters at the left, right, top and bottom edge; "" where unknown."""

    left: str = ""
    right: str = ""
    top: str = ""
    bottom: str = ""


NO_EDGES: Final = Edges()


def edges_of(attributes: Attributes) -> Edges:
    """Derive the letters from Image Orientation (Patient), else from Patient Orientation."""
    cosines = attributes.numbers("ImageOrientationPatient")
    if len(cosines) == 6:
        right, bottom = _letters(cosines[:3]), _letters(cosines[3:])
    else:
        value = attributes.get("PatientOrientation")
        named = [str(one).strip().upper() for one in value] if value is not None and not isinstance(value, str) else []
        right, bottom = named if len(named) == 2 else ("", "")
    if not (set(right) | set(bottom)) <= set(_OPPOSITE):
        return NO_EDGES
    return Edges(_opposite(right), right, _opposite(bottom), bottom)


def _letters(direction: list[float]) -> str:
    """Choose the letters of a direction, the one of the nearest axis first."""
    parts = sorted(zip(direction, _AXES, strict=True), key=lambda part: -abs(part[0]))
    return "".join(letters[cosine > 0] for cosine, letters in parts if abs(cosine) >= _LEAST)[:2]


def _opposite(letters: str) -> str:
    return "".join(map(_OPPOSITE.__getitem__, letters))
