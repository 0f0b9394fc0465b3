"""Markup escapes every text; values of files are decoded in their character set."""

from __future__ import annotations

import io

import pydicom
import pytest

from fileset.file_id import FileId
from fileset.pages.markup import Markup, element, text
from fileset.pages.names import stems
from fileset.pages.render import render
from tests.pictures.files import FOLDER, reading


def test_texts_are_escaped_and_markup_is_not() -> None:
    made = element("a", "<b>&", element("i", "x"), None, href='"><script>', class_="c", data_label="l", id=None)
    assert made == '<a href="&quot;&gt;&lt;script&gt;" class="c" data-label="l">&lt;b&gt;&amp;<i>x</i></a>'


@pytest.mark.parametrize("hostile", ["\0", "\x1b[31m", "\u202e", "\u2066", "\ud800", "\x85"])
def test_characters_that_control_a_browser_or_reverse_a_line_are_replaced(hostile: str) -> None:
    assert text(f"a{hostile[0]}b") == "a\ufffdb"


def test_elements_without_content_are_closed() -> None:
    assert element("img", src="a", alt="") == '<img src="a" alt="" />'
    assert isinstance(element("br"), Markup)


@pytest.mark.parametrize(("declared", "written"), [
    ("ISO_IR 192", "Schädel, 頭"), ("ISO_IR 100", "Schädel"), (["", "ISO 2022 IR 87"], "頭部"),
])  # fmt: skip
def test_descriptions_are_read_in_their_character_set(declared: str | list[str], written: str) -> None:
    dataset = pydicom.dcmread(FOLDER / "CT_small.dcm")
    dataset.SpecificCharacterSet, dataset.SeriesDescription = declared, written
    target = io.BytesIO()
    dataset.save_as(target)
    assert render(reading(target.getvalue())).texts["SeriesDescription"] == written


def test_file_ids_that_cannot_be_mirrored_get_numbers() -> None:
    names = ["IM1", "A/IM1", "a/im1.dcm", "1/2/3/4/5/6/7", "1/2/3/4/5/6/7/8", "OTHER/X0000001"]
    file_ids = [FileId.tolerant(name) for name in names]
    assert list(stems(file_ids).values()) == [
        "OTHER/X0000001", "A/IM1", "OTHER/X0000002", "1/2/3/4/5/6/7", "OTHER/X0000003", "OTHER/X0000004",
    ]  # fmt: skip
