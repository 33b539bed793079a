"""API around deciding: comments, mentions, the history of a pair's texts, another draft, and deciding on many at once."""

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import NewestFirst, Problem
from accounts.strict import Body
from sources.jobs import send_hint

from . import listing, redrafting, talking
from .api import KEY, Reviewing, asked_key, asking
from .draft_api import DraftRunDetail, detail, refusal
from .models import Comment, Mention, Pair, Reason
from .refusals import Refused as NotNow
from .seats import Refused
from .serializers import LARGEST
from .tasks import draft_run


class CommentSerializer(serializers.ModelSerializer[Comment]):
    by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True, allow_null=True)

    class Meta:
        model = Comment
        fields = ("id", "pair", "by", "text", "at")


class NewComment(Body):
    text = serializers.CharField(max_length=5_000, help_text="Whoever is named with an @ is told.")


class MentionSerializer(serializers.ModelSerializer[Mention]):
    comment = CommentSerializer()

    class Meta:
        model = Mention
        fields = ("id", "comment", "read_at")


class TextSerializer(serializers.Serializer[Any]):
    """A state of the texts: a draft, or what a person made of it. Names and models are empty while they are not to be known."""

    key = serializers.CharField(help_text="d7: draft 7; r9: review 9.")
    at = serializers.DateTimeField()
    what = serializers.CharField()
    texts = serializers.DictField(child=serializers.CharField())
    who = serializers.CharField()
    model = serializers.CharField()
    note = serializers.CharField()


class NewRedraft(Body):
    assignment = serializers.IntegerField(min_value=1, max_value=LARGEST, help_text="Whoever asks holds the pair.")
    token = serializers.UUIDField()
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=redrafting.LONGEST)
    hint = serializers.CharField(required=False, allow_blank=True, allow_null=True, default=None, max_length=redrafting.LONGEST)


class Many(Body):
    pairs = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=LARGEST), min_length=1, max_length=listing.MOST)


class ManyDecided(Many):
    verdict = serializers.ChoiceField(["accept", "reject"])
    reasons = serializers.ListField(child=serializers.ChoiceField(Reason.choices), required=False, default=list, max_length=9)
    comment = serializers.CharField(required=False, allow_blank=True, default="", max_length=2_000)


class Refusal(serializers.Serializer[Any]):
    pair = serializers.IntegerField()
    why = serializers.CharField()


class DoneSerializer(serializers.Serializer[Any]):
    made = serializers.ListField(child=serializers.IntegerField(), help_text="Pairs.")
    refused = Refusal(many=True)


class OfOnePair(Reviewing):
    def pair(self) -> Pair:
        return get_object_or_404(Pair.objects.for_user(asking(self.request)).select_related("source", "post__run"), pk=self.kwargs["pk"])


class Comments(OfOnePair):
    """What was said about a pair; what others say who sit at it waits until one has decided."""

    own_keys = True

    @extend_schema(responses=CommentSerializer(many=True), operation_id="pairs_comments_list")
    def get(self, request: Request, pk: int) -> Response:
        return Response(CommentSerializer(talking.comments(self.pair(), asking(request)), many=True).data)

    @extend_schema(parameters=[KEY], request=NewComment, responses={201: CommentSerializer}, operation_id="pairs_comments_create")
    def post(self, request: Request, pk: int) -> Response:
        op_id, asked = asked_key(request), NewComment(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            said = talking.comment(self.pair(), by=asking(request), text=asked.validated_data["text"], op_id=op_id)
        except Refused as refused:
            raise Problem(422 if refused.code == "same_key_other_body" else 400, refused.code, refused.message) from None
        return Response(CommentSerializer(said).data, status=201)


class Mentions(Reviewing, generics.ListAPIView[Mention]):
    """Where one is named, the latest first. Asking for them does not mark them as read."""

    serializer_class = MentionSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Mention]:
        return talking.mentions(asking(self.request))


class History(OfOnePair):
    """Every state of the texts that one may see, oldest first."""

    @extend_schema(responses=TextSerializer(many=True), operation_id="pairs_history_list")
    def get(self, request: Request, pk: int) -> Response:
        return Response(TextSerializer(talking.versions(self.pair(), asking(request)), many=True).data)


class Redraft(OfOnePair):
    @extend_schema(request=NewRedraft, responses={202: DraftRunDetail}, operation_id="pairs_redraft_create")
    def post(self, request: Request, pk: int) -> Response:
        """Ask for another draft, with a note on what should be different. The seat is given back until it is there."""
        asked = NewRedraft(data=request.data)
        asked.is_valid(raise_exception=True)
        given, pair = asked.validated_data, self.pair()
        if not pair.assignments.filter(pk=given["assignment"], token=given["token"], reviewer=asking(request), review=None).exists():
            raise Problem(409, "lost_seat", "This item is no longer reserved for you.")
        try:
            run = redrafting.redraft(pair, by=asking(request), note=given["note"], hint=given["hint"])
        except NotNow as refused:
            raise refusal(refused) from None
        send_hint(draft_run, run.pk)
        return Response(detail(run), status=202)


class Bulk(Reviewing):
    """For leads: many pairs in one act; the key is that of the act, and undoing it names the same key."""

    role = "lead"
    own_keys = True

    def answer(self, done: listing.Done) -> Response:
        refused = [{"pair": pair, "why": why} for pair, why in done.refused]
        return Response(DoneSerializer({"made": done.made, "refused": refused}).data)

    def asked(self, request: Request, kind: type[Many]) -> tuple[uuid.UUID, dict[str, Any]]:
        key, body = asked_key(request), kind(data=request.data)
        body.is_valid(raise_exception=True)
        return key, dict(body.validated_data)


class DecideMany(Bulk):
    @extend_schema(parameters=[KEY], request=ManyDecided, responses=DoneSerializer, operation_id="pairs_decide_many")
    def post(self, request: Request) -> Response:
        """Accept or reject each as it stands; what cannot be decided is refused, and the rest goes on."""
        key, asked = self.asked(request, ManyDecided)
        return self.answer(listing.decide_many(batch=key, by=asking(request), **asked))


class UndoMany(Bulk):
    @extend_schema(parameters=[KEY], request=Many, responses=DoneSerializer, operation_id="pairs_undo_many")
    def post(self, request: Request) -> Response:
        """Take back what was decided under this key."""
        key, asked = self.asked(request, Many)
        return self.answer(listing.undo_many(batch=key, by=asking(request), **asked))
