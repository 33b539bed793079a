"""The product's addresses, and some that break: to see what people get to see then."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404
from django.urls import path
from rest_framework.views import APIView

from accounts.api import HasRole, Problem
from cqia.urls import handler400, handler403, handler404, handler500
from cqia.urls import urlpatterns as product

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def raising(error):
    def view(request):
        raise error

    return view


class ForAdmins(APIView):
    permission_classes = [HasRole]
    role = "admin"

    def get(self, request):
        raise Problem(409, "lost_seat", "Somebody else sits there.", seat=2)


ERRORS = {
    400: SuspiciousOperation("sk-secret-internals"),
    403: PermissionDenied(),
    404: Http404(),
    500: RuntimeError("sk-secret-internals"),
}
urlpatterns = [
    *product,
    *(path(f"broken/{status}", raising(error)) for status, error in ERRORS.items()),
    *(path(f"api/v1/broken/{status}", raising(error)) for status, error in ERRORS.items()),
    path("broken/503", raising(OperationalError("the password of the database"))),
    path("api/v1/for-admins/", ForAdmins.as_view()),
]
