"""API of sources: the sources, their imports, their posts."""

import json
from typing import Any

from django.db import IntegrityError
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, parsers, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole, Problem

from . import importing, policy, screening, wording
from .importers import IMPORTERS
from .importers.generic import NAMES
from .jobs import send_hint
from .models import ImportRun, Post, RejectedRow, Source
from .tasks import import_file


class SourceSerializer(serializers.ModelSerializer[Source]):
    instruction_templates = serializers.ListField(
        child=serializers.CharField(max_length=2_000, trim_whitespace=False), max_length=50, required=False
    )
    screens = serializers.ListField(child=serializers.DictField(), max_length=50, required=False)
    reviews_wanted = serializers.IntegerField(min_value=1, max_value=9, required=False)

    class Meta:
        model = Source
        fields = (
            "slug", "name", "platform", "licence", "terms_url", "instruction_templates", "input_template", "reply", "screens", "guidelines",
            "reviews_wanted", "created_at",
        )  # fmt: skip
        read_only_fields = ("created_at",)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["slug"].read_only = self.instance is not None and not getattr(self, "many", False)
        return fields

    def validate_slug(self, value: str) -> str:
        return _checked(policy.check_slug, value)

    def validate_instruction_templates(self, value: list[str]) -> list[str]:
        return _checked(policy.check_templates, value)

    def validate_input_template(self, value: str) -> str:
        return _checked(policy.check_template, value)

    def validate_screens(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return _checked(policy.check_screens, value)


def _checked(check: Any, value: Any) -> Any:
    try:
        return check(value)
    except policy.BadPolicy as error:
        raise serializers.ValidationError(str(error)) from error


class ImportSerializer(serializers.ModelSerializer[ImportRun]):
    source = serializers.SlugRelatedField[Source](slug_field="slug", read_only=True)
    status = serializers.ChoiceField(choices=ImportRun.State.choices, source="state", read_only=True)
    counts = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField(help_text="Why it failed, for machines and for people.")
    warning = serializers.SerializerMethodField(help_text="What was not right with a file that was read all the same.")

    class Meta:
        model = ImportRun
        fields = (
            "id", "source", "status", "counts", "percent", "file_name", "sha256", "size", "importer", "mapping", "error", "warning",
            "created_at", "started_at", "finished_at",
        )  # fmt: skip

    def get_counts(self, run: ImportRun) -> dict[str, int]:
        return {"read": run.read, "created": run.created, "known": run.known, "rejected": run.rejected}

    def get_error(self, run: ImportRun) -> dict[str, str] | None:
        return {"code": run.error_code, "detail": importing.describe(run)} if run.state == ImportRun.State.FAILED else None

    def get_warning(self, run: ImportRun) -> dict[str, str] | None:
        is_warning = run.error_code and run.state != ImportRun.State.FAILED
        return {"code": run.error_code, "detail": importing.describe(run)} if is_warning else None


class RejectedRowSerializer(serializers.ModelSerializer[RejectedRow]):
    message = serializers.SerializerMethodField(help_text="The reason as a sentence.")

    class Meta:
        model = RejectedRow
        fields = ("row", "reason", "detail", "message", "raw")

    def get_message(self, row: RejectedRow) -> str:
        return wording.row_reason(row.reason)


class PostSerializer(serializers.ModelSerializer[Post]):
    source = serializers.SlugRelatedField[Source](slug_field="slug", read_only=True)
    import_id = serializers.IntegerField(source="run_id", read_only=True)
    reason = serializers.CharField(source="drop_reason", read_only=True)
    value = serializers.CharField(source="drop_value", read_only=True)

    class Meta:
        model = Post
        fields = (
            "id", "source", "import_id", "row", "external_id", "url", "title", "body", "answer", "votes", "posted_at", "author", "status",
            "reason", "value", "rescued_by",
        )  # fmt: skip


class Sources(generics.ListCreateAPIView[Source]):
    permission_classes = [HasRole]
    role, role_to_write = "lead", "admin"
    serializer_class = SourceSerializer

    def get_queryset(self) -> QuerySet[Source]:
        return Source.objects.for_user(self.request.user)

    def perform_create(self, serializer: Any) -> None:
        try:
            serializer.instance = policy.add(by=self.request.user, **serializer.validated_data)
        except IntegrityError:  # two at once
            raise Problem(409, "slug_taken", _("There is a source of this name already.")) from None


class OneSource(generics.RetrieveUpdateAPIView[Source]):
    permission_classes = [HasRole]
    role, role_to_write = "lead", "admin"
    serializer_class = SourceSerializer
    lookup_field = lookup_url_kwarg = "slug"
    http_method_names = ["get", "patch", "head", "options"]

    def get_queryset(self) -> QuerySet[Source]:
        return Source.objects.for_user(self.request.user)

    def perform_update(self, serializer: Any) -> None:
        policy.change(serializer.instance, by=self.request.user, **serializer.validated_data)


class NewImport(serializers.Serializer[Any]):
    """What is uploaded. `mapping` is a JSON object: post field to column, for the generic importer."""

    file = serializers.FileField(allow_empty_file=True)  # importing says why it is of no use
    importer = serializers.ChoiceField(choices=sorted(IMPORTERS), required=False, allow_blank=True)
    mapping = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    dry_run = serializers.BooleanField(required=False)

    def validate_mapping(self, value: str) -> dict[str, str]:
        try:
            mapping = json.loads(value or "{}")
        except ValueError:
            mapping = None
        if not isinstance(mapping, dict) or not all(isinstance(column, str) and "\0" not in column for column in mapping.values()):
            raise serializers.ValidationError(_("This must be a JSON object of post fields and columns."))
        if unknown := mapping.keys() - NAMES.keys():
            text = _("No field of a post: %(names)s. There are: %(fields)s.")
            raise serializers.ValidationError(text % {"names": ", ".join(sorted(unknown))[:200], "fields": ", ".join(NAMES)})
        return mapping


class Imports(views.APIView):
    permission_classes = [HasRole]
    role = "admin"
    parser_classes = [parsers.MultiPartParser]

    @extend_schema(
        request={"multipart/form-data": NewImport},
        responses={202: ImportSerializer, 200: OpenApiResponse(ImportSerializer, description="The same bytes again: the earlier import")},
    )
    def post(self, request: Request, slug: str) -> Response:
        source = get_object_or_404(Source.objects.for_user(request.user), slug=slug)
        asked = NewImport(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        if given.get("dry_run"):
            raise Problem(400, "not_supported", _("A dry run is not possible yet. Nothing was imported."))
        try:
            stored = importing.store(given["file"], given["file"].name)
        except importing.Refused as error:
            raise Problem(413, error.code, str(error)) from error
        run, created = importing.start_import(
            source, stored, name=given["file"].name, by=request.user, importer=given.get("importer", ""), mapping=given.get("mapping")
        )
        send_hint(import_file, run.pk)
        return Response(ImportSerializer(run).data, status=202 if created else 200)


class OneImport(generics.RetrieveAPIView[ImportRun]):
    permission_classes = [HasRole]
    role = "lead"
    serializer_class = ImportSerializer
    queryset = ImportRun.objects.select_related("source")


class Rejected(generics.ListAPIView[RejectedRow]):
    """The rows that did not become posts, in their order."""

    permission_classes = [HasRole]
    role = "lead"
    serializer_class = RejectedRowSerializer

    def get_queryset(self) -> QuerySet[RejectedRow]:
        return get_object_or_404(ImportRun, pk=self.kwargs["pk"]).rejected_rows.all()


class CancelImport(views.APIView):
    """Stops at the next batch. What was imported stays; an import that is over already is answered as it is."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=None, responses=ImportSerializer)
    def post(self, request: Request, pk: int) -> Response:
        run = get_object_or_404(ImportRun, pk=pk)
        importing.cancel(run)
        run.refresh_from_db()
        return Response(ImportSerializer(run).data)


class Posts(generics.ListAPIView[Post]):
    permission_classes = [HasRole]
    role = "lead"
    serializer_class = PostSerializer

    class Filter(serializers.Serializer[Any]):
        source = serializers.SlugField(required=False)
        status = serializers.ChoiceField(choices=Post.Status.choices, required=False)
        reason = serializers.CharField(required=False, max_length=64)
        search = serializers.CharField(required=False, max_length=200)

    @extend_schema(parameters=[Filter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Post]:
        asked = self.Filter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        posts = Post.objects.for_user(self.request.user).select_related("source")
        if slug := given.pop("source", ""):
            posts = posts.filter(source=get_object_or_404(Source.objects.for_user(self.request.user), slug=slug))
        return posts.matching(**given)


class Rescue(views.APIView):
    """A dropped post is kept all the same."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=None, responses=PostSerializer)
    def post(self, request: Request, pk: int) -> Response:
        post = get_object_or_404(Post.objects.for_user(request.user), pk=pk)
        try:
            screening.rescue(post, by=request.user)
        except screening.StaleState as error:
            raise Problem(409, "not_dropped", _("This post is not dropped (any more). Nothing was changed.")) from error
        post.refresh_from_db()
        return Response(PostSerializer(post).data)
