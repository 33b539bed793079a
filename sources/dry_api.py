"""API of dry runs: what importing a file would do, and importing it then."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import HasRole, Problem
from accounts.strict import Body

from . import dry_orders, dry_wording, policy
from .api import person
from .dry_serializers import DryRowFilter, DryRowSerializer, ImportDryRunSerializer, OtherSettings
from .jobs import send_hint
from .models import DryRow, DryRun
from .serializers import ImportSerializer
from .tasks import dry_run, import_file


class OneDryRun(generics.RetrieveAPIView[DryRun]):
    permission_classes = [HasRole]
    role = "admin"
    serializer_class = ImportDryRunSerializer
    queryset = DryRun.objects.select_related("source")

    @extend_schema(responses={204: None}, operation_id="dry_runs_discard")
    def delete(self, request: Request, pk: int) -> Response:
        """Forget it and its rows."""
        found = get_object_or_404(DryRun, pk=pk)
        if not dry_orders.discard(found):
            raise Problem(409, "imported", dry_wording.not_possible("imported"))
        return Response(status=204)


class DryRows(generics.ListAPIView[DryRow]):
    """The rows, each with what would become of it, in their order."""

    permission_classes = [HasRole]
    role = "admin"
    serializer_class = DryRowSerializer

    @extend_schema(parameters=[DryRowFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[DryRow]:
        return get_object_or_404(DryRun, pk=self.kwargs["pk"]).rows.matching(**DryRowFilter.of(self.request))


class _Move(views.APIView):
    permission_classes = [HasRole]
    role = "admin"

    def move(self, dry: DryRun) -> bool:
        raise NotImplementedError

    @extend_schema(request=None, responses=ImportDryRunSerializer)
    def post(self, request: Request, pk: int) -> Response:
        found = get_object_or_404(DryRun.objects.select_related("source"), pk=pk)
        if self.move(found):
            send_hint(dry_run, found.pk)
        return Response(ImportDryRunSerializer(found).data)


class PauseDryRun(_Move):
    """After the batch that is being read. One that is over is answered as it is."""

    def move(self, dry: DryRun) -> bool:
        return dry_orders.pause(dry)


class ResumeDryRun(_Move):
    """Goes on with one that is paused."""

    def move(self, dry: DryRun) -> bool:
        return dry_orders.resume(dry)


class StopDryRun(_Move):
    """For good. What it found until then stays to be looked at."""

    def move(self, dry: DryRun) -> bool:
        return dry_orders.stop(dry)


class TryAgain(views.APIView):
    """The same file with other settings: another dry run, in the place of this one. Rows that are kept stay so."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=OtherSettings, responses={202: ImportDryRunSerializer})
    def post(self, request: Request, pk: int) -> Response:
        asked, found = OtherSettings(data=request.data), get_object_or_404(DryRun.objects.select_related("source"), pk=pk)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        is_saved = given.pop("save_mapping")
        try:
            new = dry_orders.again(found, by=person(request), **given)
        except policy.BadPolicy as error:
            raise Problem(400, "bad_screens", str(error)) from error
        except dry_orders.NotPossible as error:
            raise Problem(409, error.code, dry_wording.not_possible(error.code)) from error
        if is_saved:
            dry_orders.save_mapping(found, new.mapping, by=person(request))
        send_hint(dry_run, new.pk)
        return Response(ImportDryRunSerializer(new).data, status=202)


class Keep(Body):
    kept = serializers.BooleanField(default=True)


class KeepDryRow(views.APIView):
    """A row that a screen would drop is to be imported all the same, or after all not."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=Keep, responses=DryRowSerializer)
    def post(self, request: Request, pk: int, row: int) -> Response:
        asked = Keep(data=request.data)
        asked.is_valid(raise_exception=True)
        found = get_object_or_404(DryRun, pk=pk)
        try:
            return Response(DryRowSerializer(dry_orders.keep(found, row, is_kept=asked.validated_data["kept"])).data)
        except dry_orders.NotPossible as error:
            status = 404 if error.code == "no_such_row" else 409
            raise Problem(status, error.code, dry_wording.not_possible(error.code)) from error


class Start(Body):
    skip = serializers.BooleanField(default=False, help_text="Import although the dry run has not ended.")


class ImportDryRun(views.APIView):
    """Imports the file as it was tried: with its mapping, its screens (they are saved to the source) and the rows kept."""

    permission_classes = [HasRole]
    role = "admin"

    @extend_schema(request=Start, responses={202: ImportSerializer, 200: ImportSerializer})
    def post(self, request: Request, pk: int) -> Response:
        asked = Start(data=request.data)
        asked.is_valid(raise_exception=True)
        found = get_object_or_404(DryRun, pk=pk)
        try:
            run, created = dry_orders.start(found, by=person(request), is_skipping=asked.validated_data["skip"])
        except dry_orders.NotPossible as error:
            raise Problem(409, error.code, _("The dry run has not ended yet. Wait for it, or skip it.")) from error
        send_hint(import_file, run.pk)
        return Response(ImportSerializer(run).data, status=202 if created else 200)
