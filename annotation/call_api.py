"""API of many calls of unknown fate: they are sent again in one act."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.strict import Body
from sources.jobs import send_hint

from . import releasing
from .api import asking
from .figures_api import AdminOnly
from .serializers import LARGEST
from .tasks import draft_run


class ManyCalls(Body):
    calls = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST), min_length=1, max_length=releasing.MOST
    )  # fmt: skip


class RefusedCall(serializers.Serializer[Any]):
    call = serializers.IntegerField()
    why = serializers.CharField()


class ReleasedCalls(serializers.Serializer[Any]):
    released = serializers.ListField(child=serializers.IntegerField(), help_text="Calls that are sent again.")
    refused = RefusedCall(many=True, help_text="Calls that are not of unknown fate any more. Those that do not exist are in neither.")


class ReleaseMany(AdminOnly):
    """Send calls of unknown fate again: each may have been charged, so each may cost twice. What cannot be sent is refused, and the rest
    goes on; twice is once."""

    @extend_schema(request=ManyCalls, responses=ReleasedCalls, operation_id="model_calls_release_many")
    def post(self, request: Request) -> Response:
        asked = ManyCalls(data=request.data)
        asked.is_valid(raise_exception=True)
        done = releasing.release_many(asked.validated_data["calls"], by=asking(request))
        for run in dict.fromkeys(call.run_id or 0 for call in done.released):
            send_hint(draft_run, run)
        refused = [{"call": call.pk, "why": why} for call, why in done.refused]
        return Response({"released": [call.pk for call in done.released], "refused": refused})
