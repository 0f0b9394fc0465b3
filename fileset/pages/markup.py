"""HTML elements as values; every text is escaped, except markup."""

from __future__ import annotations

import re
from html import escape
from typing import Final

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Control characters, marks that reverse the order of text, and halves of characters, which pages must not contain."""
_VOID: Final = frozenset(("br", "img", "input", "link", "meta"))


class Markup(str):
    """HTML that needs no escaping."""

    __slots__ = ()


def text(value: str) -> Markup:
    """Escape a text for HTML; replace control characters."""
    return Markup(escape(_CONTROL.sub("\ufffd", value)))


def element(name: str, /, *children: str | None, **attributes: str | int | None) -> Markup:
    """Build an HTML element. Children of type `str` are text; None is left out, as child and as attribute.

    The name of an attribute may end in "_", and "_" within it is "-".
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written} />")
    inner = "".join(child if isinstance(child, Markup) else text(child) for child in children if child is not None)
    return Markup(f"<{name}{written}>{inner}</{name}>")
