"""API of a reviewer's own: what was typed and not sent, one's days, and one's goal."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import strict
from accounts.api import Problem

from . import autosaving, desk
from .api import Reviewing, asking
from .decisions import MAX_LENGTH, with_lf
from .folding import TEXTS
from .me_views import DAYS
from .models import Autosave, Pair
from .preferences import GOALS, goal_of, set_goal
from .seats import Refused
from .serializers import LARGEST


class Typed(serializers.CharField):
    """As it is typed, with the line ends of every other text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, allow_blank=True, max_length=MAX_LENGTH, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return with_lf(super().to_internal_value(data))


class NewAutosave(strict.Body):
    assignment = serializers.IntegerField(min_value=1, max_value=LARGEST)
    token = serializers.UUIDField(help_text="Of the assignment, whose lease it renews.")
    seq = serializers.IntegerField(min_value=0, max_value=autosaving.LARGEST - 1, help_text="A lower one never replaces a higher.")
    instruction = Typed()
    input = Typed(required=False, default="")
    output = Typed()


class AutosavedSerializer(serializers.Serializer[Any]):
    saved = serializers.BooleanField(help_text="false: something as new or newer is kept already.")
    seq = serializers.IntegerField(help_text="Of what is kept now.")
    expires_at = serializers.DateTimeField(allow_null=True, help_text="Of the seat; null: it is lost, and the text kept all the same.")


class AutosaveSerializer(serializers.ModelSerializer[Autosave]):
    texts = serializers.DictField(child=serializers.CharField(), help_text="instruction, input, output")

    class Meta:
        model = Autosave
        fields = ("seq", "texts", "saved_at")


class Typing(Reviewing):
    """What one has typed about a pair and not sent. It outlives the seat, and goes with the decision."""

    @extend_schema(responses={200: AutosaveSerializer, 204: None}, operation_id="pairs_autosave_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        """204: nothing is kept."""
        pair = get_object_or_404(Pair.objects.for_user(asking(request)), pk=pk)
        kept = Autosave.objects.filter(pair=pair, reviewer=asking(request)).first()
        return Response(AutosaveSerializer(kept).data) if kept else Response(status=204)

    @extend_schema(request=NewAutosave, responses=AutosavedSerializer, operation_id="pairs_autosave_update")
    def put(self, request: Request, pk: int) -> Response:
        """Keep it, unless something newer is kept already. Sent again it is answered alike."""
        get_object_or_404(Pair.objects.for_user(asking(request)), pk=pk)
        asked = strict.read(NewAutosave, request.data)
        texts = {name: asked.pop(name) for name in TEXTS}
        try:
            kept = autosaving.autosave(pk, by=asking(request), **{**asked, "token": str(asked["token"])}, texts=texts)
        except Refused as refusal:
            raise Problem(409, refusal.code, refusal.message) from refusal
        return Response(AutosavedSerializer({**kept._asdict(), "expires_at": kept.held and kept.held.expires_at}).data)


class GoalSerializer(strict.Body):
    goal = serializers.ChoiceField(GOALS, help_text="Decisions a day.")


class OwnDaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    decided = serializers.IntegerField(help_text="Decisions that were not taken back.")
    accepted = serializers.IntegerField(source="accept", help_text="Unchanged.")
    edited = serializers.IntegerField(source="edit")
    rejected = serializers.IntegerField(source="reject")
    seconds = serializers.FloatField(allow_null=True, help_text="Of a decision, the median.")


class OwnDaysSerializer(serializers.Serializer[Any]):
    goal = serializers.IntegerField(help_text="Decisions a day.")
    done = serializers.IntegerField(help_text="Decided and skipped today.")
    skipped = serializers.IntegerField(help_text="Of these.")
    minutes_left = serializers.IntegerField(allow_null=True, help_text="To the goal, at the pace of today; null: there is none yet.")
    days = OwnDaySerializer(many=True, help_text="The last thirty, today first.")


class OwnDays(Reviewing):
    @extend_schema(responses=OwnDaysSerializer)
    def get(self, request: Request) -> Response:
        """What one has done today and in the last thirty days. Nobody else's numbers are in it."""
        user = asking(request)
        today, goal = desk.today(user), goal_of(user.preferences)
        said = {"goal": goal, "done": len(today.cells), "skipped": today.counts["skip"], "minutes_left": today.minutes_to(goal)}
        return Response(OwnDaysSerializer({**said, "days": desk.days(user, DAYS)}).data)


class Goal(Reviewing):
    @extend_schema(request=GoalSerializer, responses=GoalSerializer)
    def put(self, request: Request) -> Response:
        """How many decisions one wants to make a day."""
        goal = strict.read(GoalSerializer, request.data)["goal"]
        set_goal(asking(request), goal)
        return Response({"goal": goal})
