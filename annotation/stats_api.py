"""API of the numbers: the funnel of a source."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole
from accounts.strict import Query
from sources.models import Source

from . import stats


class StageSerializer(serializers.Serializer[stats.Stage]):
    key = serializers.ChoiceField(choices=stats.STAGES)
    count = serializers.IntegerField(help_text="What got through to this stage: that of the one before, less `dropped` and `waiting`.")
    dropped = serializers.DictField(child=serializers.IntegerField(), help_text="Lost on the way to this stage, by reason.")
    waiting = serializers.DictField(child=serializers.IntegerField(), help_text="On the way to this stage.")


class FunnelSerializer(serializers.Serializer[dict[str, object]]):
    read = serializers.IntegerField(help_text="Rows read = all of `buckets` = all of `fates`.")
    stages = StageSerializer(many=True)
    buckets = serializers.DictField(child=serializers.IntegerField(), help_text="Every row read is in exactly one of them.")
    fates = serializers.DictField(child=serializers.IntegerField(), help_text="The buckets in six groups.")


class AskedRun(Query):
    run = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class Funnel(views.APIView):
    """Where the rows of a source, or of one of its imports, went."""

    permission_classes = [HasRole]
    role = "lead"

    @extend_schema(
        parameters=[OpenApiParameter("run", int, description="The id of an import of this source: of its rows alone.")],
        responses=FunnelSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        source = get_object_or_404(Source.objects.for_user(request.user), slug=slug)  # type: ignore[arg-type]
        asked = AskedRun.of(request)
        run = get_object_or_404(source.imports, pk=asked["run"]) if asked else None
        stages = stats.funnel(source, run)
        found = {"read": stages[0]["count"], "stages": stages, "buckets": stats.buckets(stages), "fates": stats.fates(stages)}
        return Response(FunnelSerializer(found).data)
