"""The stock admin site: for looking at rows, not for working with them. Pages and commands keep the rules; this does not."""

from django.contrib import admin

from accounts.admin import ReadOnly

from .models import Fetch, ImportRun, Post, RejectedRow, Source


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
