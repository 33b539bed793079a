"""API of one's own account: tokens and sessions."""

from datetime import timedelta
from typing import Any, cast

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from . import people, tokens
from .account_serializers import Ended, EndSessions, MadeTokenSerializer, NewToken, SessionSerializer, TokenRowSerializer
from .api import Cursor, NewestFirst, Problem
from .guards import InPerson, WholeToken, changing
from .models import ApiToken, Session, User

NO_STORE = {"Cache-Control": "no-store"}  # of answers with a secret


def asking(request: Request) -> User:
    return cast("User", request.user)


def here(request: Request) -> str | None:
    """The key of the session that asks; None for a token, which is no session, whatever cookies came with it."""
    return None if request.auth else request.session.session_key


class OwnTokens(generics.ListAPIView[ApiToken]):
    """One's tokens, the newest first, with those that ended or were revoked. No list has their secrets."""

    permission_classes = [InPerson]
    role = "viewer"
    shows_secret = True
    serializer_class = TokenRowSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[ApiToken]:
        return ApiToken.objects.filter(user=asking(self.request))

    @extend_schema(request=NewToken, responses={201: MadeTokenSerializer})
    def post(self, request: Request) -> Response:
        """The answer has the secret, this one time. A token makes none that is for more or lives longer than itself, and none at all for
        somebody who signs in with a second factor."""
        asked, person = NewToken(data=request.data), asking(request)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        if given["scope"] not in tokens.scopes_for(person.role):
            raise serializers.ValidationError({"scope": [_("Your role has no use for this.")]})
        lives, through = timedelta(days=given["days"]), changing(request)
        try:
            secret = tokens.issue(person, name=given["name"], scope=given["scope"], lives=lives, by=person, through=through)
        except tokens.Refused as refused:
            raise Problem(403, refused.code, str(refused)) from None
        made = ApiToken.objects.get(digest=ApiToken.digest_of(secret))
        return Response({**TokenRowSerializer(made).data, "secret": secret}, status=201, headers=NO_STORE)


class OwnToken(views.APIView):
    permission_classes = [WholeToken]
    role = "viewer"

    @extend_schema(responses={204: None}, operation_id="me_tokens_revoke")
    def delete(self, request: Request, pk: int) -> Response:
        """From this moment it opens nothing. Twice is once."""
        tokens.revoke(get_object_or_404(asking(request).tokens, pk=pk), by=asking(request))
        return Response(status=204)


class Begun(Cursor):
    ordering = "-begun_at"


class SessionList(generics.ListAPIView[Session]):
    permission_classes = [WholeToken]
    serializer_class = SessionSerializer
    pagination_class = Begun

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "here": here(self.request)}


class OwnSessions(SessionList):
    """The browsers in which one is signed in, the latest first."""

    role = "viewer"

    def get_queryset(self) -> QuerySet[Session]:
        return Session.objects.filter(user=asking(self.request))


def end_sessions(request: Request, of: User) -> Response:
    asked = EndSessions(data=request.data)
    asked.is_valid(raise_exception=True)
    handle = asked.validated_data.get("session", "")
    return Response({"ended": people.end_sessions(of, by=asking(request), handle=handle, but=here(request))})


class EndOwnSessions(views.APIView):
    permission_classes = [WholeToken]
    role = "viewer"

    @extend_schema(request=EndSessions, responses=Ended, operation_id="me_sessions_end")
    def post(self, request: Request) -> Response:
        """End one of one's sessions, or all of them but the one that asks. One that is over already ends none."""
        return end_sessions(request, asking(request))
