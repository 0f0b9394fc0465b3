"""Judges a medium against a profile (PS3.11 X.3.2): which formats of ours can become which physical medium."""

from __future__ import annotations

from fileset.standard.profiles import S_MIME, Profile

_NAMES = {
    "folder": "a folder",
    "iso": "an ISO 9660 image",
    "iso+udf": "an image with UDF",
    "udf": "an image with UDF alone",
    "zip": "a ZIP archive",
}


def medium_fault(profile: Profile, form: str) -> str:
    """Return why a medium of `form` ("folder", "iso", "iso+udf" or "zip") cannot be that of the profile; "" if it can."""
    if form in profile.medium.writes:
        return ""
    medium = profile.medium
    return (
        f"{profile.id} requires this medium: {medium.name} ({medium.file_systems}, {medium.section}); this is "
        f"{_NAMES.get(form, form)}"
    )


def medium_caveat(profile: Profile, form: str) -> str:
    """Return the steps that turn a folder into the medium of the profile; "" for another form."""
    if profile.security == S_MIME:
        return f"{profile.id} demands that the mail program secures the e-mail with S/MIME ({S_MIME.partition(':')[0]})"
    if form != "folder":
        return ""
    medium = profile.medium
    return f"{profile.id} requires this medium: {medium.name} with {medium.file_systems}; copy the folder to one"
