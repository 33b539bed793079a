"""What the API of reviewing takes and gives."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts import rows
from accounts.strict import Body, Query
from sources.models import Source

from .checks import CHECKS, check_texts
from .decisions import DRAFTS
from .folding import texts_of
from .models import Assignment, Draft, Pair, Review
from .near import accepted_near
from .surroundings import around
from .wording import FINDINGS

LARGEST = 2**63 - 1  # what an id can be


_serializers: dict[Any, Any] = {}  # kept: making their fields anew would cost more than using them


def as_data(kind: type[serializers.BaseSerializer[Any]], row: Any) -> dict[str, Any]:
    """What `kind(row).data` gives, faster."""
    serializer = _serializers.get(kind) or _serializers.setdefault(kind, kind())
    return dict(serializer.to_representation(row))


class PairSerializer(serializers.ModelSerializer[Pair]):
    source = serializers.SlugRelatedField[Source]("slug", read_only=True)  # type: ignore[assignment]

    class Meta:
        model = Pair
        fields = (
            "id", "source", "post", "status", "version", "instruction", "input", "output", "task_type", "domain", "hint", "reviews_wanted",
            "decision", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields


class DraftSerializer(serializers.ModelSerializer[Draft]):
    class Meta:
        model = Draft
        fields = ("id", "number", "output", "model", "is_demo", "is_human")
        read_only_fields = fields


class FindingSerializer(serializers.Serializer[Any]):
    """`spans` are [start, end) in code points of the field. `error` blocks, `warning` can be overruled. `pair` is the one that this is
    like."""

    check = serializers.CharField()
    level = serializers.ChoiceField(["error", "warning"])
    code = serializers.CharField()
    message = serializers.SerializerMethodField()
    field = serializers.CharField()
    spans = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))
    pair = serializers.IntegerField(allow_null=True)

    def get_message(self, finding: Any) -> str:
        return str(FINDINGS.get(finding.code, finding.code))


class AssignmentSerializer(serializers.ModelSerializer[Assignment]):
    pair = PairSerializer()
    drafts = serializers.SerializerMethodField()
    checks = serializers.SerializerMethodField()

    class Meta:
        model = Assignment
        fields = ("id", "token", "expires_at", "pair", "drafts", "checks")
        read_only_fields = fields

    def to_representation(self, seat: Assignment) -> dict[str, Any]:
        if not hasattr(seat, "candidates"):  # a claim brings them
            seat.candidates = rows.read(DRAFTS, [seat.pair_id], Draft)  # type: ignore[attr-defined]
        return super().to_representation(seat)

    @extend_schema_field(DraftSerializer(many=True))
    def get_drafts(self, seat: Assignment) -> list[Any]:
        return [as_data(DraftSerializer, draft) for draft in seat.candidates]  # type: ignore[attr-defined]

    @extend_schema_field(FindingSerializer(many=True))
    def get_checks(self, seat: Assignment) -> list[Any]:
        """Of the pair with its newest draft."""
        drafts = seat.candidates  # type: ignore[attr-defined]
        texts = texts_of(seat.pair) | ({"output": drafts[-1].output} if drafts else {})
        known = around(seat.pair.source, (draft.output for draft in drafts[:-1]), accepted_near(seat.pair, texts["instruction"]))
        return [as_data(FindingSerializer, finding) for finding in check_texts(**texts, around=known)]


class ReviewSerializer(serializers.ModelSerializer[Review]):
    class Meta:
        model = Review
        fields = (
            "id", "pair", "by", "verdict", "draft", "instruction", "input", "output", "reasons", "comment", "bypassed", "seconds",
            "pair_version", "undoes", "op_id", "at",
        )  # fmt: skip
        read_only_fields = fields


class DecidedSerializer(ReviewSerializer):
    """With `next`, if that was asked for: null when nothing is left for this reviewer."""

    next = AssignmentSerializer(read_only=True, required=False, allow_null=True)

    class Meta:
        model = Review
        fields = (*ReviewSerializer.Meta.fields, "next")
        read_only_fields = fields


class Text(serializers.CharField):
    """As it is: nothing trimmed, and what cannot be stored is for `decide` to refuse."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, allow_blank=True, **kwargs)
        self.validators = []


class ClaimSerializer(Body):
    source = serializers.CharField(required=False, help_text="Slug. None: any source.")  # type: ignore[assignment]


class TokenSerializer(Body):
    token = serializers.UUIDField()


class DecisionSerializer(Body):
    assignment = serializers.IntegerField(min_value=1, max_value=LARGEST)
    token = serializers.UUIDField()
    verdict = serializers.ChoiceField(
        [verdict.value for verdict in Review.DECISIONS], error_messages={"invalid_choice": "No such verdict."}
    )
    draft = serializers.IntegerField(min_value=1, max_value=LARGEST, required=False, allow_null=True, default=None)
    instruction = Text(required=False)
    input = Text(required=False)
    output = Text(required=False)
    reasons = serializers.ListField(child=serializers.CharField(max_length=64), required=False, default=list, max_length=20)
    comment = Text(required=False, default="")
    seconds = serializers.FloatField(required=False, allow_null=True, default=None)
    version = serializers.IntegerField(
        required=False, allow_null=True, default=None, help_text="Of the pair as it was shown: 409 when it has changed since."
    )
    near = serializers.IntegerField(
        min_value=0, max_value=LARGEST, required=False, allow_null=True, default=None,
        help_text="The accepted pair that `checks` named as a near-duplicate, 0 if none. Left out, it is looked for.",
    )  # fmt: skip
    task_type = serializers.JSONField(required=False, allow_null=True, default=None, help_text='{"major": [], "minor": []}')
    domain = serializers.ListField(child=serializers.CharField(max_length=60), required=False, allow_null=True, default=None, max_length=20)
    next = ClaimSerializer(
        required=False, help_text="The next item is wanted in the same answer: what `POST /assignments/` is asked. It is one request less."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A rejection keeps the texts as they were: it need not send them."""
        missing = [name for name in ("instruction", "output") if name not in attrs]
        if attrs["verdict"] != "reject" and missing:
            raise serializers.ValidationError(dict.fromkeys(missing, "This field is required."))
        return {"instruction": "", "input": "", "output": "", **attrs}


class PairQuery(Query):
    status = serializers.ChoiceField(Pair.Status.choices, required=False)
    source = serializers.SlugField(required=False)  # type: ignore[assignment]
    check = serializers.ChoiceField(list(CHECKS), required=False, help_text="Decided on when this check had found something.")
    overruled = serializers.BooleanField(required=False, help_text="With `check`: and accepted all the same.")
    search = serializers.CharField(required=False, min_length=2, max_length=200)
