"""The JSON documents keep to the schemas in `docs/schemas`, which know every member."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types
from referencing import Registry, Resource

from tests.support.command import Runs

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"
SCHEMAS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))
}
REGISTRY = Registry[Any]().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)


def faults(document: dict[str, Any]) -> list[str]:
    """Return the faults of a document by the schema that it names."""
    schema = SCHEMAS[document["schema"].removeprefix("fileset.").partition("/")[0]]
    found = Draft202012Validator(schema, registry=REGISTRY).iter_errors(document)
    unknown = document.keys() - schema["properties"].keys()
    return [error.message for error in found] + [f"unknown member {name}" for name in sorted(unknown)]


@pytest.fixture
def disc(indexed: Path, tmp_path: Path) -> Path:
    """A copy of `indexed` with an image that is missing, one that is not listed, and one that is damaged."""
    folder = Path(shutil.copytree(indexed, tmp_path / "DISC"))
    (folder / "P001/T001/S001/I000001").rename(folder / "P001/T001/S001/NEW")
    (folder / "P002/T001/S001/I000001").write_bytes((folder / "P002/T001/S001/I000001").read_bytes()[:-10])
    return folder


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_valid(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("list DISC", 3),
        ("list NOWHERE", 2),
        ("list", 2),
        ("list DISC --level SERIES", 3),
        ("list DISC NOWHERE", 3),
        ("info DISC", 3),
        ("info DISC NOWHERE", 3),
        ("check DISC NOWHERE", 1),
        ("send DISC NOWHERE --to A@127.0.0.1:1 --retries 0", 3),
        ("check DISC", 1),
        ("check --rules", 0),
        ("check DISC --profiles", 0),
        ("conformance", 0),
        ("profiles", 0),
        ("profiles STD-GEN-CD", 0),
        ("extract DISC -o OUT", 3),
        ("create DISC -o OUT", 3),
        ("create DISC -o OUT.iso --volume-size 1MB", 3),
        ("create DISC -o OUT --dry-run", 3),
        ("index DISC --replace", 3),
        ("add DISC DISC/P001/T001/S001/NEW --dry-run", 3),
        ("remove DISC PatientID=P1", 3),
        ("refresh DISC PatientID=P2", 3),
        ("repair DISC", 3),
    ],
)
def test_a_real_document_keeps_to_its_schema(
    words: str, code: int, run: Runs, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(disc.parent)
    document = run(*words.split(), "--json", code=code).document
    assert faults(document) == []


def described(name: str, document: object) -> list[str]:
    """Return the faults of a document by a schema that it does not name."""
    found = Draft202012Validator(SCHEMAS[name], registry=REGISTRY).iter_errors(document)
    return [error.message for error in found]


def test_each_line_of_jsonl_keeps_to_its_schema(run: Runs, disc: Path) -> None:
    lines = run("list", disc, "--jsonl", code=3).stdout.splitlines()
    assert lines
    assert [fault for line in lines for fault in described("jsonl", json.loads(line))] == []
    assert described("jsonl", {"file_id": 3})


@pytest.mark.parametrize("level", ["STUDY", "IMAGE"])
def test_dicom_json_keeps_to_its_schema(level: str, run: Runs, disc: Path) -> None:
    document = json.loads(run("list", disc, "--dicom-json", "--level", level, code=3).stdout)
    assert document
    assert described("dicom-json", document) == []
    assert described("dicom-json", [{"PatientID": "P1"}])


def test_a_plan_keeps_to_its_schema(run: Runs, disc: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    run("create", disc, "-o", tmp_path / "OUT.iso", "--volume-size", "CD", "--plan", plan, code=3)
    assert faults(json.loads(plan.read_text(encoding="ascii"))) == []


def test_a_wrong_document_is_seen() -> None:
    assert faults({"schema": "fileset.plan/1", "volumes": 3, "more": 1}) == [
        "'findings' is a required property",
        "3 is not of type 'array'",
        "unknown member more",
    ]
