"""The pages show the contents of the disc, escape values of files, and load nothing from elsewhere."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from string import Formatter
from xml.etree import ElementTree as ET

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

import fileset
from fileset import Reader, RuleError
from fileset.errors import RefusedError
from fileset.pages.folder import write_pages
from fileset.pages.languages import TEXTS, plain_ascii
from fileset.pages.model import evenly
from fileset.pages.options import WebOptions
from fileset.pages.style import STYLE
from tests.pages.conftest import SLICES, make_disc, pages_of, save_patient
from tests.pages.site_reader import PageReader, pages
from tests.pictures.files import FOLDER


def test_every_link_and_picture_leads_to_a_file_below_the_folder(web: Path) -> None:
    for page in pages(web):
        for target in page.targets:
            assert target.is_file()
            assert target.is_relative_to(web)


def test_every_file_is_reached_from_the_first_page(web: Path) -> None:
    reached, waiting = set[Path](), [web / "INDEX.HTM"]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += PageReader(path).targets if path.suffix == ".HTM" else []
    assert reached == {path for path in web.rglob("*") if path.is_file()}


def test_all_names_are_iso_9660_names(web: Path) -> None:
    names = [path.relative_to(web).parts for path in web.rglob("*")]
    assert all(re.fullmatch(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?", part) for parts in names for part in parts)
    assert max(map(len, names)) <= 8


def test_pictures_mirror_the_file_ids(disc: Path, web: Path) -> None:
    with Reader(disc) as reader:
        files = {record.file_id.path for record in reader.find(Modality="CT") if record.file_id}
    shown = {path.relative_to(web / "IHE_PDI").with_suffix("").as_posix() for path in web.rglob("*.JPG")}
    assert len(files) == SLICES
    assert files < shown


def test_the_first_page_names_patient_date_and_contents(web: Path) -> None:
    page = PageReader(web / "INDEX.HTM")
    for words in ("Dr. Jane Müller", "P-4711", "1970-04-12", "female", "Radiology & Partners", "radiology@example.org",
                  "DICOM PLUS WEB", "CT Abdomen", "2026-11-05", "Not for diagnosis"):  # fmt: skip
        assert words in page.text
    assert page.text.index("CT Abdomen") < page.text.index("Ultrasound")  # the newest first
    assert len(page.pictures) == 2


def test_the_study_page_shows_each_series_with_a_picture(web: Path) -> None:
    page = PageReader(web / "IHE_PDI" / "ST000000.HTM")
    assert f"Axial CT {SLICES} pictures" in page.text.replace(" \u00b7 ", " ")
    assert "Report Findings" in page.text


def test_the_series_page_shows_the_pictures_in_order_with_orientation(web: Path) -> None:
    page = PageReader(web / "IHE_PDI" / "SE000000.HTM")
    assert [picture["alt"] for picture in page.pictures] == [f"Picture {at} of 7, Axial" for at in range(1, 8)]
    brightness = [np.asarray(Image.open(path)).mean() for path in page.targets if path.suffix == ".JPG"][::2]
    assert brightness == sorted(brightness)
    assert "position 5.0 mm, window" in page.text
    edges = [(values["class"], values["title"]) for tag, values in page.elements if tag == "abbr"][:4]
    assert edges == [("edge left", "right"), ("edge right", "left"), ("edge top", "front"), ("edge bottom", "back")]


def test_a_report_is_text(web: Path) -> None:
    report = next(path for path in web.rglob("*.HTM") if path.parent.name.startswith("SE"))
    assert "Diameter: 3 cm" in PageReader(report).text


def test_an_object_without_a_picture_gives_a_card_with_the_reason(web: Path) -> None:
    assert any("This kind of object has no picture." in page.text for page in pages(web))


def test_pages_load_and_run_only_their_own_files(web: Path) -> None:
    for page in pages(web):
        source = page.path.read_text(encoding="ascii")
        policy = next(
            values["content"] or "" for tag, values in page.elements if tag == "meta" and "http-equiv" in values
        )
        assert policy.startswith("default-src 'none'; img-src 'self'")
        for kind in ("style", "script"):
            for code in re.findall(f"<{kind}>(.*?)</{kind}>", source, re.DOTALL):
                digest = b64encode(sha256(code.encode()).digest()).decode()
                assert f"{kind}-src 'unsafe-inline' 'sha256-{digest}'" in policy
        assert "http:" not in source
        assert "https:" not in source
        assert not re.search(r"\son\w+=|javascript:", source)
        assert {tag for tag, _ in page.elements}.isdisjoint({"iframe", "object", "embed", "link", "form", "base"})


def test_pages_are_well_formed_and_say_their_language(web: Path) -> None:
    for page in pages(web):
        root = ET.fromstring(page.path.read_text(encoding="ascii").removeprefix("<!DOCTYPE html>"))  # noqa: S314  our own
        assert root.get("lang") == "en"
        assert all(picture["alt"] is not None for picture in page.pictures)


def test_a_patient_called_script_is_text(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    attack = {"PatientName": evil, "StudyDescription": '"><img src=x onerror=alert(1)>', "SeriesDescription": "&'\"<b>",
              "InstitutionName": "</style><script>"}  # fmt: skip
    save_patient(tmp_path / "source", **attack)
    pages_of(make_disc(tmp_path / "disc", tmp_path / "source"), tmp_path / "web", institution=evil, contact=evil)
    for page in pages(tmp_path / "web"):
        allowed = 1 if "viewer" in [values.get("id") for _, values in page.elements] else 0
        assert [tag for tag, _ in page.elements].count("script") == allowed
        assert not any(name.startswith("on") for _, values in page.elements for name in values)
        assert all(picture["src"] != "x" for picture in page.pictures)
        assert evil in page.text


def test_several_patients_are_listed_first(tmp_path: Path) -> None:
    for name in ("CT_small.dcm", "MR_small.dcm"):
        pydicom.dcmread(FOLDER / name).save_as(tmp_path / name)
    disc = make_disc(tmp_path / "disc", tmp_path / "CT_small.dcm")
    with Reader(disc) as reader:
        assert len(list(reader.patients)) == 1
    (tmp_path / "both").mkdir()
    for name in ("CT_small.dcm", "MR_small.dcm"):
        (tmp_path / name).rename(tmp_path / "both" / name)
    pages_of(make_disc(tmp_path / "two", tmp_path / "both"), tmp_path / "web")
    page = PageReader(tmp_path / "web" / "INDEX.HTM")
    assert [link for link in page.links if "PA" in link] == ["IHE_PDI/PA000000.HTM", "IHE_PDI/PA000001.HTM"]
    test_every_link_and_picture_leads_to_a_file_below_the_folder(tmp_path / "web")
    test_every_file_is_reached_from_the_first_page(tmp_path / "web")


def test_a_large_series_shows_some_pictures_and_the_page_says_how_many(disc: Path, tmp_path: Path) -> None:
    report = pages_of(disc, tmp_path / "web", pictures=3)
    page = PageReader(tmp_path / "web" / "IHE_PDI" / "SE000000.HTM")
    assert len(page.pictures) == 3
    assert "3 of 7 pictures are shown here" in page.text
    assert [finding.message for finding in report.findings if finding.rule == "FS-PICTURE-CHOSEN"] == [
        "3 of 7 instances of the series are shown"
    ]


@pytest.mark.parametrize(
    ("count", "limit", "expected"), [(3, 5, [0, 1, 2]), (9, 3, [0, 4, 8]), (9, 1, [4]), (0, 5, [])]
)
def test_pictures_are_chosen_evenly(count: int, limit: int, expected: list[int]) -> None:
    assert list(evenly(count, limit)) == expected


def test_the_report_counts_and_names_every_instance_without_a_picture(disc: Path, tmp_path: Path) -> None:
    report = pages_of(disc, tmp_path / "web")
    assert (report.instances, report.pictures, report.reports) == (SLICES + 4, SLICES + 2, 1)
    assert [(finding.rule, finding.message) for finding in report.findings] == [
        ("FS-PICTURE-NONE", "this kind of object has no picture")
    ]
    assert report.complete


def test_a_missing_file_is_a_card_and_a_finding(tmp_path: Path) -> None:
    save_patient(tmp_path / "source")
    disc = make_disc(tmp_path / "disc", tmp_path / "source")
    with Reader(disc) as reader:
        gone = next(disc / record.file_id.path for record in reader.find(Modality="US") if record.file_id)
    gone.unlink()
    report = pages_of(disc, tmp_path / "web")
    assert not report.complete
    assert any(finding.rule == "FS-PICTURE-FAILED" for finding in report.findings)
    assert any("the file cannot be read" in page.text for page in pages(tmp_path / "web"))


def test_a_file_of_another_patient_is_not_shown_but_reported(tmp_path: Path) -> None:
    save_patient(tmp_path / "source")
    disc = make_disc(tmp_path / "disc", tmp_path / "source")
    with Reader(disc) as reader:
        wrong = next(disc / record.file_id.path for record in reader.find(Modality="US") if record.file_id)
    data = wrong.read_bytes()
    wrong.write_bytes(data.replace(b"P-4711", b"P-4712"))
    report = pages_of(disc, tmp_path / "web")
    (finding,) = (one for one in report.findings if one.rule == "FS-PICTURE-FAILED")
    assert "PatientID P-4712, the DICOMDIR P-4711" in finding.message
    assert not (tmp_path / "web" / "IHE_PDI" / wrong.relative_to(disc)).with_suffix(".JPG").exists()


def test_the_folder_must_be_new_or_empty(disc: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(RefusedError, match="not empty"), Reader(disc) as reader:
        write_pages(reader, tmp_path)


@pytest.mark.parametrize("language", TEXTS)
def test_every_language_has_all_words_with_the_same_places(language: str, disc: Path, tmp_path: Path) -> None:
    fields = {name: {field for _, field, _, _ in Formatter().parse(text)} for name, text in TEXTS["en"].items()}
    assert {
        name: {field for _, field, _, _ in Formatter().parse(text)} for name, text in TEXTS[language].items()
    } == fields
    pages_of(disc, tmp_path / "web", language=language)
    page = PageReader(tmp_path / "web" / "INDEX.HTM")
    assert TEXTS[language]["studies"] in page.text
    assert ("html", {"lang": language}) in page.elements


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(RuleError, match="Use one of de, en, es, fr"):
        WebOptions(language="xx")


@pytest.mark.parametrize("language", TEXTS)
def test_the_readme_is_plain_ascii_with_all_that_it_must_say(language: str, disc: Path, tmp_path: Path) -> None:
    pages_of(disc, tmp_path / "web", language=language, institution="Hôpital Süd", contact="01234")
    content = (tmp_path / "web" / "README.TXT").read_bytes()
    assert max(content) < 128
    assert content.count(b"\n") == content.count(b"\r\n") == len(content.splitlines())
    text = content.decode("ascii")
    for words in ("Hopital Sued", "01234", "fileset 0.", "INDEX.HTM", "IHE_PDI"):
        assert words in text
    assert plain_ascii(TEXTS[language]["readme_how"]) in text
    assert "DICOMDIR" not in text  # a folder of pages has no DICOM files


def test_the_same_medium_gives_the_same_pages(disc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("one", "two"):
        pages_of(disc, tmp_path / name)
    one, two = ({path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
                for name in ("one", "two"))  # fmt: skip
    assert one == two
    assert b"2023-11-14" in one[Path("INDEX.HTM")]


def test_pages_can_be_printed_and_read_on_a_phone() -> None:
    assert "@media print" in STYLE
    assert "max-width: 30rem" in STYLE


PAIRS = [
    ("#1c2730", "#f3f6f8"), ("#ffffff", "#12394a"), ("#cfe8f5", "#12394a"), ("#12394a", "#f3f6f8"), ("#0b5a85", "#f3f6f8"),
    ("#0b5a85", "#ffffff"), ("#4d606d", "#ffffff"), ("#44555f", "#ffffff"), ("#44555f", "#f3f6f8"), ("#37474f", "#e4eaee"),
    ("#33434d", "#ffffff"), ("#4b3a00", "#fff4d6"), ("#ffe08a", "#000000"),
]  # fmt: skip
"""The colours of text, each with the background that it is on."""


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_text_has_the_contrast_of_level_aa() -> None:
    for text, background in PAIRS:
        lighter, darker = sorted((luminance(text), luminance(background)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5
    paired = {colour for pair in PAIRS for colour in pair}
    written = set(re.findall(r"[^-]color: (#\w+)", STYLE))
    assert {
        "#ffffff" if colour == "#fff" else "#000000" if colour == "#000" else colour for colour in written
    } <= paired


def test_a_picture_of_a_file_that_ends_early_is_shown_and_named(tmp_path: Path) -> None:
    with fileset.Creator(tmp_path / "DISC", web=fileset.WebOptions()) as creator:
        creator.add(str(get_testdata_file("MR_truncated.dcm")))
    (told,) = (one for one in creator.report.findings if one.rule == "FS-PICTURE-PARTLY")
    assert told.where.file == "MR_truncated.dcm"
    assert len(list((tmp_path / "DISC" / "IHE_PDI").rglob("*.JPG"))) == 1
