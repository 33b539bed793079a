"""Many calls of unknown fate are sent again in one act. Each is released by itself (`drafting.release`), and the rest goes on."""

from collections.abc import Collection
from typing import NamedTuple

from accounts.models import User

from . import drafting
from .call_filters import calls_of
from .models import ModelCall

MOST = 500  # calls at once


class Done(NamedTuple):
    released: list[ModelCall]
    refused: list[tuple[ModelCall, str]]  # and why


def release_many(numbers: Collection[int], *, by: User) -> Done:
    """Those of `numbers` that `by` may see."""
    done = Done([], [])
    for call in calls_of(by, {}).filter(pk__in=list(numbers)[:MOST]).select_related("run").order_by("pk"):
        try:
            drafting.release(call, by=by)
        except drafting.Refused as error:
            done.refused.append((call, str(error)))
        else:
            done.released.append(call)
    return done
