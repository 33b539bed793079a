"""The admin site's view of people and tokens: here an admin gives roles, sets passwords and revokes."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .models import ApiToken, AuditEntry, Role, User


@admin.register(User)
class People(UserAdmin):
    list_display = ("username", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    fieldsets = (
        (None, {"fields": ("username", "password", "role", "language", "is_active")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "role", "usable_password", "password1", "password2")}),)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """The role is all there is to set: Django's own flags follow it."""
        obj.is_staff = obj.is_superuser = obj.role == Role.ADMIN
        super().save_model(request, obj, form, change)


class ReadOnly(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiToken)
class Tokens(ReadOnly):
    """Only `create_token` makes them: the secret is shown once, to whoever asked for it."""

    list_display = ("name", "user", "created_at", "last_used_at", "expires_at", "revoked_at")
    fields = list_display
    actions = ("revoke",)

    @admin.action(description=_("Revoke"), permissions=["view"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        revoked = tokens.filter(revoked_at=None)
        ids = list(revoked.values_list("pk", flat=True))
        revoked.update(revoked_at=timezone.now())
        AuditEntry.objects.create(by=cast("User", request.user), action="tokens_revoked", subject="tokens", detail={"ids": ids})


@admin.register(AuditEntry)
class Audit(ReadOnly):
    list_display = ("at", "by", "action", "subject")
    list_filter = ("action",)
    fields = ("at", "by", "action", "subject", "detail")
