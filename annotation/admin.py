"""The admin site: the ledger and the prompts, to look at. They are changed by nobody."""

from django.contrib import admin

from accounts.admin import ReadOnly

from .models import DraftRun, ModelCall, PromptVersion


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
