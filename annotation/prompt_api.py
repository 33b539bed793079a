"""API of prompts: the versions, a new one, and two beside each other."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole, Problem
from accounts.strict import Body, Query

from . import drafting, prompt_versions
from .models import PromptVersion, Purpose
from .side_by_side import side_by_side


class PurposeFilter(Query):
    purpose = serializers.ChoiceField(Purpose.choices, default=Purpose.DRAFT)


class PromptSerializer(serializers.ModelSerializer[PromptVersion]):
    parent = serializers.SlugRelatedField[Any](slug_field="name", read_only=True, allow_null=True)  # type: ignore[assignment]
    by = serializers.SlugRelatedField[Any](slug_field="username", read_only=True, allow_null=True)

    class Meta:
        model = PromptVersion
        fields = ("id", "purpose", "number", "name", "parent", "note", "sha256", "text", "by", "created_at")


class NewPromptSerializer(Body):
    purpose = serializers.ChoiceField(Purpose.choices, default=Purpose.DRAFT)
    text = serializers.CharField(max_length=prompt_versions.LONGEST, trim_whitespace=False)
    note = serializers.CharField(max_length=300, required=False, default="")
    parent = serializers.CharField(required=False, help_text="Name or number of the version that it was made from.")  # type: ignore[assignment]


class SideSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(("same", "changed", "removed", "added"))
    left_number = serializers.IntegerField(help_text="0: no line on this side.")
    left = serializers.CharField()
    right_number = serializers.IntegerField()
    right = serializers.CharField()


class AdminOnly(views.APIView):
    permission_classes = (HasRole,)
    role = "admin"


def asked_purpose(request: Request) -> str:
    return str(PurposeFilter.of(request)["purpose"])


def asked_prompt(name: str, purpose: str) -> PromptVersion:
    try:
        return drafting.prompt(name, purpose)
    except drafting.Refused as refused:
        raise Problem(404, refused.code, str(refused)) from None


class Prompts(AdminOnly):
    """All versions of a purpose, the newest first."""

    @extend_schema(parameters=[PurposeFilter], responses=PromptSerializer(many=True))
    def get(self, request: Request) -> Response:
        purpose = asked_purpose(request)
        return Response(PromptSerializer(drafting.prompts(purpose).select_related("by", "parent"), many=True).data)

    @extend_schema(request=NewPromptSerializer, responses={201: PromptSerializer})
    def post(self, request: Request) -> Response:
        """A new version. A text that is there already is answered with the version that it is."""
        asked = NewPromptSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        parent = asked_prompt(given.pop("parent"), given["purpose"]) if given.get("parent") else None
        try:
            made = drafting.add_prompt(**given, parent=parent, by=request.user)  # type: ignore[arg-type]
        except drafting.Refused as refused:
            raise Problem(400, refused.code, str(refused)) from None
        return Response(PromptSerializer(made).data, status=201)


class Prompt(AdminOnly):
    """By name or number; `with` another one, the lines of both beside each other."""

    @extend_schema(parameters=[PurposeFilter], responses=PromptSerializer)
    def get(self, request: Request, name: str) -> Response:
        return Response(PromptSerializer(asked_prompt(name, asked_purpose(request))).data)


class PromptDiff(AdminOnly):
    """The lines of two versions beside each other."""

    @extend_schema(parameters=[PurposeFilter], responses=SideSerializer(many=True))
    def get(self, request: Request, name: str, other: str) -> Response:
        old, new = (asked_prompt(each, asked_purpose(request)) for each in (name, other))
        rows = [
            {
                "kind": row.kind, "left_number": row.left_number, "left": "".join(segment.text for segment in row.left),
                "right_number": row.right_number, "right": "".join(segment.text for segment in row.right),
            }
            for row in side_by_side(old.text, new.text)
        ]  # fmt: skip
        return Response(rows)
