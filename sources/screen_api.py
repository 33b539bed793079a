"""API of screening: screen a source's posts again."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole, Problem

from . import screening
from .api import person
from .jobs import send_hint
from .models import Source
from .screens import BadScreen
from .tasks import screen_source


class Rescreened(serializers.Serializer[dict[str, int]]):
    posts = serializers.IntegerField(help_text="How many are screened again. Their number of the funnel is `new` until that is done.")


class Rescreen(views.APIView):
    """By the screens of today. Posts with a review, under review, or rescued stay as they are."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=None, responses={202: Rescreened})
    def post(self, request: Request, slug: str) -> Response:
        source = get_object_or_404(Source.objects.for_user(person(request)), slug=slug)
        try:
            count = screening.rescreen(source, by=person(request))
        except screening.StaleState as error:
            raise Problem(409, "being_screened", _("The posts are being screened at this moment. Try again when that is done.")) from error
        except BadScreen as error:
            raise Problem(409, "bad_screen", str(error)) from error
        send_hint(screen_source, source.pk)
        return Response({"posts": count}, status=202)
