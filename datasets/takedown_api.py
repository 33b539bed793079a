"""API of takedowns: posts that must not be published any more."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole

from . import releasing
from .api import person
from .models import Takedown
from .serializers import TakedownSerializer


class Takedowns(generics.ListCreateAPIView[Takedown]):
    """Posts that must not be published any more. The answer to a new one lists the frozen versions that contain it."""

    serializer_class = TakedownSerializer
    permission_classes = (HasRole,)
    role = "admin"
    queryset = Takedown.objects.all()

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = TakedownSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        post = asked.validated_data["post"]
        releasing.take_down(post, by=person(request), reason=asked.validated_data["reason"])
        takedown = Takedown.objects.get(post=post)
        return Response(TakedownSerializer(takedown).data, status=201)


class OneTakedown(views.APIView):
    permission_classes = (HasRole,)
    role = "admin"

    @extend_schema(request=None, responses={204: None}, operation_id="takedowns_lift")
    def delete(self, request: Request, pk: int) -> Response:
        releasing.lift(get_object_or_404(Takedown, pk=pk), by=person(request))
        return Response(status=204)
