"""API of fetches: files that are named by their URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole, Problem
from accounts.strict import Body

from . import downloading
from .addresses import MAX_URL
from .importers import IMPORTERS
from .importers.generic import NAMES
from .jobs import send_hint
from .models import Fetch, Source
from .readers import ENCODINGS
from .tasks import fetch_url

if TYPE_CHECKING:
    from accounts.models import User


class FetchSerializer(serializers.ModelSerializer[Fetch]):
    source = serializers.SlugRelatedField[Source](slug_field="slug", read_only=True)  # type: ignore[assignment]
    status = serializers.ChoiceField(choices=Fetch.State.choices, source="state", read_only=True)
    import_id = serializers.IntegerField(source="run_id", read_only=True, allow_null=True, help_text="The import, once the file is here.")
    dry_run_id = serializers.IntegerField(read_only=True, allow_null=True, help_text="Or the dry run, where that was asked for.")
    error = serializers.SerializerMethodField(help_text="Why it failed, for machines and for people.")

    class Meta:
        model = Fetch
        fields = (
            "id",
            "source",
            "url",
            "status",
            "received",
            "import_id",
            "dry_run_id",
            "error",
            "created_at",
            "started_at",
            "finished_at",
        )

    def get_error(self, fetch: Fetch) -> dict[str, str] | None:
        return {"code": fetch.error_code, "detail": downloading.describe(fetch)} if fetch.error_code else None


class NewFetch(Body):
    """A file that lies elsewhere. `mapping` is an object: post field to column, for the generic importer."""

    url = serializers.CharField(max_length=MAX_URL)
    importer = serializers.ChoiceField(choices=sorted(IMPORTERS), required=False, allow_blank=True)
    encoding = serializers.ChoiceField(choices=ENCODINGS, required=False, allow_blank=True, help_text="Of a text that is not in UTF-8.")
    mapping = serializers.DictField(child=serializers.CharField(max_length=200, trim_whitespace=False), required=False)

    dry_run = serializers.BooleanField(required=False, help_text="Only say what the import would do, once the file is here.")

    def validate_mapping(self, value: dict[str, str]) -> dict[str, str]:
        if unknown := value.keys() - NAMES.keys():
            raise serializers.ValidationError(f"No field of a post: {', '.join(sorted(unknown))[:200]}. There are: {', '.join(NAMES)}.")
        return value


def order(request: Request, source: Source) -> Response:
    """The other half of `POST /sources/{slug}/imports/`."""
    asked = NewFetch(data=request.data)
    asked.is_valid(raise_exception=True)
    try:
        fetch, created = downloading.order(source, by=cast("User", request.user), **asked.validated_data)
    except downloading.Refused as refused:
        status = 403 if refused.code == "fetching_off" else 400
        raise Problem(status, refused.code, downloading.sentence(refused.code, refused.params)) from refused
    send_hint(fetch_url, fetch.pk)
    return Response(FetchSerializer(fetch).data, status=202 if created else 200)


class OneFetch(generics.RetrieveAPIView[Fetch]):
    permission_classes = [HasRole]
    role = "admin"
    serializer_class = FetchSerializer
    queryset = Fetch.objects.select_related("source")


class CancelFetch(views.APIView):
    """Stops it; nothing of the file is kept. A fetch that is over already is answered as it is."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=None, responses=FetchSerializer)
    def post(self, request: Request, pk: int) -> Response:
        fetch = get_object_or_404(Fetch, pk=pk)
        downloading.cancel(fetch)
        return Response(FetchSerializer(fetch).data)
