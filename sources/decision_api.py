"""API of what people decide about posts: rescues of many, near-duplicates, lists."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, parsers, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole, Problem
from accounts.strict import Body

from . import duplicates, lists, rescuing
from .jobs import send_hint
from .models import Apart, Post, Rescue, Source, TextList
from .screening import StaleState
from .tasks import screen_source
from .views import person

MOST = 10_000  # ids in one request


class RescueSerializer(serializers.ModelSerializer[Rescue]):
    source = serializers.SlugRelatedField[Source](slug_field="slug", read_only=True)  # type: ignore[assignment]

    class Meta:
        model = Rescue
        fields = ("id", "source", "by", "count", "created_at", "undone_at")


class NewRescue(Body):
    """Which posts: those of `posts`, or all dropped ones that match the filters; what is left out asks for nothing."""

    posts = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), max_length=MOST, required=False)
    reason = serializers.CharField(required=False, max_length=64)
    search = serializers.CharField(required=False, max_length=200)
    run = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(_("Say which posts: by their ids, or by a filter."))
        return attrs


class Rescues(views.APIView):
    """Dropped posts are kept all the same, many in one act."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=NewRescue, responses={201: RescueSerializer})
    def post(self, request: Request, slug: str) -> Response:
        source = get_object_or_404(Source.objects.for_user(person(request)), slug=slug)
        asked = NewRescue(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        posts = source.posts.filter(pk__in=given.pop("posts")) if "posts" in given else source.posts.all()
        posts = posts.filter(run=given.pop("run")) if "run" in given else posts
        try:
            act = rescuing.rescue(source, posts.matching(**given), by=person(request))
        except StaleState as error:
            raise Problem(409, "not_dropped", _("None of these posts is dropped (any more). Nothing was changed.")) from error
        except rescuing.TooMany as error:
            text = _("More than %(limit)s posts match. Narrow the list down, and rescue them in parts.")
            raise Problem(409, "too_many", text % {"limit": f"{rescuing.MOST:,}"}) from error
        return Response(RescueSerializer(act).data, status=201)


class Undone(serializers.Serializer[dict[str, int]]):
    dropped = serializers.IntegerField(help_text="Posts that are dropped again, for what they had fallen for.")
    stay = serializers.IntegerField(help_text="Posts that stay, because people have decided about them since.")


class UndoRescue(views.APIView):
    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=None, responses=Undone)
    def post(self, request: Request, pk: int) -> Response:
        sources = Source.objects.for_user(person(request))
        act = get_object_or_404(Rescue.objects.select_related("source").filter(source__in=sources), pk=pk)
        try:
            back, stay = rescuing.undo(act, by=person(request))
        except StaleState as error:
            raise Problem(409, "undone", _("This was undone already. Nothing was changed.")) from error
        return Response({"dropped": back, "stay": stay})


class ClusterDecision(Body):
    """One of: the post that stays instead; the post whose choice is withdrawn; posts that are no duplicates of the others of their
    cluster; posts told apart that may be duplicates again."""

    choose = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    withdraw = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    apart = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), max_length=500, required=False)
    together = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), max_length=500, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError(_("Say one of: choose, withdraw, apart, together."))
        return attrs


class Cluster(serializers.Serializer[Any]):
    stays = serializers.IntegerField()
    posts = serializers.ListField(child=serializers.IntegerField(), help_text="All of the cluster, also of other sources.")


class Clusters(generics.GenericAPIView[Post]):
    """Near-duplicates of a source, and what people say about them."""

    permission_classes = [HasRole]
    role, role_to_write = "lead", "admin"
    serializer_class = Cluster

    def get_queryset(self) -> QuerySet[Post]:
        return duplicates.clusters_of(self._source())

    def _source(self) -> Source:
        return get_object_or_404(Source.objects.for_user(person(self.request)), slug=self.kwargs["slug"])

    @extend_schema(responses=Cluster(many=True))
    def get(self, request: Request, slug: str) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        members: dict[int, list[int]] = {root.pk: [root.pk] for root in page}
        for post in Post.objects.filter(cluster__in=members).order_by("pk").only("pk", "cluster_id"):
            members[post.cluster_id or 0].append(post.pk)
        return self.get_paginated_response([{"stays": root, "posts": posts} for root, posts in members.items()])

    @extend_schema(request=ClusterDecision, responses={204: OpenApiResponse(description="Done, and recorded for every later screening.")})
    def post(self, request: Request, slug: str) -> Response:
        source, by = self._source(), person(request)
        asked = ClusterDecision(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        try:
            if "apart" in given:
                duplicates.tell_apart(source, given["apart"], by=by)
            elif "together" in given:
                pair = Q(one__in=given["together"], other__in=given["together"])
                duplicates.put_together(source, Apart.objects.filter(pair), by=by)
            else:
                act = duplicates.choose if "choose" in given else duplicates.withdraw
                act(get_object_or_404(Post.objects.for_user(by), pk=next(iter(given.values()))), by=by)
        except StaleState as error:
            text = _("This cluster has changed, or its posts are being screened at this moment. Look at it again.")
            raise Problem(409, "changed", text) from error
        for pk in Source.objects.filter(posts__status=Post.Status.NEW).distinct().values_list("pk", flat=True):
            send_hint(screen_source, pk)
        return Response(status=204)


class ListSerializer(serializers.ModelSerializer[TextList]):
    class Meta:
        model = TextList
        fields = ("id", "name", "kind", "count", "sha256", "by", "created_at")


class NewList(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=TextList.Kind.choices)
    file = serializers.FileField(allow_empty_file=True, help_text="A text in UTF-8 with one entry a line.")


class Lists(generics.ListAPIView[TextList]):
    """Word lists and benchmarks that screens name by their id: `{"screen": "words", "list": 7}`."""

    permission_classes = [HasRole]
    role = "admin"
    serializer_class = ListSerializer
    queryset = TextList.objects.defer("lines").order_by("id")
    parser_classes = [parsers.MultiPartParser]

    @extend_schema(request={"multipart/form-data": NewList}, responses={201: ListSerializer})
    def post(self, request: Request) -> Response:
        asked = NewList(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        try:
            found = lists.add(given["file"], name=given["name"], kind=given["kind"], by=person(request))
        except lists.BadList as error:
            raise Problem(400, "bad_list", str(error)) from error
        return Response(ListSerializer(found).data, status=201)


class OneList(views.APIView):
    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(responses={204: None}, operation_id="lists_remove")
    def delete(self, request: Request, pk: int) -> Response:
        """Not while a screen of a source names it."""
        try:
            lists.remove(get_object_or_404(TextList, pk=pk), by=person(request))
        except lists.BadList as error:
            raise Problem(409, "in_use", str(error)) from error
        return Response(status=204)
