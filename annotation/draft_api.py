"""API of drafting: order, look, pause, resume, stop, and release calls of unknown fate."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole, Problem
from accounts.strict import Body
from sources.jobs import send_hint
from sources.models import Source

from . import draft_progress, drafting, offers, scoring, taking_up
from .models import DraftRun, ModelCall
from .tasks import draft_run

# The request is at fault; any other code: the state of things is.
BAD = {
    "bad_note",
    "bad_order",
    "bad_params",
    "bad_price",
    "bad_model",
    "price_unknown",
    "currencies_differ",
    "unknown_prompt",
    "unknown_provider",
}


class ParamsSerializer(Body):
    """What is sent with each call, and what a million tokens cost."""

    max_tokens = serializers.IntegerField(required=False, min_value=1, max_value=32_768)
    temperature = serializers.FloatField(required=False, min_value=0, max_value=2)
    top_p = serializers.FloatField(required=False, min_value=0, max_value=1)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31)
    price_in = serializers.DecimalField(required=False, max_digits=12, decimal_places=6, min_value=0)
    price_out = serializers.DecimalField(required=False, max_digits=12, decimal_places=6, min_value=0)
    currency = serializers.RegexField(r"^[A-Za-z]{3}$", required=False)


class DraftOrderSerializer(Body):
    prompt = serializers.CharField(required=False, max_length=64)
    models = serializers.ListField(child=serializers.CharField(max_length=128), required=False, max_length=8)
    candidates = serializers.IntegerField(required=False, min_value=1, max_value=drafting.MAX_CANDIDATES, default=1)
    limit = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=1_000_000)
    budget = serializers.DecimalField(required=False, allow_null=True, max_digits=12, decimal_places=6)
    params = ParamsSerializer(required=False)
    retry_failed = serializers.BooleanField(required=False, default=False)
    pending = serializers.BooleanField(required=False, default=False, help_text="Further candidates for pairs that wait for review.")
    posts = serializers.ListField(child=serializers.IntegerField(min_value=1), required=False, max_length=100_000)
    mode = serializers.ChoiceField(DraftRun.Mode.choices, required=False)
    auto_release = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000)
    dry_run = serializers.BooleanField(required=False, default=False)
    force = serializers.BooleanField(required=False, default=False, help_text="Order although the provider does not list the model.")


class EstimateSerializer(serializers.Serializer[Any]):
    calls = serializers.IntegerField()
    tokens = serializers.IntegerField(help_text="Roughly: a character counted as a token, until the model has answered often enough.")
    tokens_in = serializers.IntegerField(required=False)
    tokens_out = serializers.IntegerField(required=False)
    seconds = serializers.IntegerField(required=False, allow_null=True, help_text="null: a batch, which takes up to a day.")
    cost = serializers.DecimalField(max_digits=18, decimal_places=6, allow_null=True, help_text="null: the price is not known.")
    is_estimate = serializers.BooleanField()


class DryRunSerializer(serializers.Serializer[Any]):
    estimate = EstimateSerializer()


class CountsSerializer(serializers.Serializer[Any]):
    calls = serializers.IntegerField()
    queued = serializers.IntegerField()
    sending = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    unknown = serializers.IntegerField()
    unsent = serializers.IntegerField()
    drafted = serializers.IntegerField()
    failures = serializers.DictField(child=serializers.IntegerField())


class UnknownCallSerializer(serializers.ModelSerializer[ModelCall]):
    class Meta:
        model = ModelCall
        fields = ("id", "pair", "attempt_id", "sent_at", "error_code")


class DraftRunSerializer(serializers.ModelSerializer[DraftRun]):
    """`cost` is null while a price is unknown, which is not 0."""

    source = serializers.SlugRelatedField[Source](slug_field="slug", read_only=True)  # type: ignore[assignment]
    status = serializers.CharField(source="state")
    prompt = serializers.SlugRelatedField[Any](slug_field="name", read_only=True, allow_null=True)
    models = serializers.JSONField(source="model_names")

    class Meta:
        model = DraftRun
        fields = ("id", "source", "purpose", "mode", "status", "prompt", "models", "candidates", "limit", "budget", "currency",
                  "error_code", "error_detail", "created_at", "started_at", "finished_at")  # fmt: skip


class DraftRunDetail(DraftRunSerializer):
    counts = CountsSerializer()
    tokens_in = serializers.IntegerField()
    tokens_out = serializers.IntegerField()
    cost = serializers.DecimalField(max_digits=18, decimal_places=6, allow_null=True)
    estimate = EstimateSerializer(allow_null=True)
    is_resumable = serializers.BooleanField(help_text="It has ended, and something of it is left that can be sent.")
    error = serializers.CharField(help_text="What ended the run and what to do about it, in words.")
    unknown_calls = UnknownCallSerializer(many=True, help_text="Possibly paid without an answer: released by a person or never sent again.")

    class Meta(DraftRunSerializer.Meta):
        fields = (
            *DraftRunSerializer.Meta.fields,
            "counts",
            "tokens_in",
            "tokens_out",
            "cost",
            "estimate",
            "is_resumable",
            "error",
            "unknown_calls",
        )  # type: ignore[assignment]


def detail(run: DraftRun) -> dict[str, Any]:
    """The run as the API shows it."""
    found = draft_progress.figures(run)
    body: dict[str, Any] = dict(DraftRunSerializer(run).data)
    body["counts"] = {str(name): found[str(name)] for name in CountsSerializer().fields}
    body |= {"tokens_in": found["tokens_in"], "tokens_out": found["tokens_out"]}
    body["cost"] = None if found["cost"] is None else f"{found['cost']:.6f}"
    body["estimate"] = run.estimate
    body["is_resumable"] = taking_up.is_resumable(run)
    body["error"] = str(draft_progress.RUN_ERRORS.get(run.error_code, ""))
    body["unknown_calls"] = UnknownCallSerializer(run.calls.filter(state=ModelCall.State.UNKNOWN)[:100], many=True).data
    return body


def refusal(refused: drafting.Refused) -> Problem:
    return Problem(400 if refused.code in BAD else 409, refused.code, str(refused))


class AdminView(views.APIView):
    permission_classes = (HasRole,)
    role = "admin"

    def runs(self) -> QuerySet[DraftRun]:
        runs: QuerySet[DraftRun] = DraftRun.objects.filter(source__in=Source.objects.for_user(self.request.user))  # type: ignore[arg-type]
        return runs.select_related("source", "prompt")


@extend_schema(request=DraftOrderSerializer, responses={200: DryRunSerializer, 202: DraftRunDetail})
class DraftRuns(AdminView):
    def post(self, request: Request, slug: str) -> Response:
        source = get_object_or_404(Source.objects.for_user(request.user), slug=slug)  # type: ignore[arg-type]
        asked = DraftOrderSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        order = dict(asked.validated_data)
        force = order.pop("force")
        dry_run, order["params"] = order.pop("dry_run"), dict(order.get("params", {}))
        try:
            if dry_run:
                return Response({"estimate": EstimateSerializer(drafting.estimate(source, **order)).data})
            if not force:
                offers.check_offered(order.get("models") or [settings.OPENAI_MODEL])
            run = drafting.order(source, by=request.user, **order)  # type: ignore[arg-type]
        except drafting.Refused as refused:
            raise refusal(refused) from None
        send_hint(draft_run, run.pk)
        return Response(detail(run), status=202)


class ScoreOrderSerializer(Body):
    prompt = serializers.CharField(required=False, max_length=64)
    models = serializers.ListField(child=serializers.CharField(max_length=128), required=False, max_length=1)
    limit = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=1_000_000)
    budget = serializers.DecimalField(required=False, allow_null=True, max_digits=12, decimal_places=6)
    params = ParamsSerializer(required=False)
    mode = serializers.ChoiceField(DraftRun.Mode.choices, required=False)
    auto_release = serializers.IntegerField(required=False, min_value=0, max_value=1_000_000)
    dry_run = serializers.BooleanField(required=False, default=False)


@extend_schema(request=ScoreOrderSerializer, responses={200: DryRunSerializer, 202: DraftRunDetail})
class ScoreRuns(AdminView):
    """Have a model judge the posts that wait for nothing but a score: 1 to 10, in halves. The run is a draft run like others."""

    def post(self, request: Request, slug: str) -> Response:
        source = get_object_or_404(Source.objects.for_user(request.user), slug=slug)  # type: ignore[arg-type]
        asked = ScoreOrderSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        order = dict(asked.validated_data)
        dry_run, order["params"] = order.pop("dry_run"), dict(order.get("params", {}))
        try:
            if dry_run:
                return Response({"estimate": EstimateSerializer(scoring.estimate_scores(source, **order)).data})
            run = scoring.order_scores(source, by=request.user, **order)  # type: ignore[arg-type]
        except drafting.Refused as refused:
            raise refusal(refused) from None
        send_hint(draft_run, run.pk)
        return Response(detail(run), status=202)


@extend_schema(responses=DraftRunSerializer)
class DraftRunList(AdminView, generics.ListAPIView[DraftRun]):
    serializer_class = DraftRunSerializer

    def get_queryset(self) -> QuerySet[DraftRun]:
        return self.runs()


@extend_schema(responses=DraftRunDetail)
class DraftRunView(AdminView):
    def get(self, request: Request, pk: int) -> Response:
        return Response(detail(get_object_or_404(self.runs(), pk=pk)))


ACT = [OpenApiParameter("act", str, "path", enum=tuple(drafting.ACTS)), OpenApiParameter("id", int, "path")]


class ActSerializer(Body):
    budget = serializers.DecimalField(
        required=False, allow_null=True, max_digits=12, decimal_places=6, help_text="To resume a run that ended: a higher cap."
    )


class DraftRunAct(AdminView):
    """pause: nothing more is sent, until it is resumed. stop: it ends; what was not sent may be ordered anew, or sent when it is
    resumed after all. resume: goes on with a paused run, or takes up one that has ended (`is_resumable`)."""

    @extend_schema(request=ActSerializer, responses=DraftRunDetail, operation_id="draft_runs_act", parameters=ACT)
    def post(self, request: Request, pk: int, act: str) -> Response:
        run = get_object_or_404(self.runs(), pk=pk)
        asked = ActSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        more = {"budget": asked.validated_data.get("budget")} if act == "resume" else {}
        try:
            run = drafting.ACTS[act](run, by=request.user, **more)  # type: ignore[arg-type]
        except drafting.Refused as refused:
            raise refusal(refused) from None
        if act == "resume":
            send_hint(draft_run, run.pk)
        return Response(detail(run))


@extend_schema(request=None, responses={200: DraftRunDetail})
class ReleaseCall(AdminView):
    """Send a call of unknown fate again: the first may have been charged, so this may cost twice."""

    def post(self, request: Request, pk: int) -> Response:
        call = get_object_or_404(ModelCall.objects.filter(run__in=self.runs()).select_related("run"), pk=pk)
        try:
            drafting.release(call, by=request.user)  # type: ignore[arg-type]
        except drafting.Refused as refused:
            raise refusal(refused) from None
        send_hint(draft_run, call.run_id or 0)
        return Response(detail(get_object_or_404(self.runs(), pk=call.run_id)))
