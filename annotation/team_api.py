"""API of the team's numbers: those of the page."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole
from accounts.strict import Query

from . import team
from .figures_api import Money, ScoreSerializer
from .team_forms import DEFAULT, TeamForm
from .team_views import found_in


class TeamFilter(Query):
    source = serializers.SlugField(required=False, help_text="Slug of a source; all, if it is left out.")  # type: ignore[assignment]
    days = serializers.ChoiceField(team.SPANS, default=DEFAULT, help_text="The last so many days, today included.")


class TallySerializer(serializers.Serializer[Any]):
    decided = serializers.IntegerField(help_text="Decisions that were not taken back.")
    accepted = serializers.IntegerField(help_text="Unchanged.")
    edited = serializers.IntegerField()
    rejected = serializers.IntegerField()
    seconds = serializers.FloatField(allow_null=True, help_text="Of a decision, the median.")


class DayTallySerializer(TallySerializer):
    day = serializers.DateField()


class PersonDayTallySerializer(DayTallySerializer):
    person = serializers.CharField()


class PersonTallySerializer(TallySerializer):
    person = serializers.CharField()


class SourceTallySerializer(TallySerializer):
    source = serializers.CharField(help_text="Its slug.")  # type: ignore[assignment]


class ModelTallySerializer(TallySerializer):
    model = serializers.CharField(help_text="Empty: the source's own answer.", allow_blank=True)


class PromptTallySerializer(TallySerializer):
    prompt = serializers.CharField(help_text="Empty: the source's own answer.", allow_blank=True)


class PaceSerializer(serializers.Serializer[Any]):
    seconds = serializers.IntegerField(source="from", help_text="From so many seconds to those of the next one; the last has no end.")
    decided = serializers.IntegerField()


class AgreementSerializer(serializers.Serializer[team.Agreement]):
    pairs = serializers.IntegerField(help_text="Judged by several people.")
    twos = serializers.IntegerField(help_text="Of people at one pair.")
    verdict_share = serializers.FloatField(allow_null=True, help_text="Of the twos: both gave the same verdict.")
    fate_share = serializers.FloatField(allow_null=True, help_text="Of the twos: both keep the pair, edited or not, or both reject it.")


class SpentSerializer(serializers.Serializer[Any]):
    source = serializers.CharField(source="source.slug")  # type: ignore[assignment]
    accepted = serializers.IntegerField()
    rejected = serializers.IntegerField()
    amounts = Money(help_text="What drafting for these pairs has cost, by currency.")
    unpriced = serializers.IntegerField(help_text="Answered calls whose price is not known.")
    per_accepted = Money(allow_null=True)


class TeamSerializer(serializers.Serializer[Any]):
    first = serializers.DateField(help_text="The first day of the period; the last one is today.")
    total = TallySerializer()
    days = DayTallySerializer(many=True)
    people = PersonTallySerializer(many=True)
    people_by_day = PersonDayTallySerializer(many=True)
    sources = SourceTallySerializer(many=True)
    models = ModelTallySerializer(many=True)
    prompts = PromptTallySerializer(many=True)
    pace = PaceSerializer(many=True)
    agreement = AgreementSerializer()
    costs = SpentSerializer(many=True, help_text="Of the pairs that were accepted or rejected in the period.")
    scorecard = ScoreSerializer(many=True, help_text="Of the drafts that were decided on in the period.")


class Team(views.APIView):
    """Who decided how much, what became of whose drafts, how long it took, and what it cost."""

    permission_classes = (HasRole,)
    role = "lead"

    @extend_schema(parameters=[TeamFilter], responses=TeamSerializer)
    def get(self, request: Request) -> Response:
        form = TeamForm(request.user, TeamFilter.of(request))  # type: ignore[arg-type]
        if not form.is_valid():
            raise serializers.ValidationError({name: [str(error) for error in errors] for name, errors in form.errors.items()})
        return Response(TeamSerializer(numbers(form.span())).data)


def numbers(span: team.Span) -> dict[str, Any]:
    found = found_in(span)
    sums = found.figures
    return {
        "first": span.first, "total": sums.total, "agreement": sums.agreed, "costs": found.spent, "scorecard": found.scores,
        "days": [_row(tally, day=day) for day, tally in sums.days.items()],
        "people": [_row(tally, person=name) for name, tally in sums.people.items()],
        "people_by_day": [_row(tally, day=day, person=name) for (day, name), tally in sums.people_by_day.items()],
        "sources": [_row(tally, source=source.slug) for source, tally in sums.sources],
        "models": [_row(tally, model=name) for name, tally in sums.models.items()],
        "prompts": [_row(tally, prompt=name) for name, tally in sums.prompts.items()],
        "pace": [{"from": low, "decided": n} for low, n in zip(team.EDGES, sums.pace, strict=True)],
    }  # fmt: skip


def _row(tally: team.Tally, **about: Any) -> dict[str, Any]:
    counts = {name: getattr(tally, name) for name in ("decided", "accepted", "edited", "rejected", "seconds")}
    return {**about, **counts}
