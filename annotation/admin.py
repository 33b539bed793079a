"""The admin site: the ledger and the prompts, to look at. They are changed by nobody."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .models import DraftRun, ModelCall, PromptVersion


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(PromptVersion)
class PromptVersionAdmin(ReadOnly):
    list_display = ("name", "purpose", "sha256", "created_at")


@admin.register(DraftRun)
class DraftRunAdmin(ReadOnly):
    list_display = ("id", "source", "state", "error_code", "created_at", "finished_at")
    list_filter = ("state", "source")


@admin.register(ModelCall)
class ModelCallAdmin(ReadOnly):
    list_display = ("id", "run", "pair_id", "state", "outcome", "error_code", "model", "tokens_in", "tokens_out", "cost", "sent_at")
    list_filter = ("state", "outcome", "error_code")
    list_select_related = ("run",)
    show_full_result_count = False
