"""The verbs of the command line, one module each.

To add a verb, add a module of its name here and a line in `VERBS`. The module has:

* `EXAMPLES`: two command lines for the end of its help.
* `configure(parser)`: add the arguments.
* `run(options)`: do the work and return the exit code. Raise `FilesetError` if the work cannot be done.
* `WRITES = True` if an interrupted run leaves everything as it was; the message after Ctrl-C then says this.
"""

from __future__ import annotations

from typing import Final

VERBS: Final = {
    # Make and change file-sets
    "create": "copy DICOM files into a new file-set",
    "index": "write the DICOMDIR for DICOM files that stay where they are",
    "add": "add files to a file-set",
    "remove": "remove matching instances from a file-set",
    "refresh": "update the DICOMDIR from files that were corrected",
    "repair": "rebuild the DICOMDIR from the files that are there",
    "burn": "burn an image, and compare the disc with it",
    # Read file-sets
    "drives": "list the discs and sticks with a DICOMDIR in drives",
    "list": "show patients, studies, series and instances",
    "info": "show identification, counts and free space",
    "check": "find errors in a file-set",
    "extract": "copy files out of a file-set",
    "send": "send the instances of media to a PACS",
    "pages": "write pages for a browser that show a medium",
    "view": "show a medium in a browser",
    # Application profiles
    "profiles": "show the application profiles of PS3.11",
    "conformance": "print the conformance statement for media",
    # About the program
    "completion": "print a script that completes commands in your shell",
    "help": "show the help of a verb",
    "version": "show the version",
}
"""Each verb with one line of help, in the order of `fileset --help`."""

SHORTHAND: Final = {"help": "--help", "version": "--version"}
"""Verbs that are words for an option of the program, and have no module."""
