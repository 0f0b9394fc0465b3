"""Find the medium at a path, and the DICOMDIR on it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import count, takewhile
from typing import Any, Final

from attrs import evolve, fields_dict

from fileset.errors import (
    CREATE,
    EXTRACT,
    INDEX,
    NAME_FOLDER,
    NAME_FOLDER_ABOVE,
    NAME_FOLDER_OF,
    WRITE_AGAIN,
    WRITE_OR_INDEX,
    FilesetError,
    FormatError,
    MediumError,
    RuleError,
    without_password,
)
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import Format, ReadableMedium, UpdatableMedium, holds
from fileset.media.folder.medium import Folder, FolderMedium
from fileset.media.image.subfolder import Below
from fileset.media.names import ARCHIVES, form_key
from fileset.media.remote.access import is_url
from fileset.media.remote.format import Remote
from fileset.media.system.calls import system
from fileset.media.system.files import STANDARD_OUTPUT, ending_in_name, not_found, path_of, real_path, upwards
from fileset.media.system.walk import open_regular

SEARCH_DEPTH: Final = 4
"""Number of levels below the root that are searched for a DICOMDIR if the root has none."""

FOLDER: Final = Folder()

OTHER_FORMATS: Final = (
    *(".img", ".ima", ".bin", ".cue", ".nrg", ".mdf", ".mds", ".ccd", ".cdr", ".toast", ".dmg", ".udf", ".isz"),
    *(".vhd", ".vhdx", ".vmdk", ".vdi", ".qcow2", ".wim", ".cab", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst"),
    *(".gz", ".bz2", ".xz", ".lz", ".lzma", ".zst", ".7z", ".rar", ".zipx"),
)
"""Suffixes of images and archives that this package does not write; a user who gives one does not want a folder."""


def formats() -> Iterator[Format]:
    """List all kinds of media with their default options; folders first, so that the code for images loads only if needed."""
    yield FOLDER
    from fileset.media.iso.medium import Iso

    yield Iso()
    from fileset.media.zip.medium import Zip

    yield Zip()


def zip_with(password: bytes, wanted: Format | None = None) -> Format:
    """Make the ZIP format with a password and the options of `wanted`. Raises `RuleError` if `wanted` is another format."""
    from fileset.media.zip.encryption import require_pyzipper
    from fileset.media.zip.medium import Zip

    require_pyzipper()
    if wanted is not None and not isinstance(wanted, Zip):
        raise RuleError(
            f"a {wanted.name} has no password of an archive", advice="Give the output a name that ends in .zip"
        )
    return evolve(wanted or Zip(), password=password)


def format_named(name: str) -> Format:
    """Find the format called `name`. Raises `RuleError` if there is none."""
    if name == Remote.name:  # known by its URL alone
        return Remote()
    for known in formats():  # one after the other: the code of those after it is not loaded
        if known.name == name:
            return known
    names = ", ".join(known.name for known in formats())
    raise RuleError(f"there is no format {name!r}", advice=f"Use one of {names}")


def readable(path: str | os.PathLike[str], wanted: Format | str | None = None) -> tuple[ReadableMedium, FileId]:
    """Open the medium at `path`, and find its DICOMDIR.

    `path` may also be the DICOMDIR itself, under any name, or a folder in an image, such as DISC.iso/ONE. The contents decide
    the kind of medium, unless `wanted` names it. Raises `MediumError` if `path` does not exist, `FormatError` if there is no
    DICOMDIR or several.
    """
    name = path_of(path)
    chosen = _chosen(wanted) or _by_content(name) or _by_name(name)
    image = _below(name) if chosen is None else None if chosen == FOLDER else chosen.readable(name)
    if image is not None:
        try:
            return file_set_in(image), DICOMDIR
        except FilesetError:
            image.close()
            raise
    if os.path.isdir(name):
        return _folder(name), DICOMDIR
    if os.path.isfile(name):
        return FolderMedium(os.path.dirname(name) or "."), FileId.tolerant(os.path.basename(name))
    if os.path.exists(name):
        raise MediumError("neither a folder nor a regular file", path=name)
    raise not_found(name)


def scannable(path: str | os.PathLike[str], wanted: Format | str | None = None) -> ReadableMedium:
    """Open the medium at `path`, or the medium of the DICOMDIR at `path`, even if that DICOMDIR is unreadable.

    Raises `MediumError` if `path` does not exist, `FormatError` if it is neither.
    """
    name = place_of(path)
    chosen = _chosen(wanted) or _by_content(name) or _by_name(name)
    medium = chosen.readable(name) if chosen is not None else _below(name)
    if medium is not None:
        return medium
    if not os.path.lexists(name):
        raise not_found(name)
    if not os.path.basename(name).upper().startswith(DICOMDIR.value):
        raise FormatError(
            "is not a medium, which is a folder, an image of a disc, a ZIP archive or a DICOMDIR",
            path=name,
            advice=NAME_FOLDER_OF,
        )
    return FolderMedium(os.path.dirname(name) or ".")


def format_for(path: str | os.PathLike[str], wanted: Format | str | None = None, options: Iterable[str] = ()) -> Format:
    """Choose the format of a new medium at `path`: `wanted`, else by the suffix of the path, else a folder.

    `options` switches on options of the format. "-" is standard output, which receives a ZIP archive. Raises `RuleError`
    for an unknown format or option, and, unless `wanted` is given, for the suffix of an image or archive that this package
    does not write.
    """
    return _with_options(_chosen(wanted) or _by_suffix(path_of(path)), options)


def numbered_path(path: str, number: int, kind: Format) -> str:
    """Number the path of one of several media: OUT.iso becomes OUT_1.iso.

    Raises `RuleError` for standard output, and for the root of a drive, which has no name.
    """
    if path == STANDARD_OUTPUT:
        raise RuleError("standard output takes one archive, not several volumes", advice="Give the output a name")
    whole = ending_in_name(path)
    if not os.path.basename(whole):
        raise RuleError("the root of a drive takes one file-set, not several volumes", path=path, advice=NAME_BELOW)
    stem = whole[: len(whole) - len(kind.suffix)] if whole.lower().endswith(kind.suffix) else whole
    return f"{stem}_{number}{whole[len(stem) :]}"


NAME_BELOW: Final = "Name a folder below it that does not exist yet; the volumes get its name and a number"


def volumes_there(path: str, kind: Format) -> list[str]:
    """Find the paths of the existing volumes, from the first on."""
    paths = takewhile(os.path.lexists, (numbered_path(path, number, kind) for number in count(1)))
    return list(paths)


def image_at(path: str | os.PathLike[str], zip_password: bytes = b"") -> ReadableMedium | None:
    """Open the image or archive at `path`, or a folder in one; None for anything else."""
    name = path_of(path)
    chosen = _by_content(name)
    if chosen is None:
        return _below(name)
    if zip_password and chosen.name == "zip":
        chosen = zip_with(zip_password)
    return chosen.readable(name) if chosen != FOLDER else None


def is_foreign(path: str) -> bool:
    """Decide whether `path` is certainly not a file-set: a file that is not an image or archive, or has no DICOMDIR."""
    kind = _by_content(path)
    if kind is None or kind == FOLDER:
        return kind is None
    try:
        with closing(kind.readable(path)) as image:
            names = [*image.names(), *(one.name for one in image.refused())]  # such as encrypted ones
            found = any(name.upper().rpartition("/")[2] == DICOMDIR.value for name in names)
            return not (found or image.damage())
    except FilesetError:
        return False  # a damaged one may have been a file-set


def _below(path: str) -> ReadableMedium | None:
    """Open the folder of an image if `path` continues the path of the image, else None."""
    file = next(filter(os.path.lexists, upwards(path)), "")
    if file == path or not os.path.isfile(file):
        return None
    image = image_at(file)
    if image is None:
        return None
    wanted = os.path.relpath(path, file).replace(os.sep, "/") + "/"
    for name in image.names():
        if name.upper().startswith(wanted.upper()):
            return Below(image, name[: len(wanted) - 1])
    image.close()
    return None


def _with_options(chosen: Any, options: Iterable[str]) -> Format:
    """Copy a format with the named options switched on."""
    wanted = dict.fromkeys(options, True)
    for option in wanted:
        if option not in fields_dict(type(chosen)):
            raise RuleError(
                f"the format {chosen.name!r} has no option {option!r}", advice="Choose another format, or leave it out"
            )
    changed: Format = evolve(chosen, **wanted)
    return changed


def updatable(path: str | os.PathLike[str], wanted: Format | str | None = None) -> UpdatableMedium:
    """Open the medium at `path`, or the one with the DICOMDIR at `path`, and its files for a change. Raises as `readable`."""
    name = place_of(path)
    chosen = _chosen(wanted) or _by_content(name) or _by_name(name)
    if chosen is not None:
        return chosen.updatable(name)
    if not os.path.lexists(name):
        raise not_found(name)
    raise FormatError("neither a folder nor an image", path=name, advice="Give the folder or image with the DICOMDIR")


def place_of(path: str | os.PathLike[str]) -> str:
    """Return the folder of the DICOMDIR at `path`; anything else is its own place."""
    name = path_of(path)
    folder, base = os.path.split(name)
    is_dicomdir = form_key(base) == DICOMDIR.value and os.path.isfile(name)
    return (folder or os.curdir) if is_dicomdir else name


def refuse_dicomdir(path: str) -> None:
    """Raise `RuleError` if a new file-set would have the name of a DICOMDIR (PS3.10 8.6); a folder may have it already."""
    folder, name = os.path.split(ending_in_name(path))
    if form_key(name) == DICOMDIR.value and not os.path.isdir(path):
        reason = f"{DICOMDIR} is the name of a file in the file-set, not of the file-set (PS3.10 8.6)"
        raise RuleError(reason, path=path, advice=f"Name its folder: {folder or os.curdir}")


def _chosen(wanted: Format | str | None) -> Format | None:
    return format_named(wanted) if isinstance(wanted, str) else wanted


def _by_content(path: str) -> Format | None:
    if is_url(path):
        return Remote()
    return next((known for known in _read_formats() if known.recognises(path)), None)


def _read_formats() -> Iterator[Format]:
    """List all kinds of media; the kinds that are only read come last."""
    yield from formats()
    yield Remote()
    from fileset.media.tar.medium import Tar

    yield Tar()


def _by_name(path: str) -> Format | None:
    """Guess the kind of an unrecognised file by its suffix; opening it then reports the fault."""
    return _called(path.lower()) if os.path.isfile(path) else None


def _by_suffix(path: str) -> Format:
    """Choose the format for the suffix of a path; an existing folder stays a folder, whatever its name."""
    if os.path.isdir(path):
        return FOLDER
    if path == STANDARD_OUTPUT:
        return format_named("zip")
    if is_url(path):
        raise RuleError(
            "fileset creates no file-set on a remote system. Create it here and upload it, or write the DICOMDIR of the "
            "files there (`index`)",
            path=without_password(path),
        )
    name = path.lower()
    if name.endswith(OTHER_FORMATS):
        raise RuleError(
            "images and archives of this kind are not written",
            path=path,
            advice=f"Give a name that ends in {' or '.join(known.suffix for known in formats() if known.suffix)}, or give "
            f"the format (--format): {', '.join(known.name for known in formats())}",
        )
    return _called(name) or FOLDER


def _called(name: str) -> Format | None:
    """Choose the format whose suffix ends a name in lower case."""
    if not name.endswith(ARCHIVES):  # most names are of folders, and the code for images takes long to load
        return None
    return next((known for known in formats() if known.suffix and name.endswith(known.suffix)), None)


def file_set_in(image: ReadableMedium) -> ReadableMedium:
    """Find the file-set in an image: at its root, or in the folder of its only DICOMDIR. Raises `FormatError` if there is none."""
    if holds(image, DICOMDIR):
        return image
    above = image.name + "/"
    found = [above + name.rpartition("/")[0] for name in image.names() if _names_dicomdir(name)]
    return Below(image, _only(image, found).removeprefix(above))


def damaged(reason: str, medium: ReadableMedium) -> FormatError:
    """Return the error for a damaged medium: it names the first fault of the medium, its notes name the others."""
    first, *notes = medium.damage()
    others = [note for note in notes if first not in note]  # without what follows from the first one
    problem = FormatError(f"{reason}: {first}", path=medium.name)
    for note in others[:NOTES]:
        problem.add_note(note)
    if len(others) > NOTES:
        problem.add_note(f"and {len(others) - NOTES:,} more; `fileset create {medium.name} -o NEW` names each")
    return problem


NOTES: Final = 100
"""Largest number of faults that one error names."""


def no_dicomdir(medium: ReadableMedium) -> FormatError:
    """Choose the error for a medium without DICOMDIR; it names damage of the medium, which may be the cause."""
    if medium.damage():
        return damaged("no DICOMDIR is left", medium)
    if medium.folder and os.path.isdir(os.path.join(medium.folder, DICOMDIR.value)):
        return FormatError(f"{DICOMDIR} is a folder, not a file: not a file-set", path=medium.name, advice=CREATE)
    if below := dicomdirs_below(medium):
        reason = f"no DICOMDIR here, but in a folder below: {', '.join(below[:SHOWN])}"
        return FormatError(reason, path=medium.name, advice=NAME_FOLDER if medium.folder else CREATE)
    if medium.folder and (around := file_set_around(medium.folder)):
        reason = f"no DICOMDIR here, but in a folder above: {around}"
        return FormatError(reason, path=medium.name, advice=NAME_FOLDER_ABOVE)
    if any("/" in name for name in medium.leftovers()):  # not a file with the name of the work folder
        advice = WRITE_OR_INDEX if any(_is_dicom(f"{medium.folder}/{name}") for name in medium.names()) else WRITE_AGAIN
        return FormatError(f"no DICOMDIR: a writer {_STATE[medium.is_busy()]}", path=medium.name, advice=advice)
    can_index = medium.folder and not medium.inquire_file_set().read_only
    advice = INDEX if can_index else EXTRACT if medium.folder else CREATE
    return FormatError("no DICOMDIR: not a file-set (PS3.10 8.1)", path=medium.name, advice=advice)


_STATE: Final = ("was interrupted before it wrote one", "is at work here and has not written one yet")


def dicomdirs_below(medium: ReadableMedium) -> list[str]:
    """Find the folders below the root of a medium that have a DICOMDIR; for an image, the paths of the DICOMDIRs."""
    return _dicomdirs_below(medium.folder) if medium.folder else [*filter(_names_dicomdir, medium.names())]


def file_set_around(folder: str) -> str:
    """Find the nearest folder that has a DICOMDIR, `folder` or one above it; "" if there is none."""
    names = (DICOMDIR.value, DICOMDIR.value.lower())
    holders = (
        above
        for above in upwards(real_path(os.path.abspath(folder)))
        for name in names
        if _is_dicom(os.path.join(above, name))
    )
    return next(holders, "")


def file_set_above(folder: str) -> str:
    """Find the nearest folder above `folder` that has a DICOMDIR; "" if there is none."""
    return file_set_around(os.path.dirname(real_path(os.path.abspath(folder))))


def _is_dicom(path: str) -> bool:
    """Test whether there is a DICOM file at `path`: any other file with the name of a DICOMDIR makes no file-set."""
    with suppress(FilesetError, OSError), open_regular(path) as file:
        return file.read(132)[128:] == b"DICM"
    return False


SHOWN: Final = 5
"""Largest number of DICOMDIRs that a message names."""


def _names_dicomdir(path: str) -> bool:
    return 0 < path.count("/") <= SEARCH_DEPTH and path.upper().endswith("/" + DICOMDIR.value)


def folders_with_dicomdir(path: str) -> list[str]:
    """Return `path` if it has a DICOMDIR, else the folders below that have one, down to `SEARCH_DEPTH` levels."""
    return [path] if _holds_dicomdir(path) else _dicomdirs_below(path)


def _folder(path: str) -> ReadableMedium:
    medium = FolderMedium(path)
    return medium if medium.has_dicomdir() else FolderMedium(_only(medium, _dicomdirs_below(path)))


def _only(medium: ReadableMedium, found: Sequence[str]) -> str:
    """Select the folder of the only DICOMDIR on a medium."""
    if len(found) == 1:
        return found[0]
    if not found:
        raise no_dicomdir(medium)
    raise FormatError(f"no DICOMDIR here, but several below: open one of {', '.join(found)}", path=medium.name)


def _dicomdirs_below(path: str) -> list[str]:
    found: list[str] = []
    level = [path]
    for _ in range(SEARCH_DEPTH):
        level = [below for folder in level for below in _folders_in(folder)]
        found += filter(_holds_dicomdir, level)
    return found


def _folders_in(path: str) -> list[str]:
    """List the folders in a folder; none if it cannot be listed, because then its DICOMDIR cannot be read either."""
    with suppress(OSError), os.scandir(path) as entries:
        return sorted(e.path for e in entries if e.is_dir(follow_symlinks=False) and not system.is_link(e))
    return []


def _holds_dicomdir(folder: str) -> bool:
    try:
        return FolderMedium(folder).has_dicomdir()
    except FilesetError:
        return False
