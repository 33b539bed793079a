"""API of admins about people: invitations, roles, disabling, links for passwords, sessions and tokens of others."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, views
from rest_framework.request import Request
from rest_framework.response import Response

from . import people, second_factor, tokens
from .account_serializers import (
    Ended,
    EndSessions,
    InvitationSerializer,
    MadeInvitationSerializer,
    NewInvitation,
    NewRole,
    PasswordLinkSerializer,
    PersonDetailSerializer,
    PersonSerializer,
    TokenRowSerializer,
)
from .api import NewestFirst, Problem
from .guards import InPerson
from .models import ApiToken, Link, Session, User
from .own_api import NO_STORE, SessionList, asking, end_sessions
from .views import link_address


class People(generics.ListAPIView[User]):
    """Everybody who has an account, also who is disabled."""

    permission_classes = [InPerson]
    role = "admin"
    serializer_class = PersonSerializer
    queryset = User.objects.all()


class OnePerson(generics.RetrieveAPIView[User]):
    permission_classes = [InPerson]
    role = "admin"
    serializer_class = PersonDetailSerializer
    queryset = User.objects.all()


class _OfPerson(views.APIView):
    permission_classes = [InPerson]
    role = "admin"

    def person(self) -> User:
        return get_object_or_404(User, pk=self.kwargs["pk"])


class _Act(_OfPerson):
    """Something is done to somebody; the answer is how they are now."""

    def act(self, person: User, by: User) -> None:
        raise NotImplementedError

    @extend_schema(request=None, responses=PersonSerializer)
    def post(self, request: Request, pk: int) -> Response:
        person = self.person()
        try:
            self.act(person, asking(request))
        except people.Refused as refused:
            raise Problem(409, refused.code, str(refused)) from None
        person.refresh_from_db()
        return Response(PersonSerializer(person).data)


class Disable(_Act):
    """Sessions and tokens end at once, pairs that were held are free, and what was done stays. Not the last admin."""

    def act(self, person: User, by: User) -> None:
        people.disable(person, by=by)


class Enable(_Act):
    """They may sign in again. Tokens stay revoked."""

    def act(self, person: User, by: User) -> None:
        people.enable(person, by=by)


class FactorOff(_Act):
    """For somebody whose phone is gone."""

    def act(self, person: User, by: User) -> None:
        second_factor.switch_off(person, by=by)


class ChangeRole(_Act):
    """Counts at once, also in sessions that are there. Not for the last admin."""

    def act(self, person: User, by: User) -> None:
        asked = NewRole(data=self.request.data)
        asked.is_valid(raise_exception=True)
        people.set_role(person, asked.validated_data["role"], by=by)

    @extend_schema(request=NewRole, responses=PersonSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)


class PasswordLink(_OfPerson):
    """A link by which the person sets a new password. Earlier ones are void."""

    shows_secret = True

    @extend_schema(request=None, responses={201: PasswordLinkSerializer})
    def post(self, request: Request, pk: int) -> Response:
        secret = people.make_reset_link(self.person(), by=asking(request))
        return Response({"link": link_address(secret, request._request)}, status=201, headers=NO_STORE)


class SessionsOf(SessionList):
    """The browsers in which somebody is signed in, the latest first."""

    permission_classes = [InPerson]
    role = "admin"

    def get_queryset(self) -> QuerySet[Session]:
        return get_object_or_404(User, pk=self.kwargs["pk"]).sessions.all()


class EndSessionsOf(_OfPerson):
    @extend_schema(request=EndSessions, responses=Ended)
    def post(self, request: Request, pk: int) -> Response:
        """End a session of somebody, or all of them but the one that asks."""
        return end_sessions(request, self.person())


class TokensOf(generics.ListAPIView[ApiToken]):
    """Somebody's tokens, the newest first."""

    permission_classes = [InPerson]
    role = "admin"
    serializer_class = TokenRowSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[ApiToken]:
        return get_object_or_404(User, pk=self.kwargs["pk"]).tokens.all()


class OneToken(views.APIView):
    permission_classes = [InPerson]
    role = "admin"

    @extend_schema(responses={204: None}, operation_id="tokens_revoke")
    def delete(self, request: Request, pk: int) -> Response:
        """Anybody's. From this moment it opens nothing. Twice is once."""
        tokens.revoke(get_object_or_404(ApiToken.objects.select_related("user"), pk=pk), by=asking(request))
        return Response(status=204)


class Invitations(generics.ListAPIView[Link]):
    """Those that are open, the newest first. Their links are nowhere but in the answer that made them."""

    permission_classes = [InPerson]
    role = "admin"
    shows_secret = True
    serializer_class = InvitationSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Link]:
        return Link.objects.open().exclude(role="").select_related("by")

    @extend_schema(request=NewInvitation, responses={201: MadeInvitationSerializer})
    def post(self, request: Request) -> Response:
        """A link for somebody who is to have this role. It works once, for seven days."""
        asked = NewInvitation(data=request.data)
        asked.is_valid(raise_exception=True)
        made, secret = people.invite(**asked.validated_data, by=asking(request))
        said = {**InvitationSerializer(made).data, "link": link_address(secret, request._request)}
        return Response(said, status=201, headers=NO_STORE)


class OneInvitation(views.APIView):
    permission_classes = [InPerson]
    role = "admin"

    @extend_schema(responses={204: None}, operation_id="invitations_withdraw")
    def delete(self, request: Request, pk: int) -> Response:
        """Its link opens nothing any more. Twice is once."""
        people.withdraw(get_object_or_404(Link.objects.exclude(role=""), pk=pk), by=asking(request))
        return Response(status=204)
