"""API of sources: the sources, their imports, their posts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from django.db import IntegrityError
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import generics, parsers, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole, Problem

from . import dry_orders, fetch_api, importing, policy, rescuing, runs, screening
from .dry_serializers import ImportDryRunSerializer
from .indexing import POSTS
from .jobs import send_hint
from .models import ImportRun, Post, RejectedRow, Source
from .search_api import IndexState, SearchCursor
from .searching import Search
from .serializers import ImportSerializer, NewImport, PostFilter, PostSerializer, RejectedRowSerializer, SourceSerializer
from .tasks import dry_run, import_file, screen_source

if TYPE_CHECKING:
    from accounts.models import User

IMPORT_OR_FETCH = PolymorphicProxySerializer(
    "ImportOrFetch", [ImportSerializer, fetch_api.FetchSerializer, ImportDryRunSerializer], resource_type_field_name=None
)


def person(request: Request) -> User:
    """Who asks: `HasRole` let nobody else in."""
    return cast("User", request.user)


class Sources(generics.ListCreateAPIView[Source]):
    permission_classes = [HasRole]
    role, role_to_write = "lead", "admin"
    serializer_class = SourceSerializer

    def get_queryset(self) -> QuerySet[Source]:
        return Source.objects.for_user(person(self.request))

    def perform_create(self, serializer: Any) -> None:
        try:
            serializer.instance = policy.add(by=person(self.request), **serializer.validated_data)
        except IntegrityError:  # two at once
            raise Problem(409, "slug_taken", _("There is a source of this name already.")) from None


class OneSource(generics.RetrieveUpdateAPIView[Source]):
    permission_classes = [HasRole]
    role, role_to_write = "lead", "admin"
    serializer_class = SourceSerializer
    lookup_field = lookup_url_kwarg = "slug"
    http_method_names = ["get", "patch", "head", "options"]

    def get_queryset(self) -> QuerySet[Source]:
        return Source.objects.for_user(person(self.request))

    def perform_update(self, serializer: Any) -> None:
        policy.change(serializer.instance, by=person(self.request), **serializer.validated_data)


class Imports(views.APIView):
    permission_classes = [HasRole]
    role = "admin"
    parser_classes = [parsers.MultiPartParser, parsers.JSONParser]

    @extend_schema(
        description="A file, as multipart: the answer is its import. Or its URL, as JSON: the answer is the fetch, which says, under "
        "`/fetches/{id}/`, what import the file became once it is here. With `dry_run`, nothing is imported: the answer is a dry run, "
        "`/dry-runs/{id}/`.",
        request={"multipart/form-data": NewImport, "application/json": fetch_api.NewFetch},
        responses={
            202: IMPORT_OR_FETCH,
            200: OpenApiResponse(IMPORT_OR_FETCH, description="The same bytes again: the earlier import. A URL under way: that fetch"),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        source = get_object_or_404(Source.objects.for_user(person(request)), slug=slug)
        if isinstance(request.data, Mapping) and "url" in request.data:
            return fetch_api.order(request, source)
        asked = NewImport(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        try:
            stored = importing.store(given["file"], given["file"].name)
        except importing.Refused as error:
            raise Problem(413, error.code, str(error)) from error
        if given.get("dry_run"):
            return _try(request, source, stored, given)
        run, created = importing.start_import(
            source, stored, name=given["file"].name, by=person(request),
            importer=given.get("importer", ""), mapping=given.get("mapping"), encoding=given.get("encoding", ""),
        )  # fmt: skip
        send_hint(import_file, run.pk)
        return Response(ImportSerializer(run).data, status=202 if created else 200)


def _try(request: Request, source: Source, stored: importing.StoredFile, given: Mapping[str, Any]) -> Response:
    """A dry run of the file. Of one that was imported before, that import: there is nothing to try."""
    if earlier := dry_orders.imported_before(source, stored.sha256):
        return Response(ImportSerializer(earlier).data, status=200)
    try:
        dry = dry_orders.order(
            source, stored, name=given["file"].name, by=person(request), importer=given.get("importer", ""),
            mapping=given.get("mapping"), encoding=given.get("encoding", ""), screens=given.get("screens"),
        )  # fmt: skip
    except policy.BadPolicy as error:
        raise Problem(400, "bad_screens", str(error)) from error
    send_hint(dry_run, dry.pk)
    return Response(ImportDryRunSerializer(dry).data, status=202)


class OneImport(generics.RetrieveAPIView[ImportRun]):
    permission_classes = [HasRole]
    role = "lead"
    serializer_class = ImportSerializer
    queryset = ImportRun.objects.select_related("source")


class Rejected(generics.ListAPIView[RejectedRow]):
    """The rows that did not become posts, in their order."""

    permission_classes = [HasRole]
    role = "lead"
    serializer_class = RejectedRowSerializer

    def get_queryset(self) -> QuerySet[RejectedRow]:
        return get_object_or_404(ImportRun, pk=self.kwargs["pk"]).rejected_rows.all()


class CancelImport(views.APIView):
    """Stops at the next batch. What was imported stays; an import that is over already is answered as it is."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=None, responses=ImportSerializer)
    def post(self, request: Request, pk: int) -> Response:
        run = get_object_or_404(ImportRun, pk=pk)
        importing.cancel(run, by=person(request))
        run.refresh_from_db()
        return Response(ImportSerializer(run).data)


class ResumeImport(views.APIView):
    """Goes on with an import that was cancelled or failed, after the last row that was read."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=None, responses={202: ImportSerializer})
    def post(self, request: Request, pk: int) -> Response:
        run = get_object_or_404(ImportRun, pk=pk)
        if not runs.resume(run, by=person(request)):
            raise Problem(409, "not_resumable", _("This import cannot go on: it is over, or the same file was imported by another one."))
        send_hint(import_file, run.pk)
        return Response(ImportSerializer(run).data, status=202)


class RolledBack(serializers.Serializer[dict[str, int]]):
    deleted = serializers.IntegerField(help_text="Posts that are gone.")
    dropped = serializers.IntegerField(help_text="Posts that a pair holds on to: they are dropped, which keeps the pair from everybody.")
    stayed = serializers.IntegerField(help_text="Posts that people decided about: they stay as they are.")


class RollBackImport(views.APIView):
    """Takes the posts of an import that is over out again."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=None, responses=RolledBack)
    def post(self, request: Request, pk: int) -> Response:
        run = get_object_or_404(ImportRun, pk=pk)
        try:
            done = runs.roll_back(run, by=person(request))
        except screening.StaleState as error:
            text = _("Nothing was changed: the import is not over, or its posts are being screened. Try again in a moment.")
            raise Problem(409, "not_over", text) from error
        send_hint(screen_source, run.source_id)
        return Response(done)


class Posts(generics.ListAPIView[Post]):
    permission_classes = [HasRole]
    role = "lead"
    serializer_class = PostSerializer
    pagination_class = SearchCursor

    @extend_schema(parameters=[PostFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Post]:
        posts = Post.objects.for_user(person(self.request)).select_related("source")
        if source := self._source():
            posts = posts.filter(source=source)
        return posts if "search" in self._asked() else posts.filter(**self._outcome())

    def searched(self) -> Search | None:
        """What `SearchCursor` asks: leads may see every source."""
        source, text = self._source(), self._asked().get("search", "")
        return Search(POSTS, text, [source.pk] if source else None, self._outcome()) if text else None

    def _outcome(self) -> dict[str, str]:
        asked = self._asked()
        return Post.outcome(asked.get("status", ""), asked.get("reason", ""))

    def _asked(self) -> dict[str, Any]:
        return PostFilter.of(self.request)

    def _source(self) -> Source | None:
        slug = self._asked().get("source", "")
        return get_object_or_404(Source.objects.for_user(person(self.request)), slug=slug) if slug else None


class PostIndex(IndexState):
    """How far the index of the posts is. Titles are in it when their import is over; bodies and replies follow in the background."""

    what = POSTS


class Rescue(views.APIView):
    """A dropped post is kept all the same."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=None, responses=PostSerializer)
    def post(self, request: Request, pk: int) -> Response:
        post = get_object_or_404(Post.objects.for_user(person(request)), pk=pk)
        try:
            rescuing.rescue_one(post, by=person(request))
        except screening.StaleState as error:
            raise Problem(409, "not_dropped", _("This post is not dropped (any more). Nothing was changed.")) from error
        return Response(PostSerializer(post).data)
