"""What people fill in."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.utils.translation import gettext_lazy as _

from . import tokens
from .models import Role, Scope, User

LIVES = dict(zip(tokens.LIVES, (_("7 days"), _("30 days"), _("90 days"), _("A year")), strict=True))


class Fields(forms.Form):
    """Fields that look like ours, and say to those who cannot see it what is wrong with them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs["class"] = "input"
            if self.is_bound and name in self.errors:
                field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"id_{name}_err"}


class InviteForm(Fields):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.REVIEWER)
    note = forms.CharField(label=_("For whom"), max_length=100, required=False, help_text=_("So that you know later whose link this is."))


class RoleForm(Fields):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class PasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """A new password, twice."""

    new_password1 = forms.CharField(label=_("Password"), strip=False, widget=forms.PasswordInput)
    new_password2 = forms.CharField(label=_("The same again"), strip=False, widget=forms.PasswordInput)


class AcceptForm(PasswordForm):
    """Name and password of somebody who was invited."""

    username = forms.CharField(label=_("User name"), max_length=150)
    email = forms.EmailField(label=_("E-mail"), required=False, help_text=_("Only for a forgotten password. May stay empty."))
    field_order = ("username", "email", "new_password1", "new_password2")

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        User.username_validator(name)
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(_("This name is taken."))
        self.user.username = name  # what the password is compared with
        return name

    def save(self, commit: bool = True) -> User:
        raise NotImplementedError("people.accept makes the person")


class TokenForm(Fields):
    name = forms.CharField(label=_("What for"), max_length=100)
    scope = forms.ChoiceField(label=_("It may"), choices=Scope.choices, initial=Scope.READ)
    days = forms.ChoiceField(label=_("It ends after"), choices=list(LIVES.items()), initial=90)

    def __init__(self, *args: Any, role: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scope"].choices = [(scope.value, scope.label) for scope in tokens.scopes_for(role)]  # type: ignore[attr-defined]

    @property
    def lives(self) -> timedelta:
        return timedelta(days=int(self.cleaned_data["days"]))


class CodeForm(forms.Form):
    code = forms.CharField(label=_("Code"), max_length=40)


class ForgottenForm(forms.Form):
    name = forms.CharField(label=_("User name or e-mail"), max_length=254)
