"""A typed client of the API of Zhumo. Begin with `Zhumo`."""

from .client import Zhumo
from .errors import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotSignedIn,
    RateLimited,
    ServerError,
    TookTooLong,
    Unreachable,
    WorkFailed,
    WrongBytes,
    ZhumoError,
)

__all__ = [
    "ApiError",
    "Conflict",
    "Forbidden",
    "Invalid",
    "NotFound",
    "NotSignedIn",
    "RateLimited",
    "ServerError",
    "TookTooLong",
    "Unreachable",
    "WorkFailed",
    "WrongBytes",
    "Zhumo",
    "ZhumoError",
]
