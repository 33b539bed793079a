"""What stands between a signed-in browser and the pages."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from .signing_in import SURE

View = Callable[[HttpRequest], HttpResponse]


class SecondFactorDemanded:
    """Where the settings demand a second factor of admins, an admin's session without one is none: also one that began before the
    setting, or before the role."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.REQUIRE_TOTP and request.user.is_authenticated and request.user.has_role("admin") and not request.session.get(SURE):
            logout(request)
        return self.get_response(request)
