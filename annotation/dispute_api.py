"""API of disputes: the versions of a pair, and the last word about it. The rules stand in `adjudicating`; this translates."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, views
from rest_framework.exceptions import ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole
from accounts.strict import Body

from . import adjudicating
from .api import KEY, asked_key, asking, refuse
from .models import Pair
from .reviewing import Refused
from .serializers import LARGEST, ReviewSerializer, Text, as_data


class PairVersionSerializer(serializers.Serializer[Any]):
    """`by` is empty while nobody has decided, unless the source wants the names shown."""

    letter = serializers.CharField()
    review = serializers.IntegerField(source="review.pk")
    by = serializers.CharField(source="name")
    verdict = serializers.CharField(source="review.verdict")
    draft = serializers.IntegerField(source="review.draft_id", allow_null=True)
    instruction = serializers.CharField(source="review.instruction")
    input = serializers.CharField(source="review.input")
    output = serializers.CharField(source="review.output")
    reasons = serializers.ListField(source="review.reasons", child=serializers.CharField())
    comment = serializers.CharField(source="review.comment")
    seconds = serializers.FloatField(source="review.seconds", allow_null=True)


class AdjudicationSerializer(Body):
    choice = serializers.ChoiceField(adjudicating.CHOICES)
    review = serializers.IntegerField(
        min_value=1, max_value=LARGEST, required=False, allow_null=True, default=None, help_text="The version taken, or edited."
    )
    instruction = Text(required=False)
    input = Text(required=False)
    output = Text(required=False)
    reasons = serializers.ListField(child=serializers.CharField(max_length=64), required=False, default=list, max_length=20)
    comment = Text(required=False, default="")
    seconds = serializers.FloatField(required=False, allow_null=True, default=None)
    version = serializers.IntegerField(required=False, allow_null=True, default=None, help_text="Of the pair as it was shown.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        texts = {name: attrs.pop(name) for name in ("instruction", "input", "output") if name in attrs}
        missing = [name for name in ("instruction", "output") if name not in texts]
        if attrs["choice"] == adjudicating.EDIT and missing:
            raise serializers.ValidationError(dict.fromkeys(missing, "This field is required."))
        return {**attrs, "texts": texts}


class Deciding(views.APIView):
    permission_classes = (HasRole,)
    role = "lead"


class Versions(Deciding):
    @extend_schema(responses=PairVersionSerializer(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """What each reviewer made of a pair, in an order of chance."""
        pair = get_object_or_404(Pair.objects.for_user(asking(request)).select_related("source"), pk=pk)
        return Response(PairVersionSerializer(adjudicating.versions(pair), many=True).data)


class Adjudication(Deciding):
    @extend_schema(parameters=[KEY], request=AdjudicationSerializer, responses={201: ReviewSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """The last word about a disputed pair. 409: it is not disputed any more. `POST /reviews/{id}/undo/` takes it back."""
        op_id = asked_key(request)
        get_object_or_404(Pair.objects.for_user(asking(request)), pk=pk)
        asked = AdjudicationSerializer(data=request.data)
        if not asked.is_valid():
            raise ValidationError(asked.errors)
        try:
            review = adjudicating.adjudicate(pk, by=asking(request), op_id=op_id, **asked.validated_data)
        except Refused as refusal:
            refuse(refusal)
        return Response(as_data(ReviewSerializer, review), status=201)
