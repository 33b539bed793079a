"""API of datasets and their versions: the contract of the doors, no rules of its own. Files have a module of their own."""

from typing import Any, cast

from django.db import IntegrityError
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import generics, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import Cursor, HasRole, Problem
from accounts.models import User
from sources.jobs import send_hint

from . import browsing, differences, publishing, releasing, tasks
from .exporting import Refused
from .freezing import before
from .models import Dataset, Record, Version
from .selecting import preview, recipe_of
from .serializers import (
    ChangeSerializer,
    ComparedSerializer,
    DatasetSerializer,
    OrderSerializer,
    PairChangeSerializer,
    ReasonSerializer,
    RecordFilter,
    RecordSerializer,
    ReleaseSerializer,
    TakeSerializer,
    VersionSerializer,
)

NUMBER = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
CHANGES = PolymorphicProxySerializer(
    "Changes", [ComparedSerializer, PairChangeSerializer(many=True)], resource_type_field_name=None, many=False
)


def person(request: Request) -> User:
    return cast("User", request.user)


class Datasets(generics.ListCreateAPIView[Dataset]):
    serializer_class = DatasetSerializer
    permission_classes = (HasRole,)
    role, role_to_write = "viewer", "admin"
    queryset = Dataset.objects.none()

    def get_queryset(self) -> Any:
        return Dataset.objects.for_user(person(self.request)).prefetch_related("sources", "readers")

    def perform_create(self, serializer: serializers.BaseSerializer[Dataset]) -> None:
        try:
            serializer.instance = publishing.create_dataset(**serializer.validated_data, by=person(self.request))
        except IntegrityError as error:
            raise Problem(409, "slug_taken", _("There is a dataset at this address already.")) from error


class BelowDataset(views.APIView):
    """What lies below one dataset."""

    serializer_class: Any = DatasetSerializer
    permission_classes = (HasRole,)
    role, role_to_write = "viewer", "admin"

    def dataset(self) -> Dataset:
        return get_object_or_404(Dataset.objects.for_user(person(self.request)), slug=self.kwargs["slug"])


class OneDataset(BelowDataset):
    """One dataset."""

    def get(self, request: Request, slug: str) -> Response:
        return Response(DatasetSerializer(self.dataset(), context={"request": request}).data)

    @extend_schema(request=ChangeSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        asked = ChangeSerializer(self.dataset(), data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        dataset = publishing.update_dataset(self.dataset(), by=person(request), **asked.validated_data)
        return Response(DatasetSerializer(dataset, context={"request": request}).data)


class Preview(BelowDataset):
    """What a version frozen now would take, and what it would leave out and why. (Nobody is asked who answered.)"""

    role = "admin"

    @extend_schema(responses=TakeSerializer, operation_id="datasets_preview")
    def get(self, request: Request, slug: str) -> Response:
        found = preview(recipe_of(self.dataset()))
        return Response({"take": found.pop("", 0), "left_out": found})


class VersionCursor(Cursor):
    ordering = "-number"


class Versions(generics.ListAPIView[Version]):
    serializer_class = VersionSerializer
    permission_classes = (HasRole,)
    role, role_to_write = "viewer", "admin"
    pagination_class = VersionCursor
    queryset = Version.objects.none()

    def get_queryset(self) -> Any:
        return self.dataset().versions.all()

    def dataset(self) -> Dataset:
        return get_object_or_404(Dataset.objects.for_user(person(self.request)), slug=self.kwargs["slug"])

    @extend_schema(request=OrderSerializer, responses={202: VersionSerializer})
    def post(self, request: Request, slug: str) -> Response:
        dataset, order = self.dataset(), OrderSerializer(data=request.data)
        order.is_valid(raise_exception=True)
        version = publishing.freeze(dataset, by=person(request), **order.validated_data)
        send_hint(tasks.build_version, version.pk)
        return Response(VersionSerializer(version).data, status=202)


class BelowVersion(views.APIView):
    """What lies below one version."""

    serializer_class: Any = VersionSerializer
    permission_classes = (HasRole,)
    role, role_to_write = "viewer", "admin"

    def version(self, number: int | None = None) -> Version:
        datasets = Dataset.objects.for_user(person(self.request))
        versions = Version.objects.select_related("dataset").filter(dataset__in=datasets, dataset__slug=self.kwargs["slug"])
        return get_object_or_404(versions, number=self.kwargs["number"] if number is None else number)


class OneVersion(BelowVersion):
    """One version."""

    def get(self, request: Request, slug: str, number: int) -> Response:
        return Response(VersionSerializer(self.version()).data)


class Act(BelowVersion):
    """Something that an admin does with a version."""

    asks: Any = None

    def act(self, version: Version, by: User, asked: dict[str, Any]) -> Version:
        raise NotImplementedError

    def post(self, request: Request, slug: str, number: int) -> Response:
        asked = self.asks(data=request.data) if self.asks else None
        if asked:
            asked.is_valid(raise_exception=True)
        try:
            version = self.act(self.version(), person(request), asked.validated_data if asked else {})
        except Refused as error:
            raise Problem(409, error.code, str(error)) from error
        return Response(VersionSerializer(version).data)


class Release(Act):
    asks = ReleaseSerializer

    def act(self, version: Version, by: User, asked: dict[str, Any]) -> Version:
        return releasing.release(version, by=by, **asked)

    @extend_schema(request=ReleaseSerializer, responses=VersionSerializer, operation_id="versions_release")
    def post(self, *args: Any, **kwargs: Any) -> Response:
        return super().post(*args, **kwargs)


class Withdraw(Act):
    asks = ReasonSerializer

    def act(self, version: Version, by: User, asked: dict[str, Any]) -> Version:
        return releasing.withdraw(version, by=by, **asked)

    @extend_schema(request=ReasonSerializer, responses=VersionSerializer, operation_id="versions_withdraw")
    def post(self, *args: Any, **kwargs: Any) -> Response:
        return super().post(*args, **kwargs)


class Cancel(Act):
    def act(self, version: Version, by: User, asked: dict[str, Any]) -> Version:
        if not publishing.cancel(version, by=by):
            raise Refused("wrong_state", _("It is no longer being built."))
        version.refresh_from_db()
        return version

    @extend_schema(request=None, responses=VersionSerializer, operation_id="versions_cancel")
    def post(self, *args: Any, **kwargs: Any) -> Response:
        return super().post(*args, **kwargs)


class Changes(BelowVersion):
    """What differs from an earlier version (`from`; by default the one before): numbers, or with `kind` the pairs."""

    @extend_schema(
        parameters=[
            OpenApiParameter("from", NUMBER), OpenApiParameter("kind", enum=differences.KINDS), OpenApiParameter("start", NUMBER)
        ],
        responses={200: CHANGES}, operation_id="versions_changes",
    )  # fmt: skip
    def get(self, request: Request, slug: str, number: int) -> Response:
        new = self.version()
        old = self.version(_number(request, "from")) if "from" in request.query_params else before(new)
        if not old or not (old.is_frozen and new.is_frozen):
            raise Problem(409, "nothing_to_compare", _("Two frozen versions are needed to compare."))
        kind = request.query_params.get("kind", "")
        if kind:
            if kind not in differences.KINDS:
                raise serializers.ValidationError({"kind": [", ".join(differences.KINDS)]})
            found = differences.changes(old, new, kind, start=_number(request, "start"), limit=100)
            return Response(
                [{"pair": change.pair, "why": change.why, "before": _data(change.before), "after": _data(change.after)} for change in found]
            )
        counted = differences.compare(old, new)
        return Response({"from": old.number, "added": counted.added, "removed": counted.removed, "edited": counted.edited})


def _number(request: Request, name: str) -> int:
    said = request.query_params.get(name, "0")
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        raise serializers.ValidationError({name: ["a number"]})
    return int(said)


def _data(record: Record | None) -> Any:
    return record.data if record else None


class RecordCursor(Cursor):
    ordering = "position"


class Records(BelowVersion, generics.ListAPIView[Record]):
    """The records in order; a withdrawn version shows none."""

    serializer_class = RecordSerializer
    pagination_class = RecordCursor
    queryset = Record.objects.none()

    @extend_schema(parameters=[RecordFilter], operation_id="versions_records")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return self.list(request)

    def get_queryset(self) -> Any:
        return browsing.matching(self.version(), **RecordFilter.of(self.request)).select_related("pair__source")
