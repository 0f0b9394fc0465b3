"""Judges a medium against a profile (PS3.11 X.3.2): which formats of ours can become which physical medium."""

from __future__ import annotations

from collections.abc import Sequence

from fileset.standard.profiles import S_MIME, Profile

_NAMES = {
    "folder": "a folder",
    "iso": "an ISO 9660 image",
    "iso+udf": "an image with UDF",
    "udf": "an image with UDF alone",
    "zip": "a ZIP archive",
}


def medium_fault(profile: Profile, form: str, file_systems: Sequence[str] = ()) -> str:
    """Explain why a medium cannot be that of the profile; "" if it can.

    `form` is "folder", "iso", "iso+udf", "udf" or "zip"; `file_systems` are those of the medium itself, if they are known.
    """
    medium = profile.medium
    wrong = [name for name in file_systems if not medium.takes(name)]
    if form in medium.writes and not wrong:
        return ""
    found = _NAMES.get(form, form) if form not in medium.writes else f"a medium with {' and '.join(wrong)}"
    return (
        f"{profile.id} requires this medium: {medium.name} ({medium.file_systems}, {medium.section}); this is {found}"
    )


def medium_caveat(profile: Profile, form: str, file_systems: Sequence[str] = ()) -> str:
    """Return the steps that turn a folder into the medium of the profile; "" for another form, and on a medium itself."""
    if profile.security == S_MIME:
        return f"{profile.id} demands that the mail program secures the e-mail with S/MIME ({S_MIME.partition(':')[0]})"
    if form != "folder" or file_systems:
        return ""
    medium = profile.medium
    return f"{profile.id} requires this medium: {medium.name} with {medium.file_systems}; copy the folder to one"
