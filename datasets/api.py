"""API of datasets: the contract of the doors, no rules of its own."""

from typing import Any, cast

from django.db import IntegrityError
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import Cursor, HasRole, Problem
from accounts.models import User
from sources.jobs import send_hint
from sources.models import Source

from . import downloads, ledger, publishing, tasks
from .exporting import Refused, in_order
from .forms import check_recipe, check_slug
from .models import Dataset, File, Version
from .wording import status_of, why_failed


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    slug = serializers.SlugField(max_length=50, validators=[check_slug])
    sources = serializers.SlugRelatedField(slug_field="slug", many=True, queryset=Source.objects.all(), required=False)
    recipe = serializers.DictField(required=False, validators=[check_recipe])

    class Meta:
        model = Dataset
        fields = ("slug", "name", "sources", "recipe", "include_demo")

    def create(self, validated_data: dict[str, Any]) -> Dataset:
        try:
            return publishing.create_dataset(**validated_data)
        except IntegrityError as error:
            raise Problem(409, "slug_taken", _("There is a dataset at this address already.")) from error


class Datasets(generics.ListCreateAPIView[Dataset]):
    serializer_class = DatasetSerializer
    permission_classes = (HasRole,)
    role, role_to_write = "viewer", "admin"
    queryset = Dataset.objects.none()

    def get_queryset(self) -> Any:
        return Dataset.objects.for_user(self.request.user).prefetch_related("sources")  # type: ignore[arg-type]

    def perform_create(self, serializer: serializers.BaseSerializer[Dataset]) -> None:
        serializer.save(by=self.request.user)


class OrderSerializer(serializers.Serializer[Any]):
    """What may be asked of a new version. Left out, the dataset's own setting holds."""

    include_demo = serializers.BooleanField(required=False, allow_null=True, default=None)


class VersionSerializer(serializers.ModelSerializer[Version]):
    status = serializers.SerializerMethodField()
    records = serializers.IntegerField(source="records_count", allow_null=True)
    unknown_licence = serializers.SerializerMethodField(help_text="records of sources whose licence nobody has written down")
    error = serializers.SerializerMethodField()

    class Meta:
        model = Version
        fields = (
            "number", "status", "records", "sha256", "splits", "recipe", "left_out", "unknown_licence", "log_position",
            "created_at", "finished_at", "error",
        )  # fmt: skip

    @extend_schema_field({"type": "string", "enum": ["building", "ready", "failed", "released", "withdrawn"]})
    def get_status(self, version: Version) -> str:
        return status_of(version)

    def get_unknown_licence(self, version: Version) -> int | None:
        return ledger.unknown_licence(version) if version.is_frozen else None

    @extend_schema_field({"type": ["object", "null"], "properties": {"code": {"type": "string"}, "detail": {"type": "string"}}})
    def get_error(self, version: Version) -> dict[str, str] | None:
        return {"code": version.error_code, "detail": why_failed(version)} if version.state == "failed" else None


class VersionCursor(Cursor):
    ordering = "-number"


class Versions(generics.ListAPIView[Version]):
    serializer_class = VersionSerializer
    permission_classes = (HasRole,)
    role, role_to_write = "viewer", "admin"
    pagination_class = VersionCursor
    queryset = Version.objects.none()

    def get_queryset(self) -> Any:
        return self.dataset().versions.all()

    def dataset(self) -> Dataset:
        return get_object_or_404(Dataset.objects.for_user(self.request.user), slug=self.kwargs["slug"])  # type: ignore[arg-type]

    @extend_schema(request=OrderSerializer, responses={202: VersionSerializer})
    def post(self, request: Request, slug: str) -> Response:
        dataset, order = self.dataset(), OrderSerializer(data=request.data)
        order.is_valid(raise_exception=True)
        version = publishing.freeze(dataset, by=cast("User", request.user), include_demo=order.validated_data["include_demo"])
        send_hint(tasks.build_version, version.pk)
        return Response(VersionSerializer(version).data, status=202)


class OneVersion(views.APIView):
    """One version, and what lies below it."""

    serializer_class: Any = VersionSerializer
    permission_classes = (HasRole,)
    role = "viewer"

    def version(self) -> Version:
        datasets = Dataset.objects.for_user(self.request.user)  # type: ignore[arg-type]
        versions = Version.objects.select_related("dataset").filter(dataset__in=datasets, dataset__slug=self.kwargs["slug"])
        return get_object_or_404(versions, number=self.kwargs["number"])

    def get(self, request: Request, slug: str, number: int) -> HttpResponseBase:
        return Response(VersionSerializer(self.version()).data)


class FileSerializer(serializers.ModelSerializer[File]):
    schema = serializers.CharField()

    class Meta:
        model = File
        fields = ("name", "schema", "format", "bytes", "sha256")


class Files(OneVersion):
    """The files of a version, COIG-CQIA first. A version that is being built has none."""

    @extend_schema(responses=FileSerializer(many=True), operation_id="files_list")
    def get(self, request: Request, slug: str, number: int) -> HttpResponseBase:
        version = self.version()
        if version.state == Version.State.WITHDRAWN:
            return Response([])
        return Response(FileSerializer(in_order(version), many=True).data)


class OneFile(OneVersion):
    """The bytes: an attachment with its sha256 as ETag; understands If-None-Match, Range and If-Range."""

    @extend_schema(
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, (206, "application/octet-stream"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, slug: str, number: int, name: str = "") -> HttpResponseBase:
        file = downloads.find(self.version(), name)
        if file is None:
            raise Http404
        try:
            return downloads.send(request._request, file, to=cast("User", request.user))
        except Refused as error:
            raise Problem(503, error.code, str(error)) from error

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Whoever asks for application/jsonl gets the file all the same; only errors are JSON."""
        return super().perform_content_negotiation(request, force=True)
