"""API of the automatic checks: what each found in review, and how often that was overruled."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole
from accounts.strict import Query
from sources.models import Source

from . import check_stats


class CheckQuery(Query):
    source = serializers.SlugField(required=False, help_text="The slug of a source: of its decisions alone.")  # type: ignore[assignment]


class CountSerializer(serializers.Serializer[check_stats.Count]):
    hits = serializers.IntegerField(help_text="Decisions in which it found something.")
    bypassed = serializers.IntegerField(help_text="Those of them that kept the text all the same.")


class CheckSerializer(serializers.Serializer[check_stats.Row]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    looks_for = serializers.CharField()
    blocks = serializers.BooleanField()
    experimental = serializers.BooleanField(help_text="On trial: it says what it finds, and nobody is asked twice.")
    total = CountSerializer()
    weeks = CountSerializer(many=True, help_text="The latest eight, from Monday, the current one last.")
    sources = serializers.DictField(child=CountSerializer(), help_text="By the source's name.")


class Checks(views.APIView):
    """The automatic checks, with what they found in the latest decisions."""

    permission_classes = [HasRole]
    role = "lead"

    @extend_schema(parameters=[CheckQuery], responses=CheckSerializer(many=True))
    def get(self, request: Request) -> Response:
        slug = CheckQuery.of(request).get("source", "")
        if slug:
            get_object_or_404(Source.objects.for_user(request.user), slug=slug)  # type: ignore[arg-type]
        return Response(CheckSerializer(check_stats.table(request.user, slug), many=True).data)  # type: ignore[arg-type]
