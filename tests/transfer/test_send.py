"""Sending to real peers: all files that the peer can take arrive unchanged, and the report names the rest."""

from __future__ import annotations

import io
import json
import resource
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pydicom
import pytest
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

import fileset
from fileset.extraction.scanned import scanned
from fileset.reader import Reader
from fileset.transfer import PeerError, Sent, probe, send
from fileset.transfer.payload import OpenSource
from tests.laws.forged import OTHERS, forged
from tests.support import synthetic
from tests.support.command import Runs
from tests.support.servers import Orthanc, Server, free_port
from tests.transfer.conftest import SHIPPED

DISC = SHIPPED / "dicomdirtests"
pytestmark = pytest.mark.judges


def elements(data: bytes) -> pydicom.Dataset:
    """Return a data set without the parts that Orthanc changes: group lengths, trailing padding, File Meta Information, the VR of pixels."""
    dataset = pydicom.dcmread(io.BytesIO(data), force=True)
    kept = pydicom.Dataset()
    for element in dataset:
        if element.tag.element and element.tag != 0xFFFCFFFC:
            kept.add(pydicom.DataElement(element.tag, "OB", element.value) if element.tag == 0x7FE00010 else element)
    return kept


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", ["to", "stow"])
def test_all_shipped_files_arrive_equal_element_by_element(pacs: Orthanc, way: str) -> None:
    with scanned(SHIPPED) as reader:
        address = {"to": pacs.address} if way == "to" else {"stow": pacs.stow}
        report = send(reader.find(), pause=0.01, **address)  # type: ignore[arg-type]
        assert len(report.instances) == len(list(reader.find()))
    there = pacs.instances()
    arrived = {one.sop_instance_uid for one in report.instances if one.there}
    assert arrived == set(there)
    assert len(arrived) > 70
    assert all(one.reason for one in report.lost)
    sources: dict[str, list[Path]] = {}
    for one in report.instances:
        if one.there:
            sources.setdefault(one.sop_instance_uid, []).append(SHIPPED / one.file_id)
    for uid, identifier in there.items():
        fetched = elements(pacs.file(identifier))
        assert any(elements(path.read_bytes()) == fetched for path in sources[uid]), uid


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"stow": "http://127.0.0.1:1/dicom-web"}, "either by C-STORE or by STOW-RS"),
        ({"to": ""}, "Give either `to` or `stow`"),
        ({"jobs": 0}, "jobs: 0 is not a number of 1 or more"),
        ({"retries": -1}, "retries: -1 is not a number of 0 or more"),
    ],
)
def test_options_with_which_nothing_would_be_tried_are_refused(options: dict[str, Any], reason: str) -> None:
    with Reader(DISC) as reader, pytest.raises(fileset.RuleError, match=reason):
        send(reader.find(), **{"to": "A@127.0.0.1:1", **options})


def test_files_reach_a_provider_byte_for_byte(store: Server) -> None:
    with Reader(DISC) as reader:
        report = send(reader.find(), to=store.address)
        sent = {record.sop_instance_uid: record for record in reader.find()}
        assert report.complete
        received = {one.name.split(".", 1)[1]: one for one in (store.folder / "received").iterdir()}
        assert set(received) == set(sent)
        for uid, path in received.items():
            with (DISC / str(sent[uid].file_id.path)).open("rb") as file:  # type: ignore[union-attr]
                assert elements(file.read()) == elements(path.read_bytes())


@pytest.mark.parametrize("suffix", [".iso", ".zip"])
def test_an_image_is_sent_as_a_folder_is(store: Server, disc: Path, tmp_path: Path, run: Runs, suffix: str) -> None:
    run("create", disc, "-o", tmp_path / f"A{suffix}", "-q")
    done = run("send", tmp_path / f"A{suffix}", "--to", store.address, "--json")
    (medium,) = done.document["media"]
    assert [one["state"] for one in medium["instances"]] == ["arrived"] * 12
    assert len(list((store.folder / "received").iterdir())) == 12


def test_a_folder_without_a_dicomdir_and_keys_work(store: Server, tmp_path: Path, run: Runs) -> None:
    shutil.copytree(DISC / "98892003", tmp_path / "any")
    done = run("send", tmp_path / "any", "--to", store.address, "Modality=MR", "SeriesNumber=1|2", "--json")
    expected = list(scanned(tmp_path / "any").find(Modality="MR", SeriesNumber="1|2"))
    assert len(done.document["media"][0]["instances"]) == len(expected) > 0


def test_keys_that_match_nothing_are_reported(store: Server, disc: Path, run: Runs) -> None:
    done = run("send", disc, "--to", store.address, "Modality=XX", code=3)
    assert "nothing matches Modality=XX" in done.stderr


def test_one_medium_that_is_broken_does_not_stop_the_others(
    store: Server, disc: Path, tmp_path: Path, run: Runs
) -> None:
    (tmp_path / "empty").mkdir()
    done = run("send", tmp_path / "empty", disc, "--to", store.address, "--json", code=3)
    broken, good = done.document["media"]
    assert "no DICOMDIR" in broken["error"]
    assert len(good["instances"]) == 12


# ---------------------------------------------------------------- files that cannot be sent


def sources(tmp_path: Path, contents: dict[str, bytes]) -> Path:
    """A folder with these files, and one good image."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name, content in {"GOOD": synthetic.ct(), **contents}.items():
        (folder / name).write_bytes(content)
    return folder


def outcome(folder: Path, **settings: object) -> dict[str, Sent]:
    """The entries of the report by the name of the file."""
    with scanned(folder) as reader:
        report = send(reader.find(), pause=0.01, **settings)  # type: ignore[arg-type]
    return {one.file_id: one for one in report.instances}


def test_a_data_set_of_odd_length_is_found_before_it_stalls_the_association(pacs: Orthanc, tmp_path: Path) -> None:
    entries = outcome(sources(tmp_path, {"ODD": synthetic.ct(number=2) + b"\0"}), to=pacs.address)
    assert entries["GOOD"].state == "arrived"
    assert entries["ODD"].state == "unsendable"
    assert "odd number of bytes" in entries["ODD"].reason


def test_a_file_that_is_cut_off_is_found_before_it_is_sent(pacs: Orthanc, tmp_path: Path) -> None:
    entries = outcome(sources(tmp_path, {"CUT": (SHIPPED / "CT_small.dcm").read_bytes()[:-1000]}), to=pacs.address)
    assert entries["GOOD"].state == "arrived"
    assert "cut off" in entries["CUT"].reason


def test_a_syntax_that_the_peer_does_not_take_is_named(store: Server, tmp_path: Path) -> None:
    compressed = (SHIPPED / "MR_small_RLE.dcm").read_bytes()
    entries = outcome(sources(tmp_path, {"RLE": compressed}), to=store.address)
    assert entries["GOOD"].state == "arrived"
    reason = "the peer does not take MR Image Storage in RLE Lossless; it may take the file with --transcode"
    assert entries["RLE"].reason == reason


def test_files_that_the_peer_does_not_accept_are_transcoded_on_request(
    store: Server, tmp_path: Path, run: Runs
) -> None:
    pytest.importorskip("imagecodecs", reason="needs the extra images")
    folder = sources(tmp_path, {name: (SHIPPED / f"{name}.dcm").read_bytes() for name in ("MR_small_RLE", "JPEG2000")})
    uid = pydicom.dcmread(SHIPPED / "JPEG2000.dcm").SOPInstanceUID.encode()
    broken = (SHIPPED / "JPEG2000.dcm").read_bytes().replace(b"\xff\x4f\xff\x51", bytes(4))
    (folder / "BROKEN").write_bytes(broken.replace(uid, uid[:-1] + (b"8" if uid.endswith(b"7") else b"7")))
    assert "accepted" in run("send", folder, "--to", store.address, "--transcode", "--dry-run").stderr
    journal = ("--journal", tmp_path / "journal")
    done = run("send", folder, "--to", store.address, "--transcode", "--json", *journal, code=3)
    entries = {one["file_id"]: one for one in done.document["media"][0]["instances"]}
    assert entries["GOOD"]["transcoded"] == ""
    assert entries["MR_small_RLE"]["transcoded"].startswith("transcoded from RLE Lossless to Explicit VR Little Endian")
    assert entries["BROKEN"]["state"] == "unsendable"
    received = {path.name.split(".", 1)[1]: path for path in (store.folder / "received").iterdir()}
    for name in ("MR_small_RLE", "JPEG2000"):
        arrived = pydicom.dcmread(received[entries[name]["sop_instance_uid"]])
        assert arrived.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert (arrived.pixel_array == pydicom.dcmread(SHIPPED / f"{name}.dcm").pixel_array).all()
    again = run("send", folder, "--to", store.address, "--transcode", "--json", *journal, code=3).document
    states = {one["file_id"]: one["state"] for one in again["media"][0]["instances"]}
    assert states["MR_small_RLE"] == states["JPEG2000"] == states["GOOD"] == "already"


@pytest.mark.slow
def test_more_pairs_than_one_association_can_propose_take_several(pacs: Orthanc, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    classes = [
        uid for uid in synthetic.storage_classes() if "Storage" in UID(uid).name and "Detached" not in UID(uid).name
    ]
    for number, sop_class in enumerate(classes):
        for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
            dataset = synthetic.instance(sop_class, number=number + 1, transfer_syntax=syntax)
            uid = UID(f"{dataset.SOPInstanceUID[:50]}.{len(syntax)}")
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
            synthetic.write(dataset, folder / f"F{number:03}{len(syntax)}")
    entries = outcome(folder, to=pacs.address)
    assert len(entries) == 2 * len(classes)
    assert sum(one.state == "arrived" for one in entries.values()) > 128
    assert not [one for one in entries.values() if not one.there and one.status is None and "take" not in one.reason]


def test_a_record_that_names_another_syntax_than_its_file_does_no_harm(store: Server, tmp_path: Path) -> None:
    folder = tmp_path / "DISC"
    synthetic.ct_series(folder, 1, 1, 1, 3)
    fileset.index(folder)
    dicomdir = folder / "DICOMDIR"
    dicomdir.write_bytes(
        dicomdir.read_bytes().replace(b"UI\x14\x001.2.840.10008.1.2.1\0\x08", b"UI\x14\x001.2.840.10008.1.2.2\0\x08")
    )
    with Reader(folder) as reader:
        report = send(reader.find(), to=store.address)
    assert report.complete


def test_an_instance_needs_no_records(store: Server, disc: Path) -> None:
    with Reader(disc) as reader:
        found: list[Any] = [
            SimpleNamespace(file_id=one.file_id, open=one.open, inquire=one.inquire) for one in reader.find()
        ]
        assert send(found, to=store.address).complete


# ---------------------------------------------------------------- the wrong patient


def test_a_record_of_another_patient_than_its_file_is_reported(store: Server, disc: Path, run: Runs) -> None:
    path = next(path for path in sorted(disc.rglob("*")) if path.is_file() and path.name != "DICOMDIR")
    dataset = pydicom.dcmread(path)
    dataset.PatientID = "SOMEBODY ELSE"
    dataset.save_as(path)
    done = run("send", disc, "--to", store.address, "--json", code=3)
    (sentence,) = done.document["media"][0]["disagreements"]
    assert "'SOMEBODY ELSE'" in sentence
    assert "PatientID" in sentence


@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_that_only_its_record_makes_match_is_not_sent(
    store: Server, kind: str, tmp_path: Path, run: Runs
) -> None:
    folder, former, value = forged(tmp_path, kind, "DISC", files=2)
    key = next(iter(OTHERS[kind]))
    words = ["send", folder, "--to", store.address, f"{key}={former}"]
    said = f"its record says {key} {former}, the file says {value}: not the {key} that you asked for; left out"
    assert said in run(*words, "--dry-run", code=3).stderr
    done = run(*words, code=3)
    assert said in done.stderr
    assert "sent unchanged" not in done.stderr
    received = [path.read_bytes() for path in (store.folder / "received").iterdir()]
    assert len(received) == (0 if kind == "instance" else 1)
    assert not any(value.encode() in content for content in received)


def test_a_file_that_is_sent_is_not_below_the_heading_of_the_others(store: Server, tmp_path: Path, run: Runs) -> None:
    folder, _, _ = forged(tmp_path, "patient", "DISC", files=2)
    (folder / "CUT").write_bytes((SHIPPED / "CT_small.dcm").read_bytes()[:-1000])
    lines = run("send", folder, "--to", store.address, code=3).stderr.splitlines()
    at = lines.index("1 instance not sent:")
    assert "CUT" in lines[at + 1]
    assert lines[at + 2] == "1 disagreement of a file with its record, or of two files:"
    assert "sent unchanged" in lines[at + 3]


# ---------------------------------------------------------------- peers that fail


def test_a_patient_id_that_was_invented_for_a_file_without_one_is_no_disagreement(
    store: Server, tmp_path: Path, run: Runs
) -> None:
    dataset = pydicom.dcmread(io.BytesIO(synthetic.ct()))
    dataset.PatientID = ""
    dataset.save_as(tmp_path / "IM1")
    run("create", tmp_path / "IM1", "-o", tmp_path / "DISC")  # the record gets an ID: it must have one
    run("extract", tmp_path / "DISC", "-o", tmp_path / "OUT")
    run("send", tmp_path / "DISC", "--to", store.address)


def test_a_peer_that_is_not_there_is_an_error(disc: Path, run: Runs) -> None:
    done = run("send", disc, "--to", "NOBODY@127.0.0.1:1", "--retries", "0", code=5)
    assert "NOBODY@127.0.0.1:1: no connection" in done.stderr


def test_a_server_that_is_not_there_is_an_error(disc: Path, run: Runs) -> None:
    done = run("send", disc, "--stow", "http://127.0.0.1:1/dicom-web", "--retries", "1", code=5)
    assert "http://127.0.0.1:1/dicom-web/studies: no connection: Connection refused. Check the address" in done.stderr
    assert "Check the address, and whether the server runs" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_address_without_the_service_is_an_error(pacs: Orthanc, disc: Path, run: Runs) -> None:
    done = run("send", disc, "--stow", f"http://127.0.0.1:{pacs.http}/nothing", code=5)
    assert "there is no STOW-RS service at this address" in done.stderr


@pytest.mark.parametrize("text", ["PACS", "PACS@host", "@host:104", "PACS@host:0", "PACS@host:70000", "A\\B@host:104"])
def test_an_invalid_address_is_a_usage_error(run: Runs, text: str) -> None:
    done = run("send", DISC, "--to", text, code=2)
    assert "AET@HOST:PORT" in done.stderr


@pytest.mark.slow
def test_a_rerun_with_the_journal_sends_the_rest_after_the_pacs_was_killed(pacs: Orthanc, tmp_path: Path) -> None:
    folder, journal = tmp_path / "DISC", tmp_path / "journal"
    synthetic.ct_series(folder, 1, 1, 2, 100)
    fileset.index(folder)

    def kill(_: str, done: int, *__: int) -> None:
        if done == 40:
            pacs.stop(signal.SIGKILL)

    with Reader(folder) as reader:
        try:
            first = send(reader.find(), to=pacs.address, journal=journal, retries=0, progress=kill)
            assert first.lost
        except PeerError:  # both associations ended at once
            pass
        pacs.start()
        second = send(reader.find(), to=pacs.address, journal=journal)
        assert second.complete
        assert second.counts["already"] >= 38
        expected = {record.sop_instance_uid for record in reader.find()}
    assert set(pacs.instances()) == expected
    assert {json.loads(line)["uid"] for line in journal.read_text().splitlines()} == expected


def test_a_peer_that_comes_back_meanwhile_gets_everything(pacs: Orthanc, disc: Path) -> None:
    pacs.stop()
    waking = threading.Timer(1.0, pacs.start)
    waking.start()
    with Reader(disc) as reader:
        report = send(reader.find(), to=pacs.address, retries=5, pause=0.5)
    waking.join()
    assert report.complete
    assert len(pacs.instances()) == 12


def test_a_journal_that_is_something_else_is_refused(disc: Path, tmp_path: Path, run: Runs) -> None:
    (tmp_path / "notes").write_text("Dear diary\n")
    run("send", disc, "--to", "NOBODY@127.0.0.1:1", "--journal", tmp_path / "notes", code=6)
    assert (tmp_path / "notes").read_text() == "Dear diary\n"


# ---------------------------------------------------------------- asking first, and afterwards


def test_a_dry_run_shows_the_files_that_the_peer_accepts_and_sends_nothing(
    store: Server, run: Runs, tmp_path: Path
) -> None:
    folder = sources(tmp_path, {"RLE": (SHIPPED / "MR_small_RLE.dcm").read_bytes()})
    done = run("send", folder, "--to", store.address, "--dry-run", "--json", code=3)
    contexts = {one["transfer_syntax_uid"]: one for one in done.document["media"][0]["contexts"]}
    assert contexts["1.2.840.10008.1.2.1"]["accepted"]
    assert not contexts["1.2.840.10008.1.2.5"]["accepted"]
    assert not list((store.folder / "received").iterdir())


def test_a_dry_run_reports_why_it_is_not_complete(store: Server, run: Runs, tmp_path: Path) -> None:
    """A DICOMDIR that is cut off hides records; a file that is gone is named once."""
    folder = tmp_path / "DISC"
    shutil.copytree(DISC, folder)
    name = "77654033/CR1/6154"
    (folder / name).unlink()
    done = run("send", folder, "--to", store.address, "--dry-run", code=3)
    assert f"{name}: not on the medium" in done.stderr
    assert f"{name}: {name}" not in done.stderr
    with open(folder / "DICOMDIR", "r+b") as file:
        file.truncate(3000)
    done = run("send", folder, "--to", store.address, "--dry-run", code=3)
    assert "FS-DICOMDIR-TRUNCATED" in done.stderr


def test_a_dry_run_names_a_file_of_another_patient(store: Server, run: Runs, tmp_path: Path) -> None:
    folder = tmp_path / "DISC"
    folder.mkdir()
    (folder / "IM1").write_bytes(synthetic.ct(1))
    fileset.index(folder)
    (folder / "IM1").write_bytes(synthetic.ct(1).replace(b"LO\x02\x00P1", b"LO\x02\x00P9"))
    done = run("send", folder, "--to", store.address, "--dry-run", code=3)
    assert "PatientID is 'P1', in the file 'P9'" in done.stderr


def test_a_dry_run_gives_the_numbers(pacs: Orthanc) -> None:
    with Reader(DISC) as reader:
        found = probe(reader.find(), to=pacs.address)
    assert found.complete
    assert sum(found.numbers.values()) == 31


# ---------------------------------------------------------------- memory


@pytest.mark.slow
@pytest.mark.parametrize("way", ["to", "stow"])
def test_memory_does_not_grow_with_the_file(pacs: Orthanc, tmp_path: Path, way: str) -> None:
    dataset = synthetic.instance("1.2.840.10008.5.1.4.1.1.2")
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = 1000, 1000, 100
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelData = bytes(200_000_000)
    (tmp_path / "files").mkdir()
    synthetic.write(dataset, tmp_path / "files" / "BIG")
    del dataset
    address = {"to": pacs.address} if way == "to" else {"stow": pacs.stow}
    with scanned(tmp_path / "files") as reader:
        found = list(reader.find())
        send([], pause=0, **address)  # type: ignore[arg-type]  # what the libraries take is not what a file takes
        before = current_memory()
        peak = Peak()
        report = send(found, progress=None, **address)  # type: ignore[arg-type]
        assert report.complete, report.lost
        assert peak.end() - before < 30 << 20


def current_memory() -> int:
    """Resident bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class Peak:
    """The most memory that this process has while it is watched."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._most = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            self._most = max(self._most, current_memory())

    def end(self) -> int:
        """Stop watching; the most bytes."""
        self._stop.set()
        self._thread.join()
        return self._most


def test_a_peer_that_takes_no_data_in_a_pdu_is_an_error_and_not_an_endless_loop(disc: Path, run: Runs) -> None:
    pynetdicom = pytest.importorskip("pynetdicom", reason="needs the extra network")
    server, port = pynetdicom.AE(ae_title="TINY"), free_port()
    server.maximum_pdu_size = 6
    server.supported_contexts = pynetdicom.StoragePresentationContexts
    running_server = server.start_server(("127.0.0.1", port), block=False)
    try:
        done = run("send", disc, "--to", f"TINY@127.0.0.1:{port}", "--retries", "0", code=5)
    finally:
        running_server.shutdown()
    assert "PDUs of at most 6 bytes" in done.stderr


# ---------------------------------------------------------------- peers that misbehave


@contextmanager
def peer_that(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A peer that accepts every context, and answers the first C-STORE in its own way."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = connection.recv(1 << 16)
            contexts = [request[at + 4] for at in range(74, len(request) - 4) if request[at : at + 2] == b"\x20\0"]
            uid = b"1.2.840.10008.1.2.1"
            items = b"\x10\0\0\x15" + b"1.2.840.10008.3.1.1.1"
            for number in contexts:
                syntax = b"\x40\0" + len(uid).to_bytes(2, "big") + uid
                items += b"\x21\0" + (4 + len(syntax)).to_bytes(2, "big") + bytes((number, 0, 0, 0)) + syntax
            items += b"\x50\0\0\x08\x51\0\0\x04\0\0\x40\0"
            body = request[6:74] + items
            connection.sendall(b"\x02\0" + len(body).to_bytes(4, "big") + body)
            connection.recv(1 << 20)
            answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"ODD@127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def endless(connection: socket.socket) -> None:
    """P-DATA without end: pieces of a command set that never comes to its last one."""
    piece = b"\x04\0" + (1030).to_bytes(4, "big") + (1026).to_bytes(4, "big") + b"\x01\x01" + bytes(1024)
    while True:
        connection.sendall(piece)


def dripping(connection: socket.socket) -> None:
    """One byte from time to time, of an answer that is long."""
    connection.sendall(b"\x04\0\0\0\x10\0")
    while True:
        connection.sendall(b"\0")
        time.sleep(0.1)


@pytest.mark.parametrize("answer", [endless, dripping])
def test_an_answer_without_end_is_a_lost_association(answer: Callable[[socket.socket], None], tmp_path: Path) -> None:
    started = time.monotonic()
    with peer_that(answer) as address:
        entries = outcome(sources(tmp_path, {}), to=address, retries=0, timeout=1.0)
    assert entries["GOOD"].state == "failed"
    assert time.monotonic() - started < 8


@pytest.fixture
def keeper() -> Iterator[str]:
    """A peer that answers status 0111H: it already has the instance."""
    pynetdicom = pytest.importorskip("pynetdicom", reason="needs the extra network")
    server, port = pynetdicom.AE(ae_title="KEEPER"), free_port()
    server.supported_contexts = pynetdicom.StoragePresentationContexts
    handlers = [(pynetdicom.evt.EVT_C_STORE, lambda _: 0x0111)]
    running_server = server.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    yield f"KEEPER@127.0.0.1:{port}"
    running_server.shutdown()


def test_an_instance_that_the_peer_has_already_counts_as_there_with_a_note(
    keeper: str, tmp_path: Path, run: Runs
) -> None:
    folder = sources(tmp_path, {})
    done = run("send", folder, "--to", keeper)
    assert "GOOD: the peer has an instance of this UID already and keeps it" in done.stderr


def test_new_values_did_not_arrive_if_the_peer_keeps_the_old_ones(keeper: str, tmp_path: Path, run: Runs) -> None:
    folder = sources(tmp_path, {})
    done = run("send", folder, "--to", keeper, "--set", "PatientID=NEW", code=3)
    assert "the new values are not in it" in done.stderr


def test_a_file_that_its_record_describes_wrongly_is_reported_once(store: Server, tmp_path: Path) -> None:
    folder = tmp_path / "DISC"
    synthetic.ct_series(folder, 1, 1, 1, 1)
    fileset.index(folder)
    dicomdir = folder / "DICOMDIR"
    data = dicomdir.read_bytes().replace(b"UI\x14\x001.2.840.10008.1.2.1\0\x08", b"UI\x14\x001.2.840.10008.1.2.2\0\x08")
    assert data.count(b"LO\x02\0P1") == 1
    dicomdir.write_bytes(data.replace(b"LO\x02\0P1", b"LO\x02\0P9"))
    with Reader(folder) as reader:
        report = send(reader.find(), to=store.address)
    (sentence,) = report.disagreements
    assert "'P9'" in sentence


def test_files_that_have_no_record_are_sent(store: Server, tmp_path: Path) -> None:
    folder = tmp_path / "DISC"
    synthetic.ct_series(folder, 1, 1, 1, 1)
    (data,) = (path.read_bytes() for path in folder.rglob("*") if path.is_file())
    file = OpenSource(lambda at, size: data[at : at + size], len(data))
    assert probe([file], to=store.address).complete
    report = send([file], to=store.address)
    assert [one.state for one in report.instances] == ["arrived"]
    assert not report.disagreements
