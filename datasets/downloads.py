"""A file over HTTP, for pages and API alike: an attachment with its checksum as ETag, resumable, and on record."""

import re
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, parse_etags

from accounts.models import AuditEntry, User

from . import storage
from .exporting import Refused, is_there, key_of, subject
from .models import File, Version
from .writers import WRITERS

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def find(version: Version, name: str) -> File | None:
    """The file of a version that may be downloaded. The name is looked up in rows and never used as a path."""
    if not version.is_usable or not name.isprintable():
        return None
    return version.files.select_related("version__dataset").filter(name=name).first()


def send(request: HttpRequest, file: File, *, to: User) -> HttpResponseBase:
    """Answers 200, 206, 304 or 416. Raises Refused when the bytes are not on this machine."""
    etag = f'"{file.sha256}"'
    if etag in (known := _etags(request, "If-None-Match")) or known == ["*"]:
        return _with_headers(HttpResponse(status=304), etag)
    part = _range(request, etag, file.bytes)
    start, end = part or (0, file.bytes)
    if part and start >= end:
        return _with_headers(HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.bytes}"}), etag)
    body = _chunks(file, start, end)
    if request.method == "GET":
        detail = {"file": file.name, "sha256": file.sha256, "version_sha256": file.version.sha256}
        AuditEntry.objects.create(by=to, action="file_downloaded", subject=subject(file.version), detail=detail)
    response = StreamingHttpResponse(body if request.method == "GET" else (), content_type=_content_type(file))
    response["Content-Disposition"] = content_disposition_header(True, _name_for(file)) or "attachment"
    response["Content-Length"] = str(end - start)
    if part:
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{end - 1}/{file.bytes}"
    return _with_headers(response, etag)


def _chunks(file: File, start: int, end: int) -> Iterator[bytes]:
    try:
        if is_there(file):
            return storage.store().chunks(key_of(file), start, end)
    except OSError:
        pass
    raise Refused("file_missing", f"{file.name} is not on this server: `manage.py export` writes it again, byte for byte")


def _content_type(file: File) -> str:
    if file.format not in WRITERS:
        return "application/zip"
    kind = WRITERS[file.format].content_type
    return kind if kind == "application/gzip" or "parquet" in kind else f"{kind}; charset=utf-8"


def _range(request: HttpRequest, etag: str, size: int) -> tuple[int, int] | None:
    """What part is asked for, as (start, end); None for all of it. Several parts at once are answered with all of it."""
    asked = RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if not asked or asked.groups() == ("", "") or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = asked.groups()
    if not first:
        return max(0, size - int(last)), size if int(last) else 0
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size


def _etags(request: HttpRequest, header: str) -> list[str]:
    return [tag.removeprefix("W/") for tag in parse_etags(request.headers.get(header, ""))]


def _name_for(file: File) -> str:
    """The name on the downloader's disk, where files of many versions lie together."""
    return f"{file.version.dataset.slug}-v{file.version.number}.{file.name}"


def _with_headers(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response["ETag"] = etag
    response["Accept-Ranges"] = "bytes"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"  # keep it, but ask whether one may still have it
    return response
