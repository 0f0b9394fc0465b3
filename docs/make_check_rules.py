"""Make `docs/check-rules.md` from the catalogue of rules: `python docs/make_check_rules.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from fileset.findings import RULES, Rule

HERE = Path(__file__).parent

REPAIR = "`fileset repair` rebuilds the DICOMDIR from the files."
EXPORT = "Export the file again from the system that it came from."
RENAME = "`fileset create` copies the files under legal names."
LEAVE_OUT = "Leave the files out, or choose another profile: `fileset check MEDIUM --profiles` names those that the medium satisfies."
REQUESTED = ("An option asks for it.", "Nothing: the report names each file.")

FIX_FILES = "Correct the files, then `fileset refresh`."

ASK = "Ask the sender for a new copy, and do not use this one."

CAUSES: dict[str, tuple[str, str]] = {
    "FS-SECURE-PASSWORD": ("The password has a typing error, or is that of another disc.", "Give the right one."),
    "FS-SECURE-KEY": (
        "The file is encrypted for somebody else, or no key was given.",
        "`--key KEY.pem`, or `--password-file FILE`; [secure.md](secure.md) explains both.",
    ),
    "FS-SECURE-ALGORITHM": ("The sender's program does not keep to PS3.15 D.1.", "Ask for another encryption."),
    "FS-SECURE-DIGEST": ("The file was changed or damaged after it was encrypted.", ASK),
    "FS-SECURE-SIGNATURE": ("The file was changed after it was signed, or another person signed it.", ASK),
    "FS-SECURE-INTEGRITY": (
        "The sender encrypted the plain file, without digest or signature.",
        "Compare the file with the original before you use it.",
    ),
    "FS-SECURE-FORM": ("The file is cut off or damaged.", ASK),
    "FS-SECURE-TRUST": ("The signer is unknown here, or the certificate has expired.", "Check who sent the disc."),
    "FS-SECURE-PLAIN": (
        "A file was copied onto an encrypted medium.",
        "`fileset create --encrypt-to CERT.pem` makes a new medium.",
    ),
    "FS-SECURE-UNSEEN": ("No key was given.", "`--key KEY.pem`, or `--password-file FILE`."),
    "FS-SECURE-RECIPIENTS": (
        "The DICOMDIR was encrypted again, for other recipients.",
        "Name all of them with `--encrypt-to`.",
    ),
    "FS-SECURE-NO-PAGES": (
        "Pages show pictures and names, and are not encrypted.",
        "Nothing; or `--web-plain`, if everyone may see them.",
    ),
    "FS-ZIP-PASSWORD": ("The password has a typing error, or is that of another archive.", "Give the right one."),
    "FS-ZIP-CHANGED": ("The archive was changed or damaged after it was encrypted.", ASK),
    "FS-ZIP-WEAK": ("The archive was made with the old encryption of ZIP.", "Ask for AES-256 next time."),
    "FS-SECURE-STATE": ("The file was opened with the key or password.", "Nothing."),
    "FS-SOURCE-EMPTY": ("The folder or archive has no files.", "Name the folder that has them."),
    "FS-FILE-NOT-DICOM": (
        "A viewer, a document or a thumbnail; or a DICOM file that was overwritten.",
        "Nothing, if it is not an image. `--strict-sources` makes such files count.",
    ),
    "FS-FILE-EMPTY": ("A copy failed, or a program left a marker file.", EXPORT),
    "FS-FILE-UNDELETED": (
        "This user may not delete in the folder of the file, or another program has the file open.",
        "Delete the file by hand; until then it is a DICOM file that no record references.",
    ),
    "FS-FILE-UNREADABLE": ("No permission, or a damaged sector.", "Copy the file again, or clean the disc."),
    "FS-FILE-NO-PREFIX": ("The file was written without the header of PS3.10.", EXPORT),
    "FS-PAGES-STALE": ("Files were added, removed or replaced after the pages were written.", "Write the pages again."),
    "FS-TRANSCODED": (
        "The profile or an option demands another transfer syntax.",
        "Nothing: the report lists each file.",
    ),
    "FS-TRANSCODE-FAILED": (
        "The pixel data is damaged, or no decoder for it is installed.",
        'pip install "dicom-fileset[images]"',
    ),
    "FS-FILE-NO-META": ("A program wrote only the data set, as before 1993.", EXPORT),
    "FS-FILE-TRUNCATED": ("A transfer was cut off, or the disk was full.", EXPORT),
    "FS-FILE-BAD-HEADER": ("The bytes are damaged, or a program wrote wrong lengths.", EXPORT),
    "FS-FILE-IS-DICOMDIR": ("The source is itself a file-set.", "Nothing: its images are taken."),
    "FS-FILE-NAME": ("Lower case, an extension, or more than 8 characters.", RENAME),
    "FS-FILE-ID": ("A program wrote the name of the file as it is on disk, or the bytes are damaged.", REPAIR),
    "FS-FILE-MISSING": ("The file was deleted or renamed, or the disc is incomplete.", REPAIR),
    "FS-FILE-SHARED": ("The program listed a file twice.", REPAIR),
    "FS-FILE-LINK": ("A link was copied instead of the file.", "Copy the file in the place of the link."),
    "FS-FILE-MOVED": ("The files were moved after the DICOMDIR was written.", REPAIR),
    "FS-FILE-UNLISTED": (
        "The file came after the DICOMDIR was written.",
        "`fileset repair` or `fileset add` lists it.",
    ),
    "FS-FILE-SET-ID": (
        "More than 16 characters, or others than A-Z, 0-9 and _.",
        "`fileset add MEDIUM --file-set-id ID`.",
    ),
    "FS-FILE-TRAILING": ("A program padded the file.", "Nothing; readers ignore the bytes."),
    "FS-UID-INVALID": (
        "A program made a UID with letters, or cut one off.",
        EXPORT,
    ),
    "FS-UID-FORM": ("The modality fills numbers up with zeros.", "Nothing; readers only compare UIDs."),
    "FS-UID-ARC": (
        "The maker of the modality chose a root that was not registered.",
        "Nothing; readers only compare UIDs.",
    ),
    "FS-UID-DIFFERS": (
        "The file was replaced or corrected after the DICOMDIR was written.",
        "`fileset refresh` or `fileset repair`.",
    ),
    "FS-KEY-UID-MISSING": ("The file has no SOP Instance, Study or Series Instance UID.", EXPORT),
    "FS-KEY-TYPE1-MISSING": (
        "The file lacks a value that its record must have.",
        "`--missing invent` invents one and reports it.",
    ),
    "FS-KEY-TYPE2-MISSING": ("The writer of the DICOMDIR left the key out.", REPAIR),
    "FS-KEY-INVENTED": (
        "The file lacks a value that its record must have.",
        "Nothing; or correct the file and `fileset refresh`.",
    ),
    "FS-KEY-CONFLICT": (
        "A name or date was corrected in some files only.",
        "Correct the other files, then `fileset refresh`.",
    ),
    "FS-KEY-DIFFERS": (
        "The file was corrected after the DICOMDIR was written, or it belongs to another patient.",
        "Look at both, then `fileset refresh`.",
    ),
    "FS-KEY-SUPPLIED": ("The writer of the DICOMDIR filled in a value that the file lacks.", "Nothing."),
    "FS-KEY": ("The writer of the record or of the file did not keep to the rules for this key.", REPAIR),
    "FS-SOP-CLASS-DIFFERS": ("The file was replaced after the DICOMDIR was written.", REPAIR),
    "FS-SOP-CLASS": ("A private or a very new kind of object.", "`--unknown-sop-class private` lists it as PRIVATE."),
    "FS-INSTANCE-DUPLICATE": ("The sources overlap.", "Nothing: it is taken once."),
    "FS-INSTANCE-CONFLICT": (
        "A corrected and an uncorrected version are among the sources.",
        "Leave one out, or `fileset add --replace`.",
    ),
    "FS-INSTANCE-TWICE": ("The instance was added twice.", REPAIR),
    "FS-PATIENT-CONFLICT": (
        "Two persons got one Patient ID, or a file was exchanged: the names differ, and so does the birth date or the sex.",
        "Find out whose images they are before you use the disc. `--patient-conflict split` keeps two persons apart.",
    ),
    "FS-STUDY-TWO-PATIENTS": (
        "The patient was corrected in some files only, or files of two patients are mixed.",
        "Find out which is right before you hand out the disc.",
    ),
    "FS-SERIES-TWO-STUDIES": ("A program copied a series with its UID into another study.", EXPORT),
    "FS-META-DIFFERS": ("A program changed the data set and not the File Meta Information.", EXPORT),
    "FS-META": ("The program that wrote the file made an error in its File Meta Information.", EXPORT),
    "FS-CHARSET": (
        "The program wrote text in another character set than it declared.",
        "Correct the files, then `fileset refresh`.",
    ),
    "FS-NOTHING-ADDED": (
        "No source is a DICOM file that can be a member.",
        "Look at the reasons of the skipped files.",
    ),
    "FS-ICON-FAILED": ("The pixel data cannot be decoded.", "`fileset check` shows whether the file is damaged."),
    "FS-PICTURE-CHOSEN": (
        "`--web-pictures` limits the pictures of a series, to keep the pages small; the files are all on the medium.",
        "Nothing; or a larger `--web-pictures`.",
    ),
    "FS-PICTURE": ("The object has no pixels, or they cannot be decoded.", "Open it in a DICOM viewer."),
    "FS-MEDIUM-DAMAGED": ("Scratches, or an image that was cut off.", "`fileset extract` copies out the rest."),
    "FS-IMAGE-REDUCED": ("An update with `--force` of an image that another program wrote.", "Keep the old image."),
    "FS-MEDIUM-FILE-SYSTEM": (
        "The stick or card has a file system that PS3.12 does not list.",
        "Format it as FAT32, if a profile is demanded.",
    ),
    "FS-DICOMDIR-SECOND": ("Two file-sets are on one medium.", "Open one of them by its folder."),
    "FS-DICOMDIR-ABSENT": ("The disc never had one, or the copy left it out.", "`fileset index` writes one."),
    "FS-DICOMDIR": ("Another program wrote it so, or it is damaged.", REPAIR),
    "FS-DIRECTORY-ABSENT": ("The writer did not list the files.", "`fileset index --replace` makes a new file-set."),
    "FS-DIRECTORY": ("The writer of the DICOMDIR did not keep to PS3.3 Annex F.", REPAIR),
    "FS-CONSISTENCY-FLAG": ("A writer was interrupted.", REPAIR),
    "FS-RECORD-INACTIVE": ("The instance was deleted from the directory.", "Nothing; `fileset add` lists it again."),
    "FS-RECORD-RETIRED": ("The disc is old.", "Nothing."),
    "FS-RECORD": ("The writer of the DICOMDIR made an error, or bytes are damaged.", REPAIR),
    "FS-REFERENCE-NOT-DICOM": ("The file was overwritten, or never was an image.", REPAIR),
    "FS-OFFSET-TABLE": ("The encoder counted wrong.", EXPORT),
    "FS-OFFSET": ("The DICOMDIR was edited or converted without new offsets.", REPAIR),
    "FS-HIERARCHY": ("The writer of the DICOMDIR put a record under one of the wrong type.", REPAIR),
    "FS-DESCRIPTOR": ("The descriptor file was left out or renamed.", "`fileset add MEDIUM --descriptor FILE_ID`."),
    "FS-ELEMENT": ("The writer of the DICOMDIR encoded the element wrongly.", REPAIR),
    "FS-ELEMENT-VR": ("A program wrote an element with another VR than PS3.6.", f"{EXPORT} In a DICOMDIR: {REPAIR}"),
    "PR-KEPT-UNKNOWN": (
        "`add` judges only the files that it adds.",
        "`fileset check MEDIUM --profile ID` judges all of them.",
    ),
    "FS-PRIVATE-CREATOR": ("A program removed the private creator and left its elements.", REPAIR),
    "FS-FILE-PRIVATE": (
        "A program removed the private creator and left its elements.",
        "Nothing: only the program that wrote these elements reads them.",
    ),
    "FS-VALUE": (
        "The value was typed in by hand, or the writer padded it wrongly.",
        "Correct the files, then `fileset refresh`.",
    ),
    "FS-PATIENT-TWICE": ("The writer did not find its first record again.", REPAIR),
    "FS-STUDY-TORN": (
        "The files of one study were anonymised one by one: each got another Study Instance UID.",
        "Anonymise the study again as a whole, with a program that keeps equal UIDs equal.",
    ),
    "FS-STUDY-TWICE": ("The writer did not find its first record again.", REPAIR),
    "FS-SERIES-TWICE": ("The writer did not find its first record again.", REPAIR),
    "FS-NAME-DEVICE": (
        "The files got their names on another system than Windows.",
        "`fileset create` copies the files under other names.",
    ),
    "FS-NAME": ("The medium was copied by a program that changes names.", RENAME),
    "FS-SYNTAX-DIFFERS": ("The file was compressed after the DICOMDIR was written.", REPAIR),
    "FS-WRITE-LEFTOVER": (
        "A write was interrupted, by a crash or by pulling out the stick.",
        "`fileset repair` removes it.",
    ),
    "FS-PREAMBLE-EXECUTABLE": (
        "The file is a program as well: most likely malware.",
        "Do not run it. `--preamble zero` clears it in the copy.",
    ),
    "FS-PREAMBLE": ("The modality uses the first 128 bytes for itself.", "`--preamble zero` clears it in the copy."),
    "FS-PIXEL": ("The encoder made an error, or a program changed the transfer syntax only.", EXPORT),
    "FS-HASH-DIFFERS": ("The file is damaged, or was changed.", "Copy it again from the source."),
    "FS-HASH": ("Files were added or removed after the manifest was written.", "Compare with the source."),
    "FS-VOLUME": ("The data does not fit on one medium.", "Choose a larger medium, or hand out all volumes together."),
    "FS-VOLUME-FORMER": (
        "The file-set that was replaced had more volumes.",
        "Delete the old volume, so that it is not handed out with the new ones.",
    ),
    "FS-FILE-HEADER-ADDED": REQUESTED,
    "FS-SOURCE-PATTERN": (
        "A typing error, or a path that does not begin below the source.",
        "Give a name, or a path below the source, such as `--exclude OLD/2003`.",
    ),
    "FS-SOURCE-LEFT-OUT": REQUESTED,
    "FS-TRANSFORMED": REQUESTED,
    "FS-TRANSFORM-FAILED": (
        "The file is damaged, or lacks something that the change needs.",
        "Correct the file, or add it without the change.",
    ),
    "FS-PREAMBLE-CLEARED": REQUESTED,
    "FS-KEY-CHANGED": (
        "The file was corrected after the DICOMDIR was written, or the record was wrong.",
        "Nothing: the message has the old and the new value.",
    ),
    "FS-KEY-FORM": ("The program that wrote the file broke the rules of the VR.", FIX_FILES),
    "FS-KEY-LEFT-OUT": (
        "The program that wrote the file broke the rules of the VR.",
        f"Nothing; or {FIX_FILES[0].lower()}{FIX_FILES[1:]}",
    ),
    "FS-KEY-NORMALISED": ("The file has the value in another form.", "Nothing."),
    "FS-PICTURE-PARTLY": ("The file ends early.", EXPORT),
    "FS": ("See the message of the finding.", REPAIR),
    "PR-TRANSFER-SYNTAX": (
        "The files are compressed in a way that the profile does not allow.",
        "`fileset create --profile ID --transcode` decompresses them.",
    ),
    "PR-KEY": ("The file-set was written without this profile.", "`fileset create --profile ID` writes the keys."),
    "PR-ICON": ("The file-set was written without this profile.", "`fileset create --profile ID` writes the icons."),
    "PR-MEDIUM": (
        "The profile is for another kind of medium.",
        "`fileset create` writes to a medium that the profile allows; `fileset profiles ID` names it.",
    ),
    "PR-MEDIUM-UNKNOWN": (
        "The file-set is in a folder of the computer.",
        "Copy it to its medium, and check it there.",
    ),
    "PR-DIRECTORY": ("The writer did not list the files.", "`fileset index --replace` makes a new file-set."),
    "PR-SECURE": (
        "The file-set was written without encryption, or the profile does not allow it.",
        "`fileset create --profile ID --encrypt-to CERT.pem`, or a profile without SEC for plain files.",
    ),
    "PR": ("The profile allows less than the Standard.", LEAVE_OUT),
}
"""Cause and cure by the id of a rule, or by the longest prefix of it in this table."""

HEAD = """\
# Check rules

Made from the catalogue of rules by `docs/make_check_rules.py`; `fileset check --rules` prints the catalogue. An id never changes its
meaning. An *error* breaks the Standard, or loses data; a *warning* may confuse a reader; an *info* changes nothing.

"""


def cause_and_cure(rule: str) -> tuple[str, str]:
    """Return the entry for the longest prefix of `rule` in `CAUSES`."""
    return CAUSES[max((known for known in CAUSES if rule.startswith(known)), key=len)]


def row(rule: Rule) -> str:
    """Return the line of the table about a rule."""
    cells = (f"`{rule.id}`", rule.severity, rule.section or "-", rule.title, *cause_and_cure(rule.id))
    return f"| {' | '.join(cells)} |"


def text() -> str:
    """Return the document."""
    lines = ["| rule | severity | section | meaning | usual cause | cure |", "|---|---|---|---|---|---|"]
    return HEAD + "\n".join([*lines, *map(row, RULES.values())]) + "\n"


if __name__ == "__main__":
    (HERE / "check-rules.md").write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{len(RULES)} rules\n")
