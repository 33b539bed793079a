"""API of leads about who does what: name somebody, free seats, open again, send back. The rules stand in the steps; this translates."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, views
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole
from accounts.models import User
from accounts.strict import Body

from . import assigning, reopening, returning
from .api import KEY, asked_key, asking, refuse
from .models import Pair, Reason, Review
from .seats import Refused
from .serializers import ReviewSerializer, Text, as_data


class ToSerializer(Body):
    to = serializers.CharField(max_length=150, help_text="Name of the person.")


class SeatGivenSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    pair = serializers.IntegerField(source="pair_id")
    seat = serializers.IntegerField()
    reviewer = serializers.CharField(source="reviewer.username")


class ReleasedSerializer(serializers.Serializer[Any]):
    of = serializers.ListField(child=serializers.CharField())


class NoteSerializer(Body):
    comment = Text(required=False, default="")


class ReturnSerializer(NoteSerializer):
    reasons = serializers.ListField(child=serializers.ChoiceField(Reason.choices), required=False, default=list)


class Leading(views.APIView):
    permission_classes = (HasRole,)
    role = "lead"

    def pair(self, request: Request, pk: int) -> Pair:
        return get_object_or_404(Pair.objects.for_user(asking(request)), pk=pk)


class Assign(Leading):
    @extend_schema(request=ToSerializer, responses={201: SeatGivenSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Name somebody for a pair: a seat without an end. It takes the place of a seat from which nobody has decided."""
        self.pair(request, pk)
        asked = ToSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        to = get_object_or_404(User, username=asked.validated_data["to"])
        try:
            seat = assigning.assign(pk, by=asking(request), to=to)
        except Refused as refusal:
            refuse(refusal)
        return Response(SeatGivenSerializer(seat).data, status=201)


class Release(Leading):
    @extend_schema(request=None, responses=ReleasedSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Free the seats from which nobody has decided."""
        self.pair(request, pk)
        try:
            return Response({"of": assigning.release(pk, by=asking(request))})
        except Refused as refusal:
            refuse(refusal)


class Reopen(Leading):
    @extend_schema(parameters=[KEY], request=NoteSerializer, responses={201: ReviewSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """The pair starts over. `POST /reviews/{id}/close/` takes it back while nobody has decided anew."""
        op_id = asked_key(request)
        self.pair(request, pk)
        asked = NoteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            entry = reopening.reopen(pk, by=asking(request), op_id=op_id, comment=asked.validated_data["comment"])
        except Refused as refusal:
            refuse(refusal)
        return Response(as_data(ReviewSerializer, entry), status=201)


class Close(Leading):
    @extend_schema(request=None, responses={201: ReviewSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Take back that a pair was opened again, by the id of that entry. Twice is once."""
        get_object_or_404(Review, pk=pk, pair__in=Pair.objects.for_user(asking(request)))
        op_id = uuid.uuid5(uuid.NAMESPACE_URL, f"zhumo:close:{asking(request).pk}:{pk}")
        try:
            entry = reopening.close_again(pk, by=asking(request), op_id=op_id)
        except Refused as refusal:
            refuse(refusal)
        return Response(as_data(ReviewSerializer, entry), status=201)


class Return(Leading):
    role = "reviewer"  # where the source lets them

    @extend_schema(parameters=[KEY], request=ReturnSerializer, responses={201: ReviewSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Send a decision back to its author, with a reason: it counts no more, and its author has the seat again."""
        op_id = asked_key(request)
        get_object_or_404(Review, pk=pk, pair__in=Pair.objects.for_user(asking(request)))
        asked = ReturnSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            entry = returning.send_back(pk, by=asking(request), op_id=op_id, **asked.validated_data)
        except Refused as refusal:
            refuse(refusal)
        return Response(as_data(ReviewSerializer, entry), status=201)
