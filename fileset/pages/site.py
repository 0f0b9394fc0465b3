"""All pages of a medium: INDEX.HTM, a page for each study and each series, and one for each report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import frozen

from fileset.file_id import FileId
from fileset.pages.languages import TEXTS
from fileset.pages.markup import Markup, element
from fileset.pages.model import PageEntry, Patient, Series, Study, each_series
from fileset.pages.names import INDEX, README, ROOT, page_name
from fileset.pages.options import Imprint
from fileset.pages.render import Rendered
from fileset.pages.style import POLICY, SCRIPT, STYLE
from fileset.pictures.report_text import ReportLine, shown_date, shown_name, shown_time

Page = tuple[str, bytes]
"""The path of a file on the medium, and its content."""
_CONTENT: Final = "DICOM PLUS WEB"
_IMAGES: Final = frozenset(("IMAGE", "RT DOSE"))
_DEEPEST: Final = 4
_INSTEAD: Final = {"HTM": ("report", "open_report"), "PDF": ("document", "open_document")}
"""The words shown instead of a picture for reports and documents, by suffix: what it is, and the link that opens it."""


@frozen
class Site:
    """The pages of one medium.

    `rendered` has the instances that are shown, by File ID; `stems` the path of each below IHE_PDI, without its ending.
    """

    patients: list[Patient]
    rendered: Mapping[FileId, Rendered]
    stems: Mapping[FileId, str]
    imprint: Imprint

    def pages(self) -> Iterator[Page]:
        """Yield all pages. The caller writes the pictures and documents, which are separate files."""
        patients = list(enumerate(self.patients))
        studies = [(patient, study) for _, patient in patients for study in patient.studies]
        numbers = {id(study): number for number, (_, study) in enumerate(studies)}
        if len(patients) == 1:
            yield INDEX, self._overview(patients[0][1], numbers, f"{ROOT}/", INDEX)
        else:
            yield INDEX, self._patient_list(patients)
            for number, patient in patients:
                name = page_name("PA", number)
                yield f"{ROOT}/{name}", self._overview(patient, numbers, "", name)
        count = 0
        for number, (patient, study) in enumerate(studies):
            series = list(enumerate(study.series, count))
            count += len(series)
            name = page_name("ST", number)
            back = f"../{INDEX}" if len(patients) == 1 else page_name("PA", self.patients.index(patient))
            yield f"{ROOT}/{name}", self._study_page(patient, study, series, back)
            for at, one in series:
                yield f"{ROOT}/{page_name('SE', at)}", self._series_page(patient, study, one, name)
                yield from self._reports(patient, study, one, page_name("SE", at))

    @property
    def words(self) -> Mapping[str, str]:
        """The texts in the language of the pages."""
        return TEXTS[self.imprint.options.language]

    # ------------------------------------------------------------ the frame around a page

    def _page(self, title: str, subtitle: str, *body: Markup | None, root: str, script: bool = False) -> bytes:
        words, options = self.words, self.imprint.options
        head = element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=POLICY),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="generator", content=self.imprint.program),
            element("title", title),
            element("style", Markup(STYLE)),
        )
        top = element("div", element("h1", title), element("p", subtitle) if subtitle else None, class_="wide")
        footer = element(
            "div",
            element("p", element("strong", words["not_diagnostic"])),
            element("p", " \u00b7 ".join(filter(None, (options.institution, options.contact)))),
            element("p", f"{words['created']} {self.imprint.date} \u00b7 {_CONTENT} \u00b7 {self.imprint.program}"),
            element("p", element("a", words["readme"], href=root + README)),
            class_="wide",
        )
        page = element(
            "html",
            head,
            element(
                "body",
                element("header", top, class_="top"),
                element("main", *body, class_="wide"),
                element("footer", footer),
                element("script", Markup(SCRIPT)) if script else None,
            ),
            lang=self.imprint.options.language,
        )
        return b"<!DOCTYPE html>\n" + page.encode("ascii", "xmlcharrefreplace") + b"\n"

    def _facts(self, *pairs: tuple[str, str]) -> Markup:
        rows = (element("div", element("dt", name), element("dd", value)) for name, value in pairs if value)
        return element("dl", *rows, class_="facts")

    def _disc_facts(self) -> Markup:
        words = self.words
        return self._facts(
            (words["institution"], self._institution()),
            (words["created"], self.imprint.date),
            (words["content"], _CONTENT),
        )

    def _patient_facts(self, patient: Patient) -> Markup:
        words, values = self.words, patient.values
        return self._facts(
            (words["name"], self._name(patient)),
            (words["patient_id"], values["id"]),
            (words["birth_date"], shown_date(values["birth_date"])),
            (words["sex"], words.get(values["sex"], values["sex"])),
        )

    def _name(self, patient: Patient) -> str:
        return shown_name(patient.values["name"]) or self.words["unknown"]

    def _institution(self, study: Study | None = None) -> str:
        all_series = study.series if study else [series for _, _, series in each_series(self.patients)]
        named = {series.values["institution"] for series in all_series} - {""}
        # If the images are from several institutions, none of them is named as the maker of the disc.
        return self.imprint.options.institution or (named.pop() if len(named) == 1 else "")

    def _counted(self, what: str, count: int) -> str:
        return self.words[f"one_{what}"] if count == 1 else self.words[f"many_{what}"].format(count=count)

    def _card(self, link: str, picture: Markup, title: str, *lines: str) -> Markup:
        written = (element("span", line, class_="line") for line in lines if line)
        words = element("span", element("strong", title), *written, class_="words")
        return element("li", element("a", element("span", picture, class_="view"), words, class_="card", href=link))

    # ------------------------------------------------------------ the first page

    def _patient_list(self, patients: list[tuple[int, Patient]]) -> bytes:
        words = self.words
        cards = (
            self._card(
                f"{ROOT}/{page_name('PA', number)}",
                self._thumbnail((entry for study in patient.studies for entry in study.entries), f"{ROOT}/"),
                self._name(patient),
                patient.values["id"],
                shown_date(patient.values["birth_date"]),
                ", ".join(shown_date(study.values["date"]) or words["no_date"] for study in patient.studies),
            )
            for number, patient in patients
        )
        content = element("ul", *cards, class_="cards") if patients else element("p", words["empty"])
        heading = element("h2", words["patients"])
        return self._page(words["title"], "", self._disc_facts(), heading, content, root="")

    def _overview(self, patient: Patient, numbers: Mapping[int, int], folder: str, name: str) -> bytes:
        words = self.words
        cards = (
            self._card(
                f"{folder}{page_name('ST', numbers[id(study)])}",
                self._thumbnail(study.entries, folder),
                study.values["description"] or words["study"],
                shown_date(study.values["date"]) or words["no_date"],
                ", ".join(filter(None, dict.fromkeys(series.values["modality"] for series in study.series))),
                self._counted("series", len(study.series)),
                self._contents(study.entries),
            )
            for study in patient.studies
        )
        return self._page(
            words["title"],
            self._name(patient),
            self._back(f"../{INDEX}", words["back"]) if name != INDEX else None,
            self._patient_facts(patient),
            self._disc_facts(),
            element("h2", words["studies"]),
            element("ul", *cards, class_="cards"),
            root="" if name == INDEX else "../",
        )

    def _contents(self, entries: Iterable[PageEntry]) -> str:
        """Count pictures and other objects, in words."""
        kinds = Counter("image" if entry.record_type in _IMAGES else "object" for entry in entries)
        return ", ".join(self._counted(kind, kinds[kind]) for kind in ("image", "object") if kinds[kind])

    def _thumbnail(self, entries: Iterable[PageEntry], folder: str, instead: str = "no_picture") -> Markup:
        """Choose the picture in the middle of the first series that has pictures, else the words called `instead`."""
        shown = [entry.file_id for entry in entries if self._suffix(entry) == "JPG"]
        if not shown:
            return element("span", self.words[instead], class_="none")
        middle = shown[(len(shown) - 1) // 2]
        return element("img", src=f"{folder}{self.stems[middle]}.JPG", alt="")

    def _suffix(self, entry: PageEntry) -> str:
        rendered = self.rendered.get(entry.file_id)
        return rendered.suffix if rendered else ""

    def _back(self, link: str, words: str) -> Markup:
        return element("nav", element("p", element("a", "\u2190 " + words, href=link)))

    # ------------------------------------------------------------ a study

    def _study_page(self, patient: Patient, study: Study, series: list[tuple[int, Series]], back: str) -> bytes:
        words = self.words
        cards = (
            self._card(
                page_name("SE", number),
                self._series_thumbnail(one),
                self._series_title(one),
                " \u00b7 ".join(filter(None, (one.values["modality"], one.values["body_part"]))),
                self._contents(one.entries),
            )
            for number, one in series
        )
        return self._page(
            study.values["description"] or words["study"],
            self._name(patient),
            self._back(back, words["back"]),
            self._patient_facts(patient),
            self._study_facts(study),
            element("h2", words["series"]),
            element("ul", *cards, class_="cards"),
            root="../",
        )

    def _study_facts(self, study: Study) -> Markup:
        words, values = self.words, study.values
        when = " ".join(filter(None, (shown_date(values["date"]), shown_time(values["time"]))))
        return self._facts((words["date"], when), (words["institution"], self._institution(study)))

    def _series_title(self, series: Series) -> str:
        return series.values["description"] or f"{self.words['a_series']} {series.values['number']}".strip()

    def _series_thumbnail(self, series: Series) -> Markup:
        suffixes = (self._suffix(entry) for entry in series.entries if entry.file_id in self.rendered)
        kind, _ = _INSTEAD.get(next(suffixes, ""), ("no_picture", ""))
        return self._thumbnail(series.entries, "", kind)

    # ------------------------------------------------------------ a series

    def _series_page(self, patient: Patient, study: Study, series: Series, back: str) -> bytes:
        words = self.words
        shown = [(entry, self.rendered[entry.file_id]) for entry in series.entries if entry.file_id in self.rendered]
        title = self._series_title(series)
        subtitle = " \u00b7 ".join(filter(None, (self._name(patient), self._contents(series.entries))))
        items = (
            element("li", self._figure(number, len(shown), entry, rendered, title), id=f"p{number}")
            for number, (entry, rendered) in enumerate(shown, start=1)
        )
        hint = words["some_only"].format(shown=len(shown), count=len(series.entries))
        pictures = sum(rendered.suffix == "JPG" for _, rendered in shown)
        viewer = element("section", id="viewer", data_label=words["browse"], data_help=words["browse_help"])
        return self._page(
            title,
            subtitle,
            self._back(back, words["back_to_study"]),
            self._facts(
                (words["name"], self._name(patient)),
                (words["patient_id"], patient.values["id"]),
                (words["date"], shown_date(study.values["date"])),
                (words["study"], study.values["description"]),
                (words["a_series"], " ".join(filter(None, (series.values["modality"], series.values["number"])))),
            ),
            element("p", words["not_diagnostic"], class_="small"),
            element("p", hint, class_="note") if len(shown) < len(series.entries) else None,
            viewer if pictures > 1 else None,
            element("ol", *items, class_="pictures"),
            root="../",
            script=pictures > 1,
        )

    def _figure(self, number: int, count: int, entry: PageEntry, rendered: Rendered, title: str) -> Markup:
        words, link = self.words, f"{self.stems[entry.file_id]}.{rendered.suffix}"
        place = words["image_of"].format(number=number, count=count)
        if rendered.suffix == "JPG":
            width, height = rendered.size
            image = element("img", src=link, alt=f"{place}, {title}", width=width, height=height, loading="lazy")
            frame = element("a", image, *self._edges(rendered), href=link, class_="frame")
            return element("figure", frame, element("figcaption", self._caption(place, rendered)), class_="shown")
        if rendered.suffix:
            name, opening = (words[one] for one in _INSTEAD[rendered.suffix])
            heading, opener = element("strong", rendered.title or name), element("a", opening, href=link)
            return element("figure", element("span", heading, element("br"), opener, class_="none"))
        why = [words["kind"]]
        if rendered.failed:  # technical reasons are in English; screen readers need to know that
            why = [words["failed"], element("br"), element("span", rendered.reason, lang="en")]
        reason = element("span", element("strong", words["no_picture"]), element("br"), *why, class_="none")
        return element("figure", reason, element("figcaption", f"{entry.record_type} {entry.file_id.path}"))

    def _caption(self, place: str, rendered: Rendered) -> str:
        words, facts = self.words, rendered.facts
        window = facts.window
        parts = [
            place,
            words["frame_of"].format(number=facts.frame, count=facts.frames) if facts.frames > 1 else "",
            words["position"].format(value=f"{facts.position:.1f}") if facts.position is not None else "",
            words["window"].format(width=f"{window[1]:.0f}", centre=f"{window[0]:.0f}") if window else "",
            words["cut_off"] if rendered.reason else "",
        ]
        return ", ".join(filter(None, parts))

    def _edges(self, rendered: Rendered) -> Iterator[Markup]:
        """Return the letters at the edges of a picture."""
        for edge, letters in zip(("left", "right", "top", "bottom"), rendered.facts.edges, strict=True):
            if letters:
                meaning = ", ".join(self.words["F_" if letter == "F" else letter] for letter in letters)
                yield element("abbr", letters, class_=f"edge {edge}", title=meaning)

    # ------------------------------------------------------------ reports

    def _reports(self, patient: Patient, study: Study, series: Series, page: str) -> Iterator[Page]:
        for entry in series.entries:
            rendered = self.rendered.get(entry.file_id)
            if rendered is not None and rendered.suffix == "HTM":
                stem = self.stems[entry.file_id]
                up = "../" * stem.count("/")
                yield f"{ROOT}/{stem}.HTM", self._report_page(patient, study, rendered.lines, up + page, up + "../")

    def _report_page(
        self, patient: Patient, study: Study, lines: tuple[ReportLine, ...], back: str, root: str
    ) -> bytes:
        words = self.words
        title = next((line.name for line in lines if line.name), words["report"])
        content = element("div", *map(_line, lines[1:]), class_="report")
        above = self._back(back, words["back_to_study"]), self._patient_facts(patient), self._study_facts(study)
        return self._page(title, self._name(patient), *above, content, root=root)


def _line(line: ReportLine) -> Markup:
    depth = f"d{min(max(line.depth, 1), _DEEPEST)}"
    if not line.value:
        return element("h3", line.name, class_=depth) if line.name else Markup()
    name = element("strong", line.name + ": ") if line.name else None
    return element("p", name, line.value, class_=depth)
