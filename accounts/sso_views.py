"""To the provider of the single sign-on, and back."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from . import oidc, signing_in
from .views import in_own_language

KEPT = "sso"


@never_cache
@require_safe
def sso(request: HttpRequest) -> HttpResponse:
    """`?next=` is where to go afterwards, if that is here."""
    if not settings.OIDC_ISSUER:
        raise Http404
    try:
        there, kept = oidc.begin(_back(request))
    except oidc.Failed as failed:
        messages.error(request, str(failed))
        return redirect("login")
    to = request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(to, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    request.session[KEPT] = kept | {"to": to if ours else reverse("home")}
    return HttpResponse(status=302, headers={"Location": there})


@never_cache
@require_safe
def sso_back(request: HttpRequest) -> HttpResponse:
    if not settings.OIDC_ISSUER:
        raise Http404
    kept = request.session.pop(KEPT, {})
    try:
        person = oidc.finish(request.GET.dict(), kept, _back(request))
    except oidc.Failed as failed:
        messages.error(request, str(failed))
        return redirect("login")
    # How sure the provider is of somebody, a second factor or none, is the provider's business.
    signing_in.enter(request, person, remember=False, is_sure=True)
    return in_own_language(redirect(kept["to"]), person)


def _back(request: HttpRequest) -> str:
    path = reverse("sso_back")
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)
