"""JSON is taken at its word: a number is no text, a text is no number, 0 is not false. (DRF would convert them silently.)"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework import relations, serializers

NUMBERS = (int, float)


class Strict:
    """Before a serializer: what the description of the API calls a text must be one. Forms and addresses know only texts."""

    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and not isinstance(data, QueryDict):
            wrong = [name for name, field in self.fields.items() if name in data and not field.read_only and not _fits(field, data[name])]
            if wrong:
                raise serializers.ValidationError({name: [_("This is of another type than it should be.")] for name in wrong})
            if nul := [
                name for name, value in data.items() if isinstance(value, dict | list) and any("\0" in text for text in _texts(value))
            ]:
                raise serializers.ValidationError({name: [_("It holds the character U+0000, which cannot be stored.")] for name in nul})
        return super().to_internal_value(data)  # type: ignore[misc]


class Body(Strict, serializers.Serializer[Any]):
    """What a request brings as JSON."""


_bodies: dict[type[Body], Body] = {}  # kept: making their fields anew costs more than using them


def read(kind: type[Body], data: Any) -> dict[str, Any]:
    """What `kind(data=data)` takes for valid, faster; raises ValidationError."""
    body = _bodies.get(kind) or _bodies.setdefault(kind, kind())
    return dict(body.run_validation(data))


class Query(serializers.Serializer[Any]):
    """What a request asks in its address: `Query.of(request)` gives it, or raises."""

    @classmethod
    def of(cls, request: Any) -> dict[str, Any]:
        asked = cls(data=request.query_params.dict())  # a plain dict, in which an empty word is a word
        asked.is_valid(raise_exception=True)
        return dict(asked.validated_data)


def _fits(field: Any, value: Any) -> bool:
    if value is None:
        return True  # whether that is allowed, the field itself says
    if isinstance(field, serializers.BooleanField):
        return isinstance(value, bool)
    if isinstance(field, serializers.DecimalField | serializers.FloatField | serializers.IntegerField | relations.PrimaryKeyRelatedField):
        is_number = isinstance(value, NUMBERS) and not isinstance(value, bool)
        return is_number or (isinstance(value, str) and isinstance(field, serializers.DecimalField))
    if isinstance(field, serializers.ListField):
        return isinstance(value, list) and all(_fits(field.child, each) for each in value)
    if isinstance(field, relations.ManyRelatedField):
        return isinstance(value, list) and all(_fits(field.child_relation, each) for each in value)
    if isinstance(field, serializers.DictField):
        return isinstance(value, dict) and all(_fits(field.child, each) for each in value.values())
    if isinstance(field, serializers.ChoiceField) and all(isinstance(choice, int) for choice in field.choices):
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(field, serializers.CharField | serializers.ChoiceField | serializers.UUIDField | relations.SlugRelatedField):
        return isinstance(value, str)
    return True


def _texts(said: Any) -> Iterator[str]:
    waiting = [said]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
