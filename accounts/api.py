"""What all of the API shares (problem JSON, cursor pages, roles), and `/me/`."""

from typing import Any, cast

from django.core.exceptions import RequestDataTooBig
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions, pagination, permissions, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from .models import User
from .parsing import TooLarge


class Cursor(pagination.CursorPagination):
    """Pages by cursor: stable while rows come and go."""

    ordering = "id"
    page_size_query_param = "page_size"
    max_page_size = 500

    def get_page_size(self, request: Request) -> int:
        """A number that is none of ours is said to be one, rather than silently taken for another."""
        said = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not (said.isascii() and said.isdecimal() and len(said) <= 3 and 1 <= int(said) <= self.max_page_size):
            raise exceptions.ValidationError({self.page_size_query_param: [_("A number from 1 to %(n)s.") % {"n": self.max_page_size}]})
        return int(said)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        size = {"type": "integer", "minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        texts = {"cursor": "From `next` or `previous` of a page.", "page_size": "Rows of a page."}
        schemas: dict[str, dict[str, Any]] = {"cursor": {"type": "string"}, "page_size": size}
        return [
            {"name": name, "in": "query", "required": False, "description": text, "schema": schemas[name]} for name, text in texts.items()
        ]

    def paginate_queryset(self, *args: Any, **kwargs: Any) -> list[Any] | None:
        """A cursor that was tampered with names no place: 404, as for one that cannot be read."""
        try:
            return super().paginate_queryset(*args, **kwargs)
        except ValueError:
            raise exceptions.NotFound(self.invalid_cursor_message) from None


class NewestFirst(Cursor):
    ordering = "-id"


class Problem(exceptions.APIException):
    """An answer that says what went wrong: `raise Problem(409, "lost_seat", _("…"))`. Extra members go into the body."""

    def __init__(self, status: int, code: str, detail: str, **extra: Any) -> None:
        self.status_code, self.extra = status, extra
        super().__init__(detail, code)


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """RFC 9457 problem JSON for every error: `type, title, status, code, detail`, and `errors` per field."""
    if isinstance(error, RequestDataTooBig):
        error = TooLarge()
    response = exception_handler(error, context)
    if response is None:
        return None
    body: dict[str, Any] = {"type": "about:blank", "title": response.status_text, "status": response.status_code}
    if isinstance(error, exceptions.ValidationError):
        body |= {"code": "invalid", "detail": "Some fields are not right.", "errors": response.data}
    elif isinstance(error, exceptions.APIException):
        codes = error.get_codes()
        body |= {"code": codes if isinstance(codes, str) else "error", "detail": str(error.detail), **getattr(error, "extra", {})}
    else:
        body |= {"code": "not_found" if isinstance(error, Http404) else "forbidden", "detail": str(response.data.get("detail", ""))}
    response.data = body
    response.content_type = "application/problem+json"
    return response


class HasRole(permissions.BasePermission):
    """The view's `role` (or `role_to_write` for what changes something) is the least that may come in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        role = view.role if request.method in permissions.SAFE_METHODS else getattr(view, "role_to_write", view.role)
        return bool(request.user and request.user.is_authenticated and request.user.has_role(role))


class MeSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("id", "username", "role", "language")


class Me(views.APIView):
    serializer_class = MeSerializer

    def get(self, request: Request) -> Response:
        return Response(MeSerializer(cast("User", request.user)).data)
