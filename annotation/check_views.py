"""The page about the automatic checks: what each looks for, what it found, and how often that was overruled."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.permissions import role_required
from sources.models import Source

from . import check_stats
from .screens import user_of, wish


@require_safe
@role_required("lead")
def checks(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    source = wish(request, request.GET)
    rows = check_stats.table(user, source.slug if source else "")
    context = {
        "rows": rows, "found": any(row.total.hits for row in rows), "weeks": check_stats.weeks(), "source": source,
        "sources": Source.objects.for_user(user), "few": check_stats.FEW, "most": check_stats.DECISIONS,
    }  # fmt: skip
    return render(request, "annotation/checks.html", context)
