"""API of a version's files: what there is, further ones on order, and the bytes."""

from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import Problem
from sources.jobs import send_hint

from . import downloads, exporting, tasks
from .api import BelowVersion, person
from .exporting import Refused, in_order
from .models import Export, Version
from .serializers import ExportSerializer, FileSerializer, LayoutSerializer
from .writers import WRITERS

KINDS = sorted({"application/zip", *(writer.content_type for writer in WRITERS.values())})


class Files(BelowVersion):
    """The files of a version, COIG-CQIA first. A version that is being built, or withdrawn, has none."""

    role_to_write = "viewer"

    @extend_schema(responses=FileSerializer(many=True), operation_id="files_list")
    def get(self, request: Request, slug: str, number: int) -> Response:
        version = self.version()
        if version.state == Version.State.WITHDRAWN:
            return Response([])
        return Response(FileSerializer(in_order(version), many=True).data)

    @extend_schema(request=LayoutSerializer, responses={202: ExportSerializer}, operation_id="files_order")
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Order files in a further layout; they appear in the list when they are whole."""
        asked = LayoutSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            job = exporting.order(self.version(), asked.validated_data["schema"], asked.validated_data["format"], by=person(request))
        except Refused as error:
            raise Problem(422 if error.code == "unknown_layout" else 409, error.code, str(error)) from error
        send_hint(tasks.export_files, job.pk)
        return Response(ExportSerializer(job).data, status=202)


class OneExport(BelowVersion):
    role_to_write = "viewer"

    def export(self) -> Export:
        return get_object_or_404(self.version().exports, pk=self.kwargs["pk"])

    @extend_schema(responses=ExportSerializer, operation_id="exports_retrieve")
    def get(self, request: Request, slug: str, number: int, pk: int = 0) -> Response:
        return Response(ExportSerializer(self.export()).data)

    @extend_schema(request=None, responses={204: None}, operation_id="exports_cancel")
    def delete(self, request: Request, slug: str, number: int, pk: int) -> Response:
        exporting.cancel(get_object_or_404(exporting.cancellable(self.version(), by=person(request)), pk=pk))
        return Response(status=204)


class OneFile(BelowVersion):
    """The bytes: an attachment with its sha256 as ETag; understands If-None-Match, Range and If-Range."""

    @extend_schema(
        parameters=[OpenApiParameter(name, str, "header") for name in ("If-None-Match", "Range", "If-Range")],
        responses={
            **{(status, kind): OpenApiTypes.BINARY for status in (200, 206) for kind in KINDS},
            304: OpenApiResponse(description="It is the one that you have."),
            416: OpenApiResponse(description="No such part."),
        },
    )
    def get(self, request: Request, slug: str, number: int, name: str = "") -> HttpResponseBase:
        file = downloads.find(self.version(), name)
        if file is None:
            raise Http404
        try:
            return downloads.send(request._request, file, to=person(request))
        except Refused as error:
            raise Problem(503, error.code, str(error)) from error

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Whoever asks for application/jsonl gets the file all the same; only errors are JSON."""
        return super().perform_content_negotiation(request, force=True)
