"""Signing in, in one or two steps; changing one's password, and setting one by a link."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from . import limits, mailing, people, second_factor, signing_in
from .forms import AcceptForm, CodeForm, ForgottenForm, PasswordForm
from .models import Link, User, digest_of

PAGE = ["get", "head", "post", "options"]  # Django's own views would take a PUT for a POST
LINK = "link"  # in the session: the secret of a link that was followed, out of sight of the address bar


@method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")  # before those who are in are sent on
class SignIn(auth.LoginView):
    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"sso": settings.OIDC_NAME if settings.OIDC_ISSUER else ""}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        person: User = form.get_user()  # type: ignore[assignment]
        remember = bool(self.request.POST.get("remember"))
        if signing_in.needs_code(person):
            signing_in.wait_for_code(self.request, person, remember=remember, to=self.get_success_url())
            return redirect("code" if second_factor.is_on(person) else "enrol")
        signing_in.enter(self.request, person, remember=remember)
        return in_own_language(redirect(self.get_success_url()), person)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        tried = str(self.request.POST.get("username", ""))
        if limits.is_closed(limits.PASSWORD, name=tried, address=limits.address_of(self.request)):
            return too_many(self.request)
        return super().form_invalid(form)


@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The second step: the code of the app, or a backup code."""
    found = signing_in.waiting(request)
    if not found or not second_factor.is_on(found[0]):
        return redirect("login")
    person, kept = found
    tried = {"name": person.username, "address": limits.address_of(request)}
    if limits.is_closed(limits.CODE, **tried):  # type: ignore[arg-type]
        return too_many(request)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if second_factor.check(person, form.cleaned_data["code"]):
            signing_in.enter(request, person, remember=kept["remember"], is_sure=True)
            return in_own_language(redirect(kept["to"]), person)
        limits.note(limits.CODE, **tried)  # type: ignore[arg-type]
        form.add_error("code", _("This is not the code of now. Codes change every half minute, and each works once."))
    return render(request, "accounts/code.html", {"form": form})


class ChangePassword(auth.PasswordChangeView):
    http_method_names = PAGE
    template_name = "accounts/password.html"
    success_url = reverse_lazy("home")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        messages.success(self.request, _("Your password is changed."))
        return super().form_valid(form)


@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a letter with a link. The answer is the same whether there is such a person or not."""
    form, address = ForgottenForm(request.POST or None), limits.address_of(request)
    asked = mailing.is_possible() and request.method == "POST" and form.is_valid()
    if asked:
        name = form.cleaned_data["name"]
        if limits.is_closed(limits.RESET, name=name, address=address):
            return too_many(request)
        limits.note(limits.RESET, name=name, address=address)
        person = User.objects.filter(username=name).first() or User.objects.filter(email__iexact=name).first()
        if person and person.is_active and person.email:
            mailing.send_reset(person, link_address(people.make_reset_link(person, by=None), request))
    return render(request, "accounts/forgotten.html", {"form": form, "asked": asked, "is_possible": mailing.is_possible()})


@require_http_methods(["GET", "HEAD"])
def follow(request: HttpRequest, secret: str) -> HttpResponse:
    """Out of the address bar with it, and of what the browser tells others."""
    request.session[LINK] = secret
    return redirect("link")


@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest) -> HttpResponse:
    """What a link is for: to become somebody here, or to set a new password."""
    found = Link.objects.open().select_related("person").filter(digest=digest_of(request.session.get(LINK, ""))).first()
    if found is None:
        return render(request, "accounts/link_over.html", status=410)
    data = request.POST or None
    form = PasswordForm(found.person, data) if found.person else AcceptForm(User(), data)
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["new_password1"]
        try:
            if found.person:
                people.reset_password(found, password=password)
            else:
                people.accept(found, username=form.cleaned_data["username"], password=password, email=form.cleaned_data["email"])
        except people.Refused as refused:
            form.add_error(None, str(refused))
        else:
            del request.session[LINK]
            messages.success(request, _("Your password is set. Sign in with it."))
            return redirect("login")
    return render(request, "accounts/link.html", {"form": form, "link": found}, status=400 if form.errors else 200)


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """For this browser, and for whoever is signed in: for any browser that they sign in with."""
    wanted = request.POST.get("language", "")
    if request.user.is_authenticated and wanted in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=wanted)
    return set_language(request)


def in_own_language(response: HttpResponse, person: User) -> HttpResponse:
    if person.language in dict(settings.LANGUAGES):
        age = settings.LANGUAGE_COOKIE_AGE
        secure = {"secure": settings.LANGUAGE_COOKIE_SECURE, "samesite": settings.LANGUAGE_COOKIE_SAMESITE}
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, person.language, max_age=age, **secure)  # type: ignore[arg-type]
    return response


def link_address(secret: str, request: HttpRequest | None = None) -> str:
    """The whole address of a link."""
    path = reverse("follow", args=[secret])
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL or request is None else request.build_absolute_uri(path)


def too_many(request: HttpRequest) -> HttpResponse:
    response = render(request, "accounts/locked.html", status=429)
    response.headers["Retry-After"] = str(int(limits.WINDOW.total_seconds()))
    return response


def is_password_of(request: HttpRequest, person: User) -> bool:
    """Whether what was sent as `password` is this person's; wrong ones count like those of signing in."""
    return authenticate(request, username=person.username, password=request.POST.get("password", "")) == person
