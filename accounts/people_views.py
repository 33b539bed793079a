"""The admins' pages about people, and the audit log."""

from typing import cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from . import audit_log, people, second_factor, tokens
from .forms import InviteForm, RoleForm
from .models import ApiToken, AuditEntry, AuditLink, Link, User
from .permissions import role_required
from .views import link_address

PAGE = 100


def _admin(request: HttpRequest) -> User:
    return cast("User", request.user)


@require_safe
@role_required("admin")
def everybody(request: HttpRequest) -> HttpResponse:
    return _list(request, InviteForm())


@never_cache
@require_POST
@role_required("admin")
def invite(request: HttpRequest) -> HttpResponse:
    """The answer shows the link: once."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _list(request, form, status=400)
    asked = form.cleaned_data
    _link, secret = people.invite(role=asked["role"], note=asked["note"], by=_admin(request))
    return _list(request, InviteForm(), address=link_address(secret, request))


@require_POST
@role_required("admin")
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    people.withdraw(get_object_or_404(Link.objects.exclude(role=""), pk=pk), by=_admin(request))
    messages.success(request, _("The invitation is void."))
    return redirect("people")


@require_safe
@role_required("admin")
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return _one(request, get_object_or_404(User, pk=pk))


@never_cache
@require_POST
@role_required("admin")
def act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """What an admin does to somebody. A new link is shown in the answer, once; all else leads back to the page."""
    person, by = get_object_or_404(User, pk=pk), _admin(request)
    try:
        match act:
            case "role":
                form = RoleForm(request.POST)
                if form.is_valid():
                    people.set_role(person, form.cleaned_data["role"], by=by)
            case "disable":
                people.disable(person, by=by)
            case "enable":
                people.enable(person, by=by)
            case "end-sessions":
                people.end_sessions(person, by=by, handle=request.POST.get("session", ""), but=request.session.session_key)
            case "factor-off":
                second_factor.switch_off(person, by=by)
            case "reset":
                return _one(request, person, address=link_address(people.make_reset_link(person, by=by), request))
            case _:
                raise Http404
    except people.Refused as refused:
        messages.error(request, str(refused))
    return redirect("person", pk)


@require_POST
@role_required("admin")
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken.objects.select_related("user"), pk=pk)
    tokens.revoke(token, by=_admin(request))
    return redirect("person", token.user_id)


@require_safe
@role_required("admin")
def audit(request: HttpRequest) -> HttpResponse:
    asked = request.GET.dict()
    page = Paginator(audit_log.entries(asked), PAGE).get_page(asked.get("page"))
    head = AuditLink.objects.order_by("-position").first()
    return render(request, "accounts/audit.html", {"page": page, "asked": asked, "head": head, **audit_log.choices()})


def _list(request: HttpRequest, form: InviteForm, *, address: str = "", status: int = 200) -> HttpResponse:
    invitations = Link.objects.open().exclude(role="").select_related("by").order_by("-id")
    context = {"people": User.objects.order_by("-is_active", "username"), "invitations": invitations, "form": form, "address": address}
    return render(request, "accounts/people.html", context, status=status)


def _one(request: HttpRequest, person: User, *, address: str = "") -> HttpResponse:
    context = {
        "person": person, "form": RoleForm(initial={"role": person.role}), "address": address,
        "sessions": person.sessions.order_by("-begun_at"), "tokens": person.tokens.order_by("revoked_at", "-id")[:50],
        "has_factor": second_factor.is_on(person), "entries": AuditEntry.objects.filter(subject=f"person {person}").order_by("-id")[:10],
        "here": request.session.session_key,
    }  # fmt: skip
    return render(request, "accounts/person.html", context)
