"""API of the numbers of drafting: what it cost, how drafts fared, and which calls want a person."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole
from accounts.strict import Query

from . import call_queue, costs, scorecard
from .call_filters import WINDOWS, calls_of
from .models import ModelCall


class CallFilter(Query):
    source = serializers.SlugField(required=False, help_text="Slug of a source.")  # type: ignore[assignment]
    model = serializers.CharField(required=False, max_length=160, help_text="As it was asked for.")
    run = serializers.IntegerField(required=False, min_value=1, max_value=10**17 - 1, help_text="Number of a draft run.")
    days = serializers.ChoiceField(WINDOWS, required=False, help_text="Only what was sent in so many days.")


class QueueFilter(CallFilter):
    kind = serializers.ChoiceField(call_queue.KINDS)


AMOUNTS = "By currency, which are never added up. Calls without a price are in `unpriced`, not in here as 0."


class Money(serializers.DictField):
    """Amounts by currency."""

    child = serializers.DecimalField(max_digits=18, decimal_places=6)


class CostLineSerializer(serializers.Serializer[Any]):
    month = serializers.DateField(help_text="Its first day.")
    source = serializers.CharField(source="source_slug", allow_null=True)  # type: ignore[assignment]
    model = serializers.CharField()
    purpose = serializers.CharField()
    calls = serializers.IntegerField(source="cost.calls")
    tokens_in = serializers.IntegerField(source="cost.tokens_in")
    tokens_out = serializers.IntegerField(source="cost.tokens_out")
    amounts = Money(source="cost.amounts", help_text=AMOUNTS)
    unpriced = serializers.IntegerField(source="cost.unpriced", help_text="Answered calls whose price is not known.")
    unknown = serializers.IntegerField(source="cost.unknown", help_text="Calls of unknown fate: they may have been charged.")
    possible = Money(source="cost.possible", help_text="What those cost at the most.")


class ScoreSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    prompt = serializers.CharField()
    source = serializers.CharField(source="source_slug")  # type: ignore[assignment]
    offered = serializers.IntegerField(help_text="Drafts that came of the calls.")
    decided = serializers.IntegerField()
    accepted = serializers.IntegerField(help_text="Unchanged.")
    edited = serializers.IntegerField()
    rejected = serializers.IntegerField()
    unchanged_share = serializers.FloatField(allow_null=True)
    rejected_share = serializers.FloatField(allow_null=True)
    is_few = serializers.BooleanField(help_text=f"Fewer than {scorecard.FEW} decisions.")
    reasons = serializers.DictField(child=serializers.IntegerField())
    edit_distance = serializers.FloatField(source="distance", allow_null=True, help_text="Characters (Levenshtein), median of the edited.")
    seconds = serializers.FloatField(allow_null=True, help_text="Of a decision, the median.")
    rows = serializers.IntegerField(help_text="Pairs accepted with a text that began as one of these drafts.")
    cost_per_row = Money(allow_null=True)


class ModelCallSerializer(serializers.ModelSerializer[ModelCall]):
    code = serializers.CharField(help_text="What happened.")

    class Meta:
        model = ModelCall
        fields = (
            "id", "attempt_id", "run", "pair", "model", "state", "code", "error_detail", "request_id", "sent_at", "finished_at", "reserved",
        )  # fmt: skip


class AdminOnly(views.APIView):
    permission_classes = (HasRole,)
    role = "admin"

    def calls(self, asked: dict[str, Any]) -> QuerySet[ModelCall]:
        return calls_of(self.request.user, {name: str(value) for name, value in asked.items()})  # type: ignore[arg-type]


class Costs(AdminOnly):
    """What was paid, by month, source, model and purpose."""

    @extend_schema(parameters=[CallFilter], responses=CostLineSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(CostLineSerializer(costs.lines(self.calls(CallFilter.of(request))), many=True).data)


class Scorecard(AdminOnly):
    """How drafts fared with reviewers, by model, prompt and source."""

    @extend_schema(parameters=[CallFilter], responses=ScoreSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(ScoreSerializer(scorecard.scorecard(self.calls(CallFilter.of(request))), many=True).data)


@extend_schema(parameters=[QueueFilter])
class ModelCalls(AdminOnly, generics.ListAPIView[ModelCall]):
    """Calls that want a person. `unknown`: possibly charged, without an answer. `without`: the last call of each pair that
    has no draft. `attempts`: every attempt that failed."""

    serializer_class = ModelCallSerializer

    def get_queryset(self) -> QuerySet[ModelCall]:
        asked = QueueFilter.of(self.request)
        return call_queue.queue(self.calls(asked), asked["kind"]).defer("raw")
