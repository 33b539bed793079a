"""API of the audit log: what admins did."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from . import audit_log
from .api import HasRole, NewestFirst
from .audit_words import ACTIONS
from .models import AuditEntry, User
from .strict import Query

COMMANDS = "-"


class Day(serializers.DateField):
    """One that the log may know."""

    def to_internal_value(self, value: Any) -> Any:
        found = super().to_internal_value(value)
        if audit_log.day(found.isoformat()) is None:
            self.fail("invalid", format="YYYY-MM-DD")
        return found


class AuditFilter(Query):
    by = serializers.CharField(required=False, max_length=150, help_text="A name; `-` for commands on the server.")
    action = serializers.ChoiceField(sorted(ACTIONS), required=False)
    about = serializers.CharField(required=False, max_length=200, help_text="Part of the subject.")
    since = Day(required=False)
    until = Day(required=False, help_text="This day included.")

    def validate_by(self, value: str) -> str:
        if value != COMMANDS and not User.objects.filter(username=value).exists():
            raise serializers.ValidationError(_("There is nobody of this name."))
        return value


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True, allow_null=True, help_text="null: a command.")
    action = serializers.CharField(read_only=True)
    label = serializers.CharField(read_only=True, help_text="The action in words.")  # type: ignore[assignment]
    detail = serializers.DictField(read_only=True)
    position = serializers.IntegerField(source="link.position", read_only=True, allow_null=True, help_text="In the chain.")
    digest = serializers.CharField(source="link.digest", read_only=True, allow_null=True, help_text="SHA-256 over it and the one before.")

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "by", "action", "label", "subject", "detail", "position", "digest")


class Audit(generics.ListAPIView[AuditEntry]):
    """The newest first. Entries are never changed: each carries the hash of the one before."""

    permission_classes = [HasRole]
    role = "admin"
    serializer_class = AuditEntrySerializer
    pagination_class = NewestFirst

    @extend_schema(parameters=[AuditFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[AuditEntry]:
        return audit_log.entries({name: str(value) for name, value in AuditFilter.of(self.request).items()})
