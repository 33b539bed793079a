"""What the API of datasets takes and gives."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import User
from accounts.strict import Body, Query, Strict
from sources.models import Post, Source

from .forms import check_recipe, check_slug
from .models import Dataset, Export, File, Record, Takedown, Version
from .recipes import SPLITS
from .releasing import containing
from .wording import status_of, why_failed

PROBLEM = {"type": ["object", "null"], "properties": {"code": {"type": "string"}, "detail": {"type": "string"}}}


class DatasetSerializer(Strict, serializers.ModelSerializer[Dataset]):
    slug = serializers.SlugField(max_length=50, validators=[check_slug])
    sources = serializers.SlugRelatedField(slug_field="slug", many=True, queryset=Source.objects.all(), required=False)
    recipe = serializers.DictField(required=False, validators=[check_recipe], help_text="see docs/datasets.md")
    readers = serializers.SlugRelatedField(
        slug_field="username", many=True, queryset=User.objects.filter(is_active=True), required=False, help_text="none: everybody"
    )

    class Meta:
        model = Dataset
        fields = ("slug", "name", "sources", "recipe", "include_demo", "readers")

    def to_representation(self, instance: Dataset) -> dict[str, Any]:
        """Who else may read it is for admins to know."""
        shown: dict[str, Any] = super().to_representation(instance)
        request = self.context.get("request")
        if not (request and request.user.is_authenticated and request.user.has_role("admin")):
            shown.pop("readers")
        return shown


class ChangeSerializer(DatasetSerializer):
    slug = serializers.SlugField(read_only=True)

    class Meta(DatasetSerializer.Meta):
        pass


class OrderSerializer(Body):
    """What may be asked of a new version. Left out, the dataset's own setting holds; an override is noted in the audit log."""

    include_demo = serializers.BooleanField(required=False, allow_null=True, default=None)
    include_unknown_licence = serializers.BooleanField(required=False, allow_null=True, default=None)
    changelog = serializers.CharField(required=False, allow_blank=True, default="", max_length=5_000)


class VersionSerializer(serializers.ModelSerializer[Version]):
    status = serializers.SerializerMethodField()
    records = serializers.IntegerField(source="records_count", allow_null=True)
    unknown_licence = serializers.SerializerMethodField(help_text="records of sources whose licence nobody has written down")
    error = serializers.SerializerMethodField()

    class Meta:
        model = Version
        fields = (
            "number", "status", "records", "sha256", "splits", "preferences", "recipe", "left_out", "unknown_licence", "log_position",
            "changelog", "created_at", "finished_at", "released_at", "withdrawn_at", "withdrawal", "error",
        )  # fmt: skip

    @extend_schema_field({"type": "string", "enum": ["building", "ready", "failed", "released", "withdrawn", "cancelled"]})
    def get_status(self, version: Version) -> str:
        return status_of(version)

    def get_unknown_licence(self, version: Version) -> int | None:
        return version.facts.get("unknown_licence", 0) if version.is_frozen else None

    @extend_schema_field(PROBLEM)
    def get_error(self, version: Version) -> dict[str, str] | None:
        return {"code": version.error_code, "detail": why_failed(version)} if version.state == "failed" else None


class ReleaseSerializer(Body):
    changelog = serializers.CharField(required=False, allow_blank=True, default="", max_length=5_000)
    unknown_licence = serializers.BooleanField(required=False, default=False, help_text="release records of unknown licence, knowingly")


class ReasonSerializer(Body):
    reason = serializers.CharField(max_length=2_000)


class RecordSerializer(serializers.ModelSerializer[Record]):
    source = serializers.CharField(source="pair.source.slug")  # type: ignore[assignment]

    class Meta:
        model = Record
        fields = ("position", "split", "pair", "source", "sha256", "data")


class FileSerializer(serializers.ModelSerializer[File]):
    schema = serializers.CharField()

    class Meta:
        model = File
        fields = ("name", "schema", "format", "bytes", "sha256", "split", "rows")


class LayoutSerializer(Body):
    schema = serializers.CharField(max_length=32)
    format = serializers.CharField(max_length=16)


class ExportSerializer(serializers.ModelSerializer[Export]):
    schema = serializers.CharField()
    status = serializers.CharField(source="state")
    error = serializers.SerializerMethodField()

    class Meta:
        model = Export
        fields = ("id", "schema", "format", "status", "rows", "created_at", "finished_at", "error")

    @extend_schema_field(PROBLEM)
    def get_error(self, export: Export) -> dict[str, str] | None:
        return {"code": export.error_code, "detail": why_failed(export)} if export.state == "failed" else None


class ContainingSerializer(serializers.Serializer[Any]):
    """A frozen version that holds a post which was taken down."""

    dataset = serializers.CharField(source="dataset.slug")
    number = serializers.IntegerField()
    status = serializers.CharField(source="state")


class TakedownSerializer(Strict, serializers.ModelSerializer[Takedown]):
    post = serializers.PrimaryKeyRelatedField(queryset=Post.objects.all())
    reason = serializers.CharField(max_length=2_000)
    versions = serializers.SerializerMethodField(help_text="Frozen versions that contain it.")

    class Meta:
        model = Takedown
        fields = ("id", "post", "reason", "at", "versions")
        read_only_fields = ("at",)

    @extend_schema_field(ContainingSerializer(many=True))
    def get_versions(self, takedown: Takedown) -> list[Any]:
        return list(ContainingSerializer(containing(takedown.post), many=True).data)


class TakeSerializer(serializers.Serializer[Any]):
    take = serializers.IntegerField()
    left_out = serializers.DictField(child=serializers.IntegerField(), help_text="By reason.")


class ComparedSerializer(serializers.Serializer[Any]):
    """Numbers of pairs. (`from` is a word of Python's.)"""

    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    edited = serializers.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.IntegerField(), **super().get_fields()}


class PairChangeSerializer(serializers.Serializer[Any]):
    pair = serializers.IntegerField()
    why = serializers.CharField()
    before = serializers.DictField(allow_null=True, help_text="The record as it was.")
    after = serializers.DictField(allow_null=True)


class RecordFilter(Query):
    search = serializers.CharField(required=False, max_length=200)
    split = serializers.ChoiceField(SPLITS, required=False)
    source = serializers.SlugField(required=False)  # type: ignore[assignment]
    answer_from = serializers.ChoiceField(("human", "llm"), required=False)
