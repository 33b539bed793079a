"""API of reviewing: pairs, seats, decisions. The rules stand in `reviewing`; this translates."""

import uuid
from typing import Any, NoReturn, cast

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status, views
from rest_framework.exceptions import ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import strict
from accounts.api import HasRole, Problem
from accounts.models import User
from sources.models import Source
from sources.search_api import IndexState, SearchCursor
from sources.searching import Search

from . import reviewing
from .listing import decisions_of
from .models import Assignment, Pair, Review
from .searching import PAIRS
from .serializers import (
    AssignmentSerializer,
    ClaimSerializer,
    DecidedSerializer,
    DecisionSerializer,
    FindingSerializer,
    PairQuery,
    PairSerializer,
    ReviewSerializer,
    TokenSerializer,
    as_data,
)

STATUS: dict[type[reviewing.Refused], int] = {
    reviewing.LostSeat: 409,
    reviewing.Stale: 409,
    reviewing.CannotUndo: 409,
    reviewing.SameKeyOtherBody: 422,
    reviewing.BadDecision: 400,
}
KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.UUID, OpenApiParameter.HEADER, required=True,
    description="Made by the client, one per act: the same act sent twice is done once, and answered alike.",
)  # fmt: skip


def asking(request: Request) -> User:
    return cast("User", request.user)


def asked_key(request: Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.headers["Idempotency-Key"])
    except KeyError:
        raise Problem(400, "idempotency_key_missing", "Send a UUID in the Idempotency-Key header.") from None
    except ValueError:
        raise Problem(400, "idempotency_key_invalid", "The Idempotency-Key is not a UUID.") from None


def refuse(refusal: reviewing.Refused) -> NoReturn:
    extra = {"findings": FindingSerializer(refusal.findings, many=True).data} if isinstance(refusal, reviewing.BadDecision) else {}
    raise Problem(STATUS.get(type(refusal), 409), refusal.code, refusal.message, **extra) from refusal


class Reviewing(views.APIView):
    permission_classes = (HasRole,)
    role = "reviewer"


class Pairs(Reviewing, generics.ListAPIView[Pair]):
    """Pairs of the sources that one may work on. `search` finds any part of instruction, input or response."""

    serializer_class = PairSerializer
    pagination_class = SearchCursor

    @extend_schema(parameters=[PairQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Pair]:
        pairs = Pair.objects.for_user(asking(self.request)).select_related("source")
        asked = self._asked()
        if "status" in asked:
            pairs = pairs.filter(status=asked["status"])
        if "source" in asked:
            pairs = pairs.filter(source__slug=asked["source"])
        if "check" in asked:
            pairs = pairs.filter(pk__in=decisions_of(asking(self.request), asked).values("pair"))
        return pairs

    def searched(self) -> Search | None:
        """What `SearchCursor` asks. That a person sees some sources only is known beforehand: it spares looking at the others' pairs."""
        asked, user = self._asked(), asking(self.request)
        if "search" not in asked:
            return None
        sources = Source.objects.for_user(user).filter(**{"slug": asked["source"]} if "source" in asked else {})
        is_any = "source" not in asked and user.has_role("lead")
        outcome = {"status": asked["status"]} if "status" in asked else {}
        return Search(PAIRS, asked["search"], None if is_any else list(sources.values_list("pk", flat=True)), outcome)

    def _asked(self) -> dict[str, Any]:
        return PairQuery.of(self.request)


class PairIndex(IndexState):
    """How far the index of the pairs is. Instructions are in it at once; inputs and responses follow in the background."""

    what = PAIRS


class PairDetail(Reviewing, generics.RetrieveAPIView[Pair]):
    serializer_class = PairSerializer

    def get_queryset(self) -> QuerySet[Pair]:
        return Pair.objects.for_user(asking(self.request)).select_related("source")


class Assignments(Reviewing, views.APIView):
    @extend_schema(request=ClaimSerializer, responses={201: AssignmentSerializer, 204: None})
    def post(self, request: Request) -> Response:
        """A seat: the one held already, or the next. 204: nothing is left for this reviewer."""
        slug = strict.read(ClaimSerializer, request.data).get("source")
        if seat := reviewing.claim(asking(request), slug=slug):
            return Response(as_data(AssignmentSerializer, seat), status=201)
        if slug:
            get_object_or_404(Source.objects.for_user(asking(request)), slug=slug)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AssignmentDetail(Reviewing, views.APIView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Skip: gives the seat back, the pair comes again after all others. Twice is once: a seat that is not yours (any more) is
        no error, and nothing happens to it."""
        if Assignment.objects.filter(pk=pk, reviewer=asking(request)).exists():
            try:
                reviewing.skip(pk, by=asking(request))
            except reviewing.Refused as refusal:
                refuse(refusal)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Renewal(Reviewing, views.APIView):
    @extend_schema(request=TokenSerializer, responses=AssignmentSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Keep the seat for another lease."""
        asked = TokenSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            seat = reviewing.renew(pk, by=asking(request), token=asked.validated_data["token"])
        except reviewing.Refused as refusal:
            refuse(refusal)
        return Response(as_data(AssignmentSerializer, seat))


class Reviews(Reviewing, views.APIView):
    own_keys = True

    @extend_schema(parameters=[KEY], request=DecisionSerializer, responses={201: DecidedSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Accept, edit or reject, and with `next` get the next item. 409: the seat is lost. 422: the key was used for something else."""
        op_id = asked_key(request)
        try:
            asked = strict.read(DecisionSerializer, request.data)
        except ValidationError:
            get_object_or_404(Pair.objects.for_user(asking(request)), pk=pk)
            raise
        wish = asked.pop("next", None)
        try:
            review = reviewing.decide(pk, by=asking(request), op_id=op_id, **asked)
        except reviewing.Refused as refusal:
            get_object_or_404(Pair.objects.for_user(asking(request)), pk=pk)
            refuse(refusal)
        said = as_data(ReviewSerializer, review)
        if wish is not None:
            seat = reviewing.claim(asking(request), slug=wish.get("source"))
            said["next"] = as_data(AssignmentSerializer, seat) if seat else None
        return Response(said, status=201)


class Undo(Reviewing, views.APIView):
    own_keys = True

    @extend_schema(parameters=[KEY], request=None, responses={201: ReviewSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Take one's own decision back. The seat is held again: `POST /assignments/` gives it. Without a key of the
        client's, the review's id is the key: it can be undone only once anyway."""
        given = "Idempotency-Key" in request.headers
        op_id = asked_key(request) if given else uuid.uuid5(uuid.NAMESPACE_URL, f"zhumo:undo:{asking(request).pk}:{pk}")
        get_object_or_404(Review, pk=pk, by=asking(request))
        try:
            entry = reviewing.undo(pk, by=asking(request), op_id=op_id)
        except reviewing.Refused as refusal:
            refuse(refusal)
        return Response(as_data(ReviewSerializer, entry), status=201)
