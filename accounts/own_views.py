"""One's own account: sessions, tokens, and the second factor."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from . import people, second_factor, signing_in, tokens
from .forms import CodeForm, TokenForm
from .models import ApiToken, BackupCode, User
from .permissions import role_required
from .views import in_own_language, is_password_of


def me(request: HttpRequest) -> User:
    return cast("User", request.user)


@require_safe
@role_required("viewer")
def own(request: HttpRequest) -> HttpResponse:
    return _page(request, TokenForm(role=me(request).role))


@never_cache
@require_POST
@role_required("viewer")
def make_token(request: HttpRequest) -> HttpResponse:
    """The answer shows the token: once, and on no address that could be opened again."""
    form = TokenForm(request.POST, role=me(request).role)
    if not form.is_valid():
        return _page(request, form, status=400)
    asked = form.cleaned_data
    secret = tokens.issue(me(request), name=asked["name"], scope=asked["scope"], lives=form.lives, by=me(request))
    return _page(request, TokenForm(role=me(request).role), secret=secret)


@require_POST
@role_required("viewer")
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    if tokens.revoke(get_object_or_404(me(request).tokens, pk=pk), by=me(request)):
        messages.success(request, _("The token opens nothing any more."))
    return redirect("own")


@require_POST
@role_required("viewer")
def end_sessions(request: HttpRequest) -> HttpResponse:
    """The one that is named, or all others than this one."""
    ended = people.end_sessions(me(request), by=me(request), handle=request.POST.get("session", ""), but=request.session.session_key)
    messages.success(request, ngettext("%(n)s session is ended.", "%(n)s sessions are ended.", ended) % {"n": ended})
    return redirect("own")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def factor(request: HttpRequest) -> HttpResponse:
    """Switch the second factor on: the secret as a picture and as text, and a code to show that it arrived."""
    if second_factor.is_on(me(request)):
        return redirect("own")
    return _enrol(request, me(request))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """The same, between password and entry: for whom the settings demand it."""
    found = signing_in.waiting(request)
    if not found or second_factor.is_on(found[0]):
        return redirect("login")
    return _enrol(request, found[0])


@never_cache
@require_safe
def picture(request: HttpRequest) -> HttpResponse:
    """The secret that is to be confirmed, as a QR code. It is shown no more once it is."""
    waits = signing_in.waiting(request)
    person = me(request) if request.user.is_authenticated else waits and waits[0]
    if not person:
        return redirect("login")
    if second_factor.is_on(person):
        raise Http404
    return HttpResponse(second_factor.picture(second_factor.uri(person, second_factor.begin(person))), content_type="image/svg+xml")


@require_POST
@role_required("viewer")
def factor_off(request: HttpRequest) -> HttpResponse:
    """Needs the password: a browser that was left open is not enough."""
    if second_factor.is_demanded(me(request)):
        messages.error(request, _("It is demanded of admins here."))
    elif not is_password_of(request, me(request)):
        messages.error(request, _("This is not your password."))
    else:
        second_factor.switch_off(me(request), by=me(request))
        messages.success(request, _("The second factor is off."))
    return redirect("own")


def _enrol(request: HttpRequest, person: User) -> HttpResponse:
    form, codes = CodeForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        codes = second_factor.confirm(person, form.cleaned_data["code"])
        if codes is None:
            form.add_error("code", _("This is not the code of now. Is the clock of your phone right?"))
    if codes:
        if waits := signing_in.waiting(request):
            signing_in.enter(request, person, remember=waits[1]["remember"], is_sure=True)
        else:
            request.session[signing_in.SURE] = True
        return in_own_language(render(request, "accounts/backup_codes.html", {"codes": codes}), person)
    secret = second_factor.begin(person)
    context = {"form": form, "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))}
    return render(request, "accounts/enrol.html", context, status=400 if form.errors else 200)


def _page(request: HttpRequest, form: TokenForm, *, secret: str = "", status: int = 200) -> HttpResponse:
    person = me(request)
    context = {
        "form": form, "secret": secret, "tokens": ApiToken.objects.filter(user=person).order_by("revoked_at", "-id")[:50],
        "sessions": person.sessions.order_by("-begun_at"), "here": request.session.session_key,
        "has_factor": second_factor.is_on(person), "codes_left": BackupCode.objects.filter(person=person, used_at=None).count(),
        "is_demanded": second_factor.is_demanded(person),
    }  # fmt: skip
    return render(request, "accounts/own.html", context, status=status)
