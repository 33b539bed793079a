"""What the API of dry runs says and takes."""

from typing import Any

from rest_framework import serializers

from accounts.strict import Body, Query

from . import dry_running, dry_wording
from .importers import IMPORTERS
from .models import DryRow, DryRun, Source
from .readers import ENCODINGS
from .serializers import with_known_fields


class ImportDryRunSerializer(serializers.ModelSerializer[DryRun]):
    source = serializers.SlugRelatedField[Source](slug_field="slug", read_only=True)  # type: ignore[assignment]
    status = serializers.ChoiceField(choices=DryRun.State.choices, source="state", read_only=True)
    counts = serializers.SerializerMethodField(
        help_text="read = through + known + the sum of rejected + the sum of dropped. `displaced`: kept posts that would give way."
    )
    error = serializers.SerializerMethodField(help_text="Why it failed, for machines and for people.")
    import_id = serializers.IntegerField(source="run_id", read_only=True, allow_null=True, help_text="The import that it became.")

    class Meta:
        model = DryRun
        fields = (
            "id", "source", "status", "counts", "percent", "file_name", "sha256", "size", "importer", "encoding", "mapping", "screens",
            "columns", "kept", "error", "import_id", "created_at", "started_at", "finished_at",
        )  # fmt: skip

    def get_counts(self, dry: DryRun) -> dict[str, Any]:
        return {"read": dry.read, "through": dry.through, **dry.counts}

    def get_error(self, dry: DryRun) -> dict[str, str] | None:
        return {"code": dry.error_code, "detail": dry_running.describe(dry)} if dry.error_code else None


class DryRowSerializer(serializers.ModelSerializer[DryRow]):
    message = serializers.SerializerMethodField(help_text="The reason as a sentence.")
    kept = serializers.BooleanField(source="is_kept", read_only=True)

    class Meta:
        model = DryRow
        fields = ("row", "outcome", "reason", "message", "value", "kept", "title", "body", "answer", "votes", "author", "raw")

    def get_message(self, row: DryRow) -> str:
        return dry_wording.row_reason(row.outcome, row.reason)


class DryRowFilter(Query):
    outcome = serializers.ChoiceField(choices=DryRow.Outcome.choices, required=False)
    reason = serializers.CharField(required=False, max_length=64)


class OtherSettings(Body):
    """What is left out stays as it was tried."""

    importer = serializers.ChoiceField(sorted(IMPORTERS), required=False, allow_blank=True, help_text="Empty: recognise it.")
    encoding = serializers.ChoiceField(ENCODINGS, required=False, allow_blank=True)
    mapping = serializers.DictField(
        child=serializers.CharField(max_length=1_000, allow_blank=True, trim_whitespace=False), required=False,
        help_text="Post field to column, for the generic format.",
    )  # fmt: skip
    screens = serializers.ListField(child=serializers.DictField(), max_length=50, required=False)
    save_mapping = serializers.BooleanField(default=False, help_text="Propose these columns for the next file that has them.")

    def validate_mapping(self, value: dict[str, str]) -> dict[str, str]:
        return with_known_fields(value)
