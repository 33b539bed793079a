"""API of previews: what screening again would change, and doing it then."""

from __future__ import annotations

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole, Problem
from accounts.models import User
from accounts.strict import Body

from . import policy, previewing, screening
from .jobs import send_hint
from .models import Preview, Source
from .screen_api import Rescreened
from .screens import BadScreen
from .tasks import preview_screens, screen_source
from .views import person


class NewPreview(Body):
    screens = serializers.ListField(child=serializers.DictField(), max_length=50, required=False, help_text="Left out: the source's own.")


class PreviewSerializer(serializers.ModelSerializer[Preview]):
    source = serializers.SlugRelatedField[Source](slug_field="slug", read_only=True)  # type: ignore[assignment]
    status = serializers.ChoiceField(choices=Preview.State.choices, source="state", read_only=True)

    class Meta:
        model = Preview
        fields = ("id", "source", "status", "screens", "done", "total", "result", "created_at", "finished_at")


class Previews(views.APIView):
    """What screening again would change. Nothing is changed by it."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=NewPreview, responses={202: PreviewSerializer})
    def post(self, request: Request, slug: str) -> Response:
        source = get_object_or_404(Source.objects.for_user(person(request)), slug=slug)
        asked = NewPreview(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            preview = previewing.order(source, asked.validated_data.get("screens", source.screens), by=person(request))
        except BadScreen as error:
            raise Problem(400, "bad_screen", str(error)) from error
        send_hint(preview_screens, preview.pk)
        return Response(PreviewSerializer(preview).data, status=202)


def seen_by(user: User) -> QuerySet[Preview]:
    return Preview.objects.select_related("source").filter(source__in=Source.objects.for_user(user))


class OnePreview(generics.RetrieveAPIView[Preview]):
    """`result`: how many posts stay as they are, and what would become of the others, with some of them named."""

    permission_classes = [HasRole]
    role = "admin"
    serializer_class = PreviewSerializer

    def get_queryset(self) -> QuerySet[Preview]:
        return seen_by(person(self.request))


class CancelPreview(views.APIView):
    """One that is over already is answered as it is."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=None, responses=PreviewSerializer)
    def post(self, request: Request, pk: int) -> Response:
        preview = get_object_or_404(seen_by(person(request)), pk=pk)
        previewing.cancel(preview)
        preview.refresh_from_db()
        return Response(PreviewSerializer(preview).data)


class ApplyPreview(views.APIView):
    """Gives the source the screens that were tried, and screens its posts again by them. Either both or none."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=None, responses={202: Rescreened})
    def post(self, request: Request, pk: int) -> Response:
        preview = get_object_or_404(seen_by(person(request)), pk=pk)
        try:
            count = previewing.apply(preview, by=person(request))
        except screening.StaleState as error:
            raise Problem(409, "being_screened", _("The posts are being screened at this moment. Try again when that is done.")) from error
        except (BadScreen, policy.BadPolicy) as error:
            raise Problem(409, "bad_screen", str(error)) from error
        send_hint(screen_source, preview.source_id)
        return Response({"posts": count}, status=202)
