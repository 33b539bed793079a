"""The stock admin site: for looking at rows, not for working with them. Pages and commands keep the rules; this does not."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .models import Fetch, ImportRun, Post, RejectedRow, Source


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Source)
class SourceAdmin(ReadOnly):
    list_display = ("slug", "name", "platform", "licence", "reply")


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnly):
    list_display = ("id", "source", "file_name", "state", "read", "created", "known", "rejected", "error_code", "created_at")
    list_filter = ("state", "source")


@admin.register(Fetch)
class FetchAdmin(ReadOnly):
    list_display = ("id", "source", "url", "state", "run", "error_code", "created_at")
    list_filter = ("state", "source")


@admin.register(RejectedRow)
class RejectedRowAdmin(ReadOnly):
    list_display = ("run", "row", "reason", "detail")
    list_filter = ("reason",)


@admin.register(Post)
class PostAdmin(ReadOnly):
    list_display = ("id", "source", "title", "status", "drop_reason", "drop_value", "votes")
    list_filter = ("status", "drop_reason", "source")
    search_fields = ("title", "external_id")
    show_full_result_count = False
