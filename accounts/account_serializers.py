"""What the API of accounts says and takes. No secret is in it but in the one answer that makes it."""

from typing import Any

from rest_framework import serializers

from . import second_factor, tokens
from .models import ApiToken, Link, Role, Scope, Session, User
from .strict import Body


class TokenRowSerializer(serializers.ModelSerializer[ApiToken]):
    class Meta:
        model = ApiToken
        fields = ("id", "name", "scope", "created_at", "expires_at", "last_used_at", "revoked_at", "is_usable")
        read_only_fields = fields


class MadeTokenSerializer(TokenRowSerializer):
    secret = serializers.CharField(help_text="Shown this one time.", read_only=True)

    class Meta(TokenRowSerializer.Meta):
        fields = (*TokenRowSerializer.Meta.fields, "secret")  # type: ignore[assignment]


class NewToken(Body):
    name = serializers.CharField(max_length=100, help_text="What for.")
    scope = serializers.ChoiceField(Scope.choices, default=Scope.READ)
    days = serializers.ChoiceField(tokens.LIVES, default=90, help_text="It ends after so many.")


class SessionSerializer(serializers.ModelSerializer[Session]):
    handle = serializers.CharField(read_only=True, help_text="What it is called by. It opens nothing.")
    browser = serializers.CharField(read_only=True)
    is_here = serializers.SerializerMethodField(help_text="It is the one that asks.")

    class Meta:
        model = Session
        fields = ("handle", "browser", "address", "begun_at", "is_here")
        read_only_fields = fields

    def get_is_here(self, session: Session) -> bool:
        return session.pk == self.context.get("here")


class EndSessions(Body):
    session = serializers.CharField(max_length=64, required=False, help_text="Its handle. Left out: all, but the one that asks.")


class Ended(serializers.Serializer[dict[str, int]]):
    ended = serializers.IntegerField(help_text="How many.")


class PersonSerializer(serializers.ModelSerializer[User]):
    email = serializers.CharField(read_only=True, help_text="May be empty.")

    class Meta:
        model = User
        fields = ("id", "username", "email", "role", "is_active", "date_joined", "last_login")
        read_only_fields = fields


class PersonDetailSerializer(PersonSerializer):
    has_second_factor = serializers.SerializerMethodField()

    class Meta(PersonSerializer.Meta):
        fields = (*PersonSerializer.Meta.fields, "has_second_factor")  # type: ignore[assignment]

    def get_has_second_factor(self, person: User) -> bool:
        return second_factor.is_on(person)


class NewRole(Body):
    role = serializers.ChoiceField(Role.choices)


class InvitationSerializer(serializers.ModelSerializer[Link]):
    role = serializers.ChoiceField(Role.choices, read_only=True)
    by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True, allow_null=True)

    class Meta:
        model = Link
        fields = ("id", "role", "note", "by", "created_at", "expires_at")
        read_only_fields = fields


class MadeInvitationSerializer(InvitationSerializer):
    link = serializers.CharField(help_text="For whom you invite. Shown this one time.", read_only=True)

    class Meta(InvitationSerializer.Meta):
        fields = (*InvitationSerializer.Meta.fields, "link")  # type: ignore[assignment]


class NewInvitation(NewRole):
    note = serializers.CharField(max_length=100, required=False, allow_blank=True, default="", help_text="For whom.")


class PasswordLinkSerializer(serializers.Serializer[Any]):
    link = serializers.CharField(help_text="It sets a new password, once and for 24 hours. Shown this one time.")
