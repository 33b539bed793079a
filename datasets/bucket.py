"""A bucket that speaks S3, as a place for files. Credentials are found where boto3 looks for them: environment, role."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .files import BLOCK


class Bucket:
    """An object has its name once it is whole: that is what S3 promises."""

    def __init__(self, bucket: str, endpoint: str, prefix: str) -> None:
        self.bucket, self.prefix = bucket, prefix
        config = Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 3, "mode": "standard"})
        self.client = boto3.client("s3", endpoint_url=endpoint or None, config=config)

    def put(self, aside: Path, key: str) -> None:
        with _as_os_errors():
            self.client.upload_file(str(aside), self.bucket, self.prefix + key)
        aside.unlink()

    def size(self, key: str) -> int | None:
        try:
            return int(self.client.head_object(Bucket=self.bucket, Key=self.prefix + key)["ContentLength"])
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
                return None
            raise OSError(_said(error)) from error
        except BotoCoreError as error:
            raise OSError(_said(error)) from error

    def chunks(self, key: str, start: int, end: int) -> Iterator[bytes]:
        with _as_os_errors():
            body = self.client.get_object(Bucket=self.bucket, Key=self.prefix + key, Range=f"bytes={start}-{end - 1}")["Body"]
        return self._blocks(body)

    def _blocks(self, body: Any) -> Iterator[bytes]:
        with _as_os_errors():
            yield from body.iter_chunks(BLOCK)

    def clear(self, prefix: str) -> None:
        with _as_os_errors():
            for key in self._listed(prefix):
                self.client.delete_object(Bucket=self.bucket, Key=key)

    def listed(self) -> Iterator[str]:
        with _as_os_errors():
            for key in self._listed(""):
                yield key.removeprefix(self.prefix)

    def _listed(self, prefix: str) -> Iterator[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + prefix)
        for page in pages:
            yield from (item["Key"] for item in page.get("Contents", ()))


@contextmanager
def _as_os_errors() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, Boto3Error, ClientError) as error:
        raise OSError(_said(error)) from error


def _said(error: Exception) -> str:
    """What the bucket said, without the request (it may hold a signature)."""
    return f"{type(error).__name__}: {str(error)[-200:]}"
