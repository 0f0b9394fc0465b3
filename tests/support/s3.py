"""A real S3 server on this computer: moto's, as a separate process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

BUCKET: Final = "scans"
_KEYS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Run the server; yield the environment variables with which s3fs and boto find it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            yield {**_KEYS, "AWS_ENDPOINT_URL": address, "FSSPEC_S3": json.dumps({"endpoint_url": address})}
        finally:
            server.kill()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the S3 server does not answer")


def client(environment: dict[str, str]) -> Any:
    """Return a boto client of the server."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106  # the server accepts any
        region_name="us-east-1",
    )


def upload(environment: dict[str, str], folder: Path, prefix: str) -> int:
    """Create the bucket, copy all files below a folder into it, and return their number."""
    s3 = client(environment)
    s3.create_bucket(Bucket=BUCKET)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]

    def put(path: Path) -> None:
        s3.put_object(Bucket=BUCKET, Key=f"{prefix}/{path.relative_to(folder).as_posix()}", Body=path.read_bytes())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, paths))
    return len(paths)


def set_environment(environment: dict[str, str]) -> None:
    """Let this process use the server. fsspec reads its variables when it is imported: do this before."""
    os.environ |= environment
