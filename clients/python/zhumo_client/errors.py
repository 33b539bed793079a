"""What can go wrong. Ask `ApiError.code`, which is stable, rather than the text."""

from typing import Any


class ZhumoError(Exception):
    """All of them."""


class Unreachable(ZhumoError):
    """No answer came, also not to the tries after it."""


class TookTooLong(ZhumoError):
    """The work is not over within the time that was given. It goes on without us."""


class WorkFailed(ZhumoError):
    """The work is over, and failed: `row` is what the API says of it."""

    def __init__(self, message: str, row: dict[str, Any]) -> None:
        super().__init__(message)
        self.row = row


class WrongBytes(ZhumoError):
    """A file is not the one that its checksum names."""


class ApiError(ZhumoError):
    """The server refused, as problem JSON (RFC 9457)."""

    def __init__(self, status: int, problem: dict[str, Any], retry_after: float | None = None) -> None:
        self.status, self.problem, self.retry_after = status, problem, retry_after
        self.code: str = problem.get("code", "")
        self.detail: str = problem.get("detail", "")
        self.errors: dict[str, Any] = problem.get("errors", {})
        super().__init__(f"{status} {self.code}: {self.detail}" + (f" {self.errors}" if self.errors else ""))


class Invalid(ApiError):
    """400, 413, 415, 422: the request itself is not right."""


class NotSignedIn(ApiError):
    """401: no token, or one that is not taken."""


class Forbidden(ApiError):
    """403: not for this role."""


class NotFound(ApiError):
    """404: there is no such thing, or not for this person."""


class Conflict(ApiError):
    """409: not possible as things are now."""


class RateLimited(ApiError):
    """429, after all tries."""


class ServerError(ApiError):
    """5xx, after all tries."""


KINDS: dict[int, type[ApiError]] = {
    400: Invalid, 401: NotSignedIn, 403: Forbidden, 404: NotFound, 409: Conflict, 413: Invalid, 415: Invalid, 422: Invalid, 429: RateLimited
}  # fmt: skip


def error_of(status: int, problem: dict[str, Any], retry_after: float | None) -> ApiError:
    kind = KINDS.get(status, ServerError if status >= 500 else ApiError)
    return kind(status, problem, retry_after)
