"""Findings: facts about a medium that a user must know, each under a rule with a stable id.

A finding never stops the work. It is collected, reported, and counted in the exit code.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from attrs import define, field, frozen

ERROR = "error"
WARNING = "warning"
INFO = "info"

CONTRADICTIONS: Final = frozenset(("FS-PATIENT-CONFLICT", "FS-STUDY-TWO-PATIENTS", "FS-SERIES-TWO-STUDIES"))
"""Rules for files that name different patients or studies. A reader shows all of these files, and says so."""
AT_MOST: Final = 100
"""Findings of one rule in one file that are listed; more are only counted."""


@frozen
class Where:
    """The place of a finding. File, record path, byte offset and tag may each be unknown."""

    file: str = ""
    record: str = ""
    offset: int | None = None
    tag: int | None = None

    def __str__(self) -> str:
        parts = [self.file, self.record]
        if self.offset is not None:
            parts.append(f"offset {self.offset}")
        if self.tag is not None:
            parts.append(f"({self.tag >> 16:04X},{self.tag & 0xFFFF:04X})")
        return ", ".join(part for part in parts if part)


@frozen
class Rule:
    """A row of the catalogue: id, severity, section of the Standard, and title."""

    id: str
    severity: str
    section: str
    title: str


@frozen
class Finding:
    """A fact at `where` that breaks `rule`, or bends it."""

    rule: str
    message: str
    where: Where = field(factory=Where)

    @property
    def severity(self) -> str:
        """`error`, `warning` or `info`, from the catalogue."""
        return RULES[self.rule].severity

    @property
    def contradicts(self) -> bool:
        """Whether files name different patients or studies, or two names of one patient. A reader shows all of these files."""
        return self.rule in CONTRADICTIONS or (self.rule, self.where.record) == ("FS-KEY-CONFLICT", "PATIENT")

    @property
    def section(self) -> str:
        """The section of the Standard that has the rule."""
        return RULES[self.rule].section

    @property
    def placed(self) -> str:
        """The message after its place."""
        place = str(self.where)
        return f"{place}: {self.message}" if place else self.message

    def __str__(self) -> str:
        return f"{self.severity}: {self.placed} [{self.rule}]"


@define
class Findings:
    """Collects the findings on one file: the first `AT_MOST` of each rule, and the number of the rest."""

    file: str
    _kept: list[Finding] = field(factory=list)
    _counts: Counter[str] = field(factory=Counter)

    def add(self, rule: str, message: str, *, offset: int | None = None, tag: int | None = None) -> None:
        """Add a finding."""
        self._counts[rule] += 1
        if self._counts[rule] <= AT_MOST:
            self._kept.append(Finding(rule, message, Where(self.file, offset=offset, tag=tag)))

    def listed(self) -> list[Finding]:
        """Return the findings; a last one for each rule with more than `AT_MOST` gives the number of the rest."""
        more = ((rule, count - AT_MOST) for rule, count in self._counts.items() if count > AT_MOST)
        return self._kept + [Finding(rule, f"and {count} more of the kind", Where(self.file)) for rule, count in more]


_ROWS = (
    # Sources that cannot become members of a file-set
    ("FS-SOURCE-EMPTY", ERROR, "PS3.10 8.1", "a source has no files"),
    ("FS-FILE-NOT-DICOM", INFO, "PS3.10 7.1", "not a DICOM file"),
    ("FS-FILE-EMPTY", INFO, "PS3.10 7.1", "the file is empty"),
    ("FS-FILE-UNREADABLE", ERROR, "PS3.10 8.4", "the file cannot be read"),
    ("FS-FILE-NO-PREFIX", ERROR, "PS3.10 7.1", "no preamble and DICM prefix"),
    ("FS-FILE-NO-META", ERROR, "PS3.10 7.1", "no File Meta Information"),
    ("FS-FILE-TRUNCATED", ERROR, "PS3.10 8.4", "the file ends inside a data element"),
    ("FS-FILE-BAD-HEADER", ERROR, "PS3.5 7.1", "the data set cannot be decoded"),
    ("FS-FILE-IS-DICOMDIR", INFO, "PS3.10 8.6", "a DICOMDIR, which no record may reference"),
    ("FS-FILE-NAME", ERROR, "PS3.10 8.2", "the name is not a File ID"),
    ("FS-KEY-UID-MISSING", ERROR, "PS3.3 F.5", "a UID that the record needs is missing"),
    ("FS-UID-INVALID", ERROR, "PS3.5 9.1", "a UID has other characters than digits and dots, or more than 64"),
    ("FS-UID-FORM", WARNING, "PS3.5 9.1", "a UID of digits and dots with a leading zero or an empty component"),
    ("FS-UID-ARC", WARNING, "PS3.5 9.1", "a UID under an arc that does not exist"),
    ("FS-KEY-TYPE1-MISSING", ERROR, "PS3.3 F.5", "a Type 1 key has no value"),
    ("FS-SOP-CLASS-NO-RECORD", ERROR, "PS3.3 F.4", "the SOP class has no directory record type"),
    ("FS-INSTANCE-DUPLICATE", INFO, "PS3.3 F.2.1", "the same file again"),
    ("FS-INSTANCE-CONFLICT", ERROR, "PS3.3 F.2.1", "one SOP Instance UID, different contents"),
    ("FS-PATIENT-CONFLICT", ERROR, "PS3.3 F.5.1", "one Patient ID, two persons"),
    ("FS-STUDY-TWO-PATIENTS", ERROR, "PS3.3 F.5.2", "one study under two patients"),
    ("FS-SERIES-TWO-STUDIES", ERROR, "PS3.3 F.5.3", "one series in two studies"),
    # Corrected values
    ("FS-KEY-INVENTED", WARNING, "PS3.11 D.3.3.1", "a Type 1 key was given an invented value"),
    ("FS-KEY-CHANGED", WARNING, "PS3.3 F.5", "a key of a record was changed to the value of its file"),
    ("FS-KEY-CONFLICT", WARNING, "PS3.3 F.5", "instances of one patient, study or series disagree on a key"),
    ("FS-KEY-FORM", WARNING, "PS3.5 6.2", "a value of a file breaks the rules of its VR"),
    ("FS-KEY-LEFT-OUT", INFO, "PS3.5 6.2", "an optional key whose value in the file breaks the rules of its VR"),
    ("FS-KEY-NORMALISED", INFO, "PS3.5 6.2", "a value was written in the form that the Standard requires"),
    ("FS-META-DIFFERS", ERROR, "PS3.10 7.1", "File Meta Information and data set differ"),
    ("FS-CHARSET-GUESSED", WARNING, "PS3.5 6.1.2", "text outside ASCII without a character set"),
    ("FS-SOP-CLASS-UNKNOWN", WARNING, "PS3.3 F.4", "the SOP class is not in the tables"),
    ("FS-NOTHING-ADDED", WARNING, "PS3.10 8.1", "no source can be listed in the DICOMDIR"),
    # Icons and pictures for a browser
    ("FS-ICON-FAILED", WARNING, "PS3.3 F.7", "no icon can be made from an image"),
    ("FS-PICTURE-NONE", INFO, "IHE RAD TF-3 4.47", "an object of a kind that has no picture"),
    ("FS-PICTURE-FAILED", WARNING, "IHE RAD TF-3 4.47", "no picture can be made from an object that should have one"),
    ("FS-PICTURE-PARTLY", WARNING, "IHE RAD TF-3 4.47", "a part of a picture is missing"),
    ("FS-PAGES-STALE", WARNING, "IHE RAD TF-3 4.47", "pages for a browser show the old contents of a medium"),
    ("FS-PICTURE-CHOSEN", INFO, "IHE RAD TF-3 4.47", "only some pictures of a series are shown"),
    # The medium
    ("FS-MEDIUM-DAMAGED", ERROR, "PS3.10 8.4", "the medium is damaged"),
    # Structure of a DICOMDIR
    ("FS-DICOMDIR-SYNTAX", ERROR, "PS3.10 8.6", "the DICOMDIR is not in Explicit VR Little Endian"),
    ("FS-DICOMDIR-META", ERROR, "PS3.10 7.1", "File Meta Information of the DICOMDIR is wrong"),
    ("FS-DICOMDIR-TRAILING", WARNING, "PS3.10 7.2", "bytes after the data set of the DICOMDIR"),
    ("FS-DICOMDIR-TRUNCATED", ERROR, "PS3.10 8.4", "the DICOMDIR ends inside a data element"),
    ("FS-DICOMDIR-LOST", ERROR, "PS3.10 8.6", "no readable DICOMDIR"),
    ("FS-DIRECTORY-ABSENT", INFO, "PS3.3 F.3.2.2", "no Directory Information Module"),
    ("FS-CONSISTENCY-FLAG", ERROR, "PS3.3 F.3.2.2", "File-set Consistency Flag is not 0000H"),
    ("FS-RECORD-INACTIVE", ERROR, "PS3.3 F.3.2.2", "Record In-use Flag is 0000H"),
    ("FS-RECORD-IN-USE-FLAG", ERROR, "PS3.3 F.3.2.2", "Record In-use Flag is not FFFFH"),
    ("FS-RECORD-MALFORMED", ERROR, "PS3.5 7.5", "a directory record cannot be decoded"),
    ("FS-RECORD-TYPE", ERROR, "PS3.3 F.3.2.2", "the Directory Record Type is not in the tables"),
    ("FS-RECORD-SEQUENCE-LENGTH", ERROR, "PS3.5 7.5", "the Directory Record Sequence does not end at its stated length"),
    ("FS-RECORD-NESTING", ERROR, "PS3.3 F.4", "records are nested deeper than any table allows"),
    ("FS-OFFSET-ABSENT", ERROR, "PS3.3 F.3.2.2", "records lack required offsets"),
    ("FS-OFFSET-SHIFTED", ERROR, "PS3.3 F.3.2.2", "all offsets are wrong by the same amount"),
    ("FS-OFFSET-NEAR", ERROR, "PS3.3 F.3.2.2", "an offset points near a record, not to it"),
    ("FS-OFFSET-UNUSABLE", ERROR, "PS3.3 F.3.2.2", "the offsets do not form a tree"),
    ("FS-OFFSET-NOWHERE", ERROR, "PS3.3 F.3.2.2", "an offset does not point to a record"),
    ("FS-OFFSET-CYCLE", ERROR, "PS3.3 F.2.1", "an offset leads back to an earlier record"),
    ("FS-OFFSET-SHARED", ERROR, "PS3.3 F.2.1", "two records or entities share a record"),
    ("FS-OFFSET-LAST", ERROR, "PS3.3 F.3.2.2", "the offset of the last root record is wrong"),
    ("FS-OFFSET-FIRST", ERROR, "PS3.3 F.3.2.2", "the offset of the first root record is wrong"),
    ("FS-RECORD-ORPHAN", ERROR, "PS3.3 F.2.1", "a record is in no directory entity"),
    ("FS-HIERARCHY", ERROR, "PS3.3 F.4", "a record is below a record of the wrong type"),
    ("FS-RECORD-REFERENCE", ERROR, "PS3.3 F.3.2.2", "the file reference of a record is incomplete"),
    ("FS-FILE-ID-HOSTILE", ERROR, "PS3.10 8.2", "a File ID that leads out of the file-set"),
    ("FS-FILE-ID-FORM", ERROR, "PS3.10 8.2", "a File ID breaks the naming rules"),
    ("FS-FILE-MISSING", ERROR, "PS3.3 F.2.1", "a referenced file is not on the medium"),
    # The DICOMDIR as a data set
    ("FS-DIRECTORY-ELEMENT", ERROR, "PS3.3 F.3.2", "a required element of the DICOMDIR is missing or malformed"),
    ("FS-DIRECTORY-FOREIGN", WARNING, "PS3.3 F.3.1", "an element that does not belong in a DICOMDIR"),
    ("FS-FILE-SET-ID", ERROR, "PS3.10 8.1", "the File-set ID breaks the rules"),
    ("FS-DESCRIPTOR", WARNING, "PS3.3 F.3.2.1", "the File-set Descriptor File breaks the rules"),
    ("FS-DICOMDIR-ABSENT", WARNING, "PS3.10 8.6", "no DICOMDIR on the medium"),
    ("FS-DICOMDIR-UNREADABLE", ERROR, "PS3.10 8.6", "the DICOMDIR cannot be read"),
    ("FS-DICOMDIR-SECOND", WARNING, "PS3.10 8.6", "more than one DICOMDIR on the medium"),
    ("FS-RECORD-ELEMENT", ERROR, "PS3.3 F.3.2.2", "a record lacks its in-use flag or its type"),
    ("FS-RECORD-PRIVATE-UID", ERROR, "PS3.3 F.6.1", "a PRIVATE record without Private Record UID"),
    ("FS-RECORD-RETIRED", INFO, "PS3.3 F.4", "a record type that was retired"),
    ("FS-ELEMENT-ORDER", ERROR, "PS3.5 7.1", "data elements are out of order, or one occurs twice"),
    ("FS-ELEMENT-LENGTH", ERROR, "PS3.5 7.1.1", "a value of odd length"),
    ("FS-ELEMENT-VR", ERROR, "PS3.6 6", "an element has the wrong VR"),
    ("FS-ELEMENT-GROUP", ERROR, "PS3.5 7.5.1", "an item has an element of a group that items must not have"),
    ("FS-PRIVATE-CREATOR", ERROR, "PS3.5 7.8.1", "private elements have no private creator, or a wrong number"),
    # Keys of records
    ("FS-KEY-TYPE2-MISSING", ERROR, "PS3.3 F.5", "a Type 2 key is missing"),
    ("FS-KEY-CONDITION", ERROR, "PS3.3 F.5", "a Type 1C or 2C key is missing where its condition holds"),
    ("FS-KEY-NEEDLESS", WARNING, "PS3.5 7.4", "a Type 1C or 2C key is present although its condition does not hold"),
    ("FS-KEY-ITEMS", ERROR, "PS3.3 F.5", "a sequence with too few or too many items"),
    ("FS-KEY-ICON", WARNING, "PS3.3 F.7", "an icon breaks the rules for icons"),
    ("FS-VALUE-FORM", ERROR, "PS3.5 6.2", "a value breaks the rules of its VR"),
    ("FS-VALUE-PADDING", WARNING, "PS3.5 6.2", "a value is padded with the wrong character"),
    ("FS-VALUE-ENUMERATED", ERROR, "PS3.3 F.5", "a value is not one of the enumerated values"),
    ("FS-CHARSET-UNKNOWN", ERROR, "PS3.3 C.12.1.1.2", "a Specific Character Set that does not exist"),
    ("FS-CHARSET-MISSING", ERROR, "PS3.3 F.5", "text beyond ISO IR 6 in a record without a character set"),
    ("FS-CHARSET-DIFFERS", ERROR, "PS3.5 6.1", "text is not in the declared character set"),
    ("FS-PATIENT-TWICE", ERROR, "PS3.3 F.5.1", "two PATIENT records with one Patient ID"),
    ("FS-STUDY-TORN", WARNING, "PS3.3 F.5.2", "several studies that are probably one"),
    ("FS-STUDY-TWICE", ERROR, "PS3.3 F.5.2", "two STUDY records with one Study Instance UID"),
    ("FS-SERIES-TWICE", ERROR, "PS3.3 F.5.3", "two SERIES records with one Series Instance UID"),
    ("FS-INSTANCE-TWICE", WARNING, "PS3.3 F.2.1", "two records with one SOP Instance UID"),
    # Names
    ("FS-FILE-ID-RESERVED", ERROR, "PS3.10 8.6", "a record references the DICOMDIR"),
    ("FS-FILE-SHARED", ERROR, "PS3.3 F.2.1", "two records reference one file"),
    ("FS-NAME-CLASH", WARNING, "PS3.10 8.2", "names that differ only in case"),
    ("FS-NAME-DEVICE", WARNING, "PS3.10 8.2", "a file with a name that Windows keeps for a device"),
    ("FS-NAME-FORM", WARNING, "PS3.12 F.1", "a file has another form of its name on the medium"),
    ("FS-FILE-UNDELETED", ERROR, "PS3.10 8.3", "a file without a record that cannot be deleted"),
    ("FS-FILE-LINK", WARNING, "PS3.10 8.1", "a symbolic link that leads out of the file-set"),
    # Files against records
    ("FS-FILE-HEADER-ADDED", INFO, "PS3.10 7.1", "the copy of a data set was given a Part 10 header, as requested"),
    ("FS-SOURCE-PATTERN", WARNING, "PS3.10 8.1", "a pattern of --exclude matches nothing"),
    ("FS-SOURCE-LEFT-OUT", INFO, "PS3.10 8.1", "files were left out, as requested"),
    ("FS-FILE-MOVED", WARNING, "PS3.3 F.2.1", "a file is in another place than in its record"),
    ("FS-FILE-UNLISTED", ERROR, "PS3.3 F.2.1", "a DICOM file that no record references"),
    ("FS-REFERENCE-NOT-DICOM", ERROR, "PS3.10 8.1", "a record references a file that is not DICOM"),
    ("FS-RECORD-TYPE-DIFFERS", ERROR, "PS3.3 F.5", "the record type does not fit the SOP class of the file"),
    ("FS-SOP-CLASS-DIFFERS", ERROR, "PS3.3 F.3.2.2", "the SOP Class UID of a record differs from its file"),
    ("FS-UID-DIFFERS", ERROR, "PS3.3 F.3.2.2", "a UID of a record differs from its file"),
    ("FS-SYNTAX-DIFFERS", ERROR, "PS3.3 F.3.2.2", "the Transfer Syntax UID of a record differs from its file"),
    ("FS-KEY-DIFFERS", ERROR, "PS3.3 F.5", "a key of a record differs from its file"),
    ("FS-KEY-SUPPLIED", INFO, "PS3.11 D.3.3.1", "a record has a key that its file lacks"),
    ("FS-WRITE-LEFTOVER", WARNING, "PS3.10 8.1", "a file left by an interrupted write"),
    # DICOM files
    ("FS-PREAMBLE-EXECUTABLE", ERROR, "PS3.10 7.5", "the preamble makes the file a program"),
    ("FS-PREAMBLE-UNKNOWN", WARNING, "PS3.10 7.5", "the preamble is neither zero nor TIFF"),
    ("FS-PREAMBLE-CLEARED", INFO, "PS3.10 7.5", "the preamble was cleared in the copy, as requested"),
    ("FS-META-MISSING", ERROR, "PS3.10 7.1", "File Meta Information lacks a required element"),
    ("FS-META-FORM", ERROR, "PS3.10 7.1", "File Meta Information breaks the rules"),
    ("FS-META-GROUP-LENGTH", ERROR, "PS3.10 7.1", "the length of the File Meta Information is wrong"),
    ("FS-FILE-TRAILING", WARNING, "PS3.10 7.2", "bytes after the data set"),
    ("FS-FILE-PRIVATE", WARNING, "PS3.5 7.8.1", "private elements of a file have no private creator, or a wrong number"),
    ("FS-PIXEL-SYNTAX", ERROR, "PS3.5 A.4", "pixel data is encapsulated although the transfer syntax is native, or the reverse"),
    ("FS-PIXEL-FRAGMENT", ERROR, "PS3.5 A.4", "fragments of pixel data break the rules"),
    ("FS-PIXEL-TOTAL-LENGTH", ERROR, "PS3.3 C.7.6.3", "the total length of encapsulated pixel data is wrong"),
    ("FS-OFFSET-TABLE-BASIC", ERROR, "PS3.5 A.4", "the Basic Offset Table is wrong"),
    ("FS-OFFSET-TABLE-EXTENDED", ERROR, "PS3.3 C.7.6.3", "the Extended Offset Table is wrong"),
    ("FS-HASH-DIFFERS", ERROR, "", "the contents of a file differ from the manifest"),
    ("FS-HASH-MISSING", ERROR, "", "a file in the manifest is not on the medium"),
    ("FS-HASH-UNLISTED", WARNING, "", "a file is not in the manifest"),
    # More than one medium holds
    ("FS-VOLUME-SERIES-SPLIT", WARNING, "PS3.10 8.1", "a series is divided among volumes"),
    ("FS-VOLUME-FORMER", WARNING, "PS3.10 8.1", "a volume of an older file-set is beside the new ones"),
    ("FS-VOLUME-STUDY-SPLIT", INFO, "PS3.10 8.1", "a study is divided among volumes"),
    # The medium itself
    ("FS-IMAGE-REDUCED", WARNING, "PS3.12", "a new image lacks a feature of the one it replaced"),
    ("FS-MEDIUM-FILE-SYSTEM", WARNING, "PS3.12", "a file system that PS3.12 does not allow"),
    ("FS-TRANSFORMED", INFO, "PS3.10 8.1", "a file was changed, as requested"),
    ("FS-TRANSFORM-FAILED", ERROR, "PS3.10 8.1", "a file could not be changed and was left out"),
    ("FS-TRANSCODED", INFO, "PS3.5 8.2", "a file was written in another transfer syntax, as requested"),
    ("FS-TRANSCODE-FAILED", WARNING, "PS3.5 8.2", "a file cannot be written in another transfer syntax"),
    # Secure DICOM Files
    ("FS-SECURE-PASSWORD", ERROR, "PS3.15 D.1", "the password for an encrypted file is wrong"),
    ("FS-SECURE-KEY", ERROR, "PS3.15 D.1", "an encrypted file that no given key or password opens"),
    ("FS-SECURE-ALGORITHM", ERROR, "PS3.15 D.1.1", "an encrypted file uses an algorithm that PS3.15 D.1 does not allow"),
    ("FS-SECURE-DIGEST", ERROR, "PS3.15 D.1.1", "an encrypted file was changed: its digest is wrong"),
    ("FS-SECURE-SIGNATURE", ERROR, "PS3.15 D.1.1", "the signature of an encrypted file is wrong"),
    ("FS-SECURE-INTEGRITY", ERROR, "PS3.15 D.1.1", "an encrypted file without digest or signature"),
    ("FS-SECURE-FORM", ERROR, "PS3.10 7.4", "the envelope of an encrypted file is damaged"),
    ("FS-SECURE-TRUST", WARNING, "PS3.15 D.1", "no trusted certificate confirms the signer"),
    ("FS-SECURE-PLAIN", ERROR, "PS3.10 3.8", "a DICOM file that is not encrypted, in an encrypted file-set"),
    ("FS-SECURE-UNSEEN", ERROR, "PS3.15 D.1", "encrypted files that could be checked only from outside"),
    ("FS-SECURE-RECIPIENTS", WARNING, "PS3.15 D.1", "recipients of the old DICOMDIR cannot open the new one"),
    ("FS-SECURE-NO-PAGES", WARNING, "PS3.15 D.1", "pages for a browser were left out because they are not encrypted"),
    ("FS-SECURE-STATE", INFO, "PS3.15 D.1", "an encrypted file was opened with this key or password, and this digest or signature"),
    ("FS-ZIP-PASSWORD", ERROR, "PS3.12 V", "the password for an archive is wrong"),
    ("FS-ZIP-CHANGED", ERROR, "PS3.12 V", "an encrypted file in an archive was changed"),
    ("FS-ZIP-WEAK", WARNING, "PS3.12 V", "the encryption of an archive is weak"),
    # Application profiles, where one was named
    ("PR-SOP-CLASS", ERROR, "PS3.11 X.3.1", "a SOP Class that the profile does not allow"),
    ("PR-TRANSFER-SYNTAX", ERROR, "PS3.11 X.3.1", "a transfer syntax that the profile does not allow for the SOP Class"),
    ("PR-XABC", ERROR, "PS3.11 A.3.3", "an image that breaks a rule of the Basic Cardiac profile"),
    ("PR-XA1K", ERROR, "PS3.11 B.3.3", "an image that breaks a rule of the 1024 X-Ray Angiographic profiles"),
    ("PR-US", ERROR, "PS3.11 C.3", "an image that breaks a rule of the Ultrasound profiles"),
    ("PR-CTMR", ERROR, "PS3.11 E.3.3", "an image that breaks a rule of the CT/MR profiles"),
    ("PR-DEN", ERROR, "PS3.11 K.3.3", "an image that breaks a rule of the dental profiles"),
    ("PR-JPEG-TABLES", ERROR, "PS3.11 H.3.3", "a JPEG frame without its tables"),
    ("PR-KEY", ERROR, "PS3.11 X.3.3", "a record without a key that the profile demands"),
    ("PR-ICON", ERROR, "PS3.11 X.3.3", "a record lacks the icon that the profile demands, or has one of another size"),
    ("PR-DIRECTORY", ERROR, "PS3.11 X.3.3", "a DICOMDIR without directory information"),
    ("PR-MEDIUM", ERROR, "PS3.11 X.3.2", "a medium that the profile does not allow"),
    ("PR-MEDIUM-UNKNOWN", WARNING, "PS3.11 X.3.2", "the rules for the medium cannot be checked on a folder"),
    ("PR-KEPT-UNKNOWN", WARNING, "PS3.11 X.3", "instances that an update kept and did not judge under the profile"),
    ("PR-SECURE", ERROR, "PS3.11 X.3.5", "a file is not encrypted although the profile demands it, or is encrypted although the profile forbids it"),
)  # fmt: skip

RULES = {row[0]: Rule(*row) for row in _ROWS}
"""The catalogue of rules by id. An id never changes its meaning."""
