"""How far reviewers agree, for leads: a page, the same as a file, and by API."""

import csv
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole
from accounts.permissions import role_required
from accounts.strict import Query
from sources.models import Source
from sources.spreadsheets import safe

from . import agreement
from .agreement import Agreement
from .api import asking
from .screens import user_of, wish

COLUMNS = ("name", "slug", "n", "same", "alpha", "low", "high", "similarity")


@require_safe
@role_required("lead")
def agreement_page(request: HttpRequest) -> HttpResponse:
    """Per source, and per two people (of one source, if `source` names it). `?format=csv` gives the lines as a file."""
    user, source = user_of(request), wish(request, request.GET)
    sources, pairs = agreement.by_source(user), agreement.by_pair(user, source=source)
    if request.GET.get("format") == "csv":
        return _as_csv([*sources, *pairs])
    return render(request, "annotation/agreement.html", {"sources": sources, "pairs": pairs, "source": source})


def _as_csv(lines: Iterable[Agreement]) -> HttpResponse:
    """A cell that a spreadsheet would run gets an apostrophe before it."""
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="agreement.csv"'})
    response.write("\ufeff")
    rows = csv.writer(response)
    rows.writerow(["kind", *COLUMNS])
    for line in lines:
        rows.writerow(["people" if line.people else "source", safe(line.name), *(getattr(line, column) for column in COLUMNS[1:])])
    return response


class ReviewersAgreementSerializer(serializers.Serializer[Any]):
    """`alpha` is Krippendorff's, of the verdicts accept, edit and reject; null: it cannot be told."""

    name = serializers.CharField()
    source = serializers.CharField(source="slug")  # type: ignore[assignment]
    people = serializers.ListField(child=serializers.CharField())
    n = serializers.IntegerField(help_text="Pairs that two or more of them decided.")
    same = serializers.IntegerField(help_text="Pairs with the same verdict of all.")
    alpha = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text="Of 95 %, by drawing pairs anew.")
    high = serializers.FloatField(allow_null=True)
    similarity = serializers.FloatField(allow_null=True, help_text="Of the responses where all kept it: 1 is the same text.")


class AgreementTablesSerializer(serializers.Serializer[Any]):
    by_source = ReviewersAgreementSerializer(many=True)
    by_pair = ReviewersAgreementSerializer(many=True)


class AgreementQuery(Query):
    source = serializers.SlugField(required=False)  # type: ignore[assignment]


class Agreements(views.APIView):
    permission_classes = (HasRole,)
    role = "lead"

    @extend_schema(parameters=[AgreementQuery], responses=AgreementTablesSerializer)
    def get(self, request: Request) -> Response:
        """How far reviewers agree, per source and per two people."""
        user, slug = asking(request), AgreementQuery.of(request).get("source")
        source = get_object_or_404(Source.objects.for_user(user), slug=slug) if slug else None
        found = {"by_source": agreement.by_source(user), "by_pair": agreement.by_pair(user, source=source)}
        return Response(AgreementTablesSerializer(found).data)
