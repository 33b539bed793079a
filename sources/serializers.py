"""What the API of sources says and takes: sources, imports, rejected rows, posts."""

import json
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.models import User
from accounts.strict import Query, Strict

from . import importing, policy, wording
from .importers import IMPORTERS
from .importers.generic import NAMES
from .models import ImportRun, Post, RejectedRow, Source
from .readers import ENCODINGS


class SourceSerializer(Strict, serializers.ModelSerializer[Source]):
    instruction_templates = serializers.ListField(
        child=serializers.CharField(max_length=2_000, trim_whitespace=False), max_length=50, required=False
    )
    screens = serializers.ListField(child=serializers.DictField(), max_length=50, required=False)
    reviews_wanted = serializers.IntegerField(min_value=1, max_value=9, required=False)
    task_type = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()), required=False, help_text="{major: […], minor: […]}"
    )
    domain = serializers.ListField(child=serializers.CharField(), required=False)
    system_prompt = serializers.CharField(required=False, allow_blank=True, max_length=policy.MOST_RULES)
    review_share = serializers.IntegerField(
        min_value=0, max_value=100, required=False, help_text="Percent of the pairs that get `reviews_wanted` reviews; the others get one."
    )
    queue_seed = serializers.IntegerField(min_value=0, max_value=policy.LARGEST_SEED, required=False)
    lease_minutes = serializers.IntegerField(min_value=1, max_value=policy.MOST_MINUTES, required=False)
    reviewers = serializers.SlugRelatedField[User](
        slug_field="username", queryset=User.objects.filter(is_active=True), many=True, required=False,
        help_text="Names of those who may review it; none: everybody.",
    )  # fmt: skip

    class Meta:
        model = Source
        fields = (
            "slug", "name", "platform", "licence", "terms_url", "instruction_templates", "input_template", "reply", "screens", "guidelines",
            "reviews_wanted", "reviewers", "floors", "task_type", "domain", "system_prompt", "lease_minutes", "review_share",
            "names_shown", "peers_send_back", "queue_order", "queue_seed", "mappings", "created_at",
        )  # fmt: skip
        read_only_fields = ("mappings", "created_at")

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

    def validate_task_type(self, value: dict[str, list[str]]) -> dict[str, list[str]]:
        return _checked(policy.check_task_type, value)

    def validate_domain(self, value: list[str]) -> list[str]:
        return _checked(policy.check_words, value)


def _checked(check: Callable[[Any], Any], value: Any) -> Any:
    try:
        return check(value)
    except policy.BadPolicy as error:
        raise serializers.ValidationError(str(error)) from error


class ImportSerializer(serializers.ModelSerializer[ImportRun]):
    source = serializers.SlugRelatedField[Source](slug_field="slug", read_only=True)  # type: ignore[assignment]
    status = serializers.ChoiceField(choices=ImportRun.State.choices, source="state", read_only=True)
    counts = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField(help_text="Why it failed, for machines and for people.")
    warning = serializers.SerializerMethodField(help_text="What was not right with a file that was read all the same.")

    class Meta:
        model = ImportRun
        fields = (
            "id", "source", "status", "counts", "percent", "file_name", "sha256", "size", "importer", "encoding", "mapping", "error",
            "warning", "created_at", "started_at", "finished_at",
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
    source = serializers.SlugRelatedField[Source](slug_field="slug", read_only=True)  # type: ignore[assignment]
    import_id = serializers.IntegerField(source="run_id", read_only=True)
    reason = serializers.CharField(source="drop_reason", read_only=True)
    value = serializers.CharField(source="drop_value", read_only=True)

    class Meta:
        model = Post
        fields = (
            "id", "source", "import_id", "row", "external_id", "url", "title", "body", "answer", "votes", "posted_at", "author", "status",
            "reason", "value", "rescued_by",
        )  # fmt: skip


class NewImport(serializers.Serializer[Any]):
    """What is uploaded. `mapping` is a JSON object: post field to column, for the generic importer."""

    file = serializers.FileField(allow_empty_file=True)  # importing says why it is of no use
    importer = serializers.ChoiceField(choices=sorted(IMPORTERS), required=False, allow_blank=True)
    encoding = serializers.ChoiceField(choices=ENCODINGS, required=False, allow_blank=True, help_text="Of a text that is not in UTF-8.")
    mapping = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    dry_run = serializers.BooleanField(required=False, help_text="Only say what the import would do.")
    screens = serializers.CharField(
        required=False, allow_blank=True, max_length=2_500_000, help_text="Of a dry run: a JSON list of screens, instead of the source's."
    )

    def validate_screens(self, value: str) -> list[dict[str, Any]] | None:
        try:
            screens = json.loads(value) if value else None
        except ValueError:
            screens = False
        if screens is not None and not (isinstance(screens, list) and all(isinstance(screen, dict) for screen in screens)):
            raise serializers.ValidationError(_("This must be a JSON list of screens."))
        return screens

    def validate_mapping(self, value: str) -> dict[str, str]:
        try:
            mapping = json.loads(value or "{}")
        except ValueError:
            mapping = None
        if not isinstance(mapping, dict) or not all(isinstance(column, str) and "\0" not in column for column in mapping.values()):
            raise serializers.ValidationError(_("This must be a JSON object of post fields and columns."))
        return with_known_fields(mapping)


def with_known_fields(mapping: dict[str, str]) -> dict[str, str]:
    if unknown := mapping.keys() - NAMES.keys():
        text = _("No field of a post: %(names)s. There are: %(fields)s.")
        raise serializers.ValidationError(text % {"names": ", ".join(sorted(unknown))[:200], "fields": ", ".join(NAMES)})
    return mapping


class PostFilter(Query):
    source = serializers.SlugField(required=False)  # type: ignore[assignment]
    status = serializers.ChoiceField(choices=Post.Status.choices, required=False)
    reason = serializers.CharField(required=False, max_length=64)
    search = serializers.CharField(required=False, max_length=200)
