"""The contents of pages: links, pictures and texts, as an HTML parser and an XML parser see them."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote


class PageReader(HTMLParser):
    """Links, pictures, texts and elements of one page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._quiet = 0
        self.feed(path.read_text(encoding="ascii"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.elements.append((tag, values))
        self._quiet += tag in ("style", "script")
        if tag == "a":
            self.links.append(values["href"] or "")
        if tag == "img":
            self.pictures.append(values)

    def handle_endtag(self, tag: str) -> None:
        self._quiet -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def targets(self) -> Iterator[Path]:
        """The files that links and pictures lead to."""
        for link in [*self.links, *(picture["src"] or "" for picture in self.pictures)]:
            yield (self.path.parent / unquote(link.partition("#")[0])).resolve()


def pages(folder: Path) -> list[PageReader]:
    return [PageReader(path) for path in sorted(folder.rglob("*.HTM"))]
