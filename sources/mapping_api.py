"""API of columns that a source remembers: `mappings` of the source lists them."""

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole
from accounts.strict import Body

from . import policy
from .api import person
from .models import Source


class OfColumns(Body):
    columns = serializers.ListField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=10_000), max_length=10_000,
        help_text="Of the file: all of them, in any order.",
    )  # fmt: skip


class ForgetMapping(views.APIView):
    """Files with these columns are read by what is recognised again."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=OfColumns, responses={204: None})
    def post(self, request: Request, slug: str) -> Response:
        source = get_object_or_404(Source.objects.for_user(person(request)), slug=slug)
        asked = OfColumns(data=request.data)
        asked.is_valid(raise_exception=True)
        if not policy.forget_mapping(source, columns=asked.validated_data["columns"], by=person(request)):
            raise Http404
        return Response(status=204)
