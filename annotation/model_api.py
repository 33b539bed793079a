"""API of models: the providers and what they say they have, prices by version, limits, and caps."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole, Problem
from accounts.strict import Body
from sources.models import Source

from . import draft_progress, drafting, offers, pricing, providers
from .models import Cap, Price, RateLimit

MODEL = OpenApiParameter("model", str, description="`provider:model`, or the bare name at the first provider.")


class ProviderSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    base_url = serializers.CharField(source="address")
    key_name = serializers.CharField(help_text="The variable of its key. The key itself is never told.")
    has_key = serializers.BooleanField()
    is_usable = serializers.BooleanField()


class OfferSerializer(serializers.Serializer[Any]):
    provider = serializers.CharField()
    models = serializers.ListField(child=serializers.CharField())
    error = serializers.CharField(help_text="Empty, or why it does not say: no_key, bad_key, unreachable, …")
    advice = serializers.CharField(help_text="What to do about it, in words.")
    detail = serializers.CharField()


class PriceSerializer(serializers.ModelSerializer[Price]):
    by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True, allow_null=True)

    class Meta:
        model = Price
        fields = ("id", "provider", "model", "price_in", "price_out", "price_cached", "batch_share", "currency", "valid_from", "by")


class NewPriceSerializer(Body):
    model = serializers.CharField(max_length=160)
    price_in = serializers.DecimalField(max_digits=12, decimal_places=6, min_value=0)
    price_out = serializers.DecimalField(max_digits=12, decimal_places=6, min_value=0)
    price_cached = serializers.DecimalField(max_digits=12, decimal_places=6, min_value=0, required=False, allow_null=True)
    batch_share = serializers.DecimalField(max_digits=4, decimal_places=3, min_value=0, max_value=1, required=False, allow_null=True)
    currency = serializers.RegexField(r"^[A-Za-z]{3}$")


class RateLimitSerializer(serializers.ModelSerializer[RateLimit]):
    class Meta:
        model = RateLimit
        fields = ("provider", "model", "requests_per_minute", "tokens_per_minute", "updated_at")


class NewLimitSerializer(Body):
    model = serializers.CharField(max_length=160)
    requests_per_minute = serializers.IntegerField(min_value=1, max_value=2_000_000_000, allow_null=True)
    tokens_per_minute = serializers.IntegerField(min_value=1, max_value=2_000_000_000, allow_null=True)


class CapSerializer(serializers.ModelSerializer[Cap]):
    source = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True, allow_null=True)  # type: ignore[assignment]

    class Meta:
        model = Cap
        fields = ("source", "per", "currency", "amount", "updated_at")


class NewCapSerializer(Body):
    source = serializers.SlugField(required=False, allow_null=True)  # type: ignore[assignment]
    per = serializers.ChoiceField(Cap.Per.choices)
    currency = serializers.RegexField(r"^[A-Za-z]{3}$")
    amount = serializers.DecimalField(max_digits=12, decimal_places=6, min_value=0, allow_null=True, help_text="null: no cap any more.")


class AdminOnly(views.APIView):
    permission_classes = (HasRole,)
    role = "admin"

    def asked(self, kind: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        body = kind(data=self.request.data)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def done(self, act: Any, **asked: Any) -> Any:
        """The act, by whoever asks; refused, as a problem."""
        if "model" in asked:
            asked["provider"], asked["model"] = providers.split(asked["model"])
        try:
            return act(**asked, by=self.request.user)
        except drafting.Refused as refused:
            raise Problem(400, refused.code, str(refused)) from None


class Providers(AdminOnly):
    @extend_schema(responses=ProviderSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(ProviderSerializer(providers.every(), many=True).data)


class Offered(AdminOnly):
    """The models that each provider says it has, asked at most once a minute."""

    @extend_schema(responses=OfferSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = [
            {
                "provider": offer.provider.name, "models": offer.models, "error": offer.error, "detail": offer.detail,
                "advice": str(draft_progress.failure_text(offer.error)) if offer.error else "",
            }
            for offer in offers.offers()
        ]  # fmt: skip
        return Response(OfferSerializer(found, many=True).data)


class Prices(AdminOnly):
    """All versions of all prices, or of one model; the newest of each model first."""

    @extend_schema(parameters=[MODEL], responses=PriceSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = Price.objects.select_related("by")
        if ref := request.query_params.get("model", "").replace("\0", ""):
            provider, model = providers.split(ref)
            found = found.filter(provider=provider, model=model)
        return Response(PriceSerializer(found, many=True).data)

    @extend_schema(request=NewPriceSerializer, responses={201: PriceSerializer})
    def post(self, request: Request) -> Response:
        """The next version of a model's price, from now on."""
        return Response(PriceSerializer(self.done(pricing.set_price, **self.asked(NewPriceSerializer))).data, status=201)


class RateLimits(AdminOnly):
    @extend_schema(responses=RateLimitSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(RateLimitSerializer(RateLimit.objects.all(), many=True).data)

    @extend_schema(request=NewLimitSerializer, responses=RateLimitSerializer)
    def put(self, request: Request) -> Response:
        """The limits of one model, for all workers together."""
        return Response(RateLimitSerializer(self.done(pricing.set_limits, **self.asked(NewLimitSerializer))).data)


class Caps(AdminOnly):
    @extend_schema(responses=CapSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response(CapSerializer(Cap.objects.select_related("source"), many=True).data)

    @extend_schema(request=NewCapSerializer, responses={200: CapSerializer, 204: None})
    def put(self, request: Request) -> Response:
        """The most that may be spent a day or in all, on one source or (null) on all."""
        asked = self.asked(NewCapSerializer)
        slug = asked.pop("source", None)
        source = get_object_or_404(Source.objects.for_user(request.user), slug=slug) if slug else None  # type: ignore[arg-type]
        cap = self.done(pricing.set_cap, source=source, **asked)
        return Response(CapSerializer(cap).data) if cap else Response(status=204)
