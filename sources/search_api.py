"""API of searching, for whatever can be searched: its pages, and how far its index is."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions, pagination, serializers, views
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import Cursor, HasRole

from . import indexing, searching
from .segmenting import Searchable

LARGEST = 2**63 - 1  # id
FOR_EVERYBODY = ("is_caught_up", "percent", "is_paused")


class IndexSerializer(serializers.Serializer[indexing.Progress]):
    """How far the index is. `new`, `long` and `changed` are rows that are not in it yet: at all, with their long texts, with their
    latest texts. Once it is caught up, a search misses nothing."""

    is_caught_up = serializers.BooleanField()
    percent = serializers.IntegerField()
    rows = serializers.IntegerField()
    new = serializers.IntegerField()
    long = serializers.IntegerField()
    changed = serializers.IntegerField()
    bytes = serializers.IntegerField()
    is_paused = serializers.BooleanField(help_text="While an import runs.")


class IndexState(views.APIView):
    """Of the index that searching uses."""

    permission_classes = [HasRole]
    role = "lead"
    what: Searchable
    serializer_class = IndexSerializer

    def get(self, request: Request) -> Response:
        return Response(IndexSerializer(indexing.progress(self.what)).data)


class SearchCursor(Cursor):
    """Pages by cursor, of a search where the view's `searched` gives one.

    Then the answer has a member `search`: `is_cut` says that the time was over before the page was full, and that `next` goes on
    from there; `index`, whether rows may be missing because the index has not reached them.
    """

    found: searching.Page | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        asked = view.searched()
        if asked is None:
            return super().paginate_queryset(queryset, request, view)
        self.request, self.base_url = request, request.build_absolute_uri()
        limit = self.get_page_size(request)
        self.found = searching.page(asked, queryset, limit=limit, **self._place(request))
        return self.found.rows

    def _place(self, request: Request) -> dict[str, int]:
        cursor = self.decode_cursor(request)
        if cursor is None:
            return {}
        try:
            place = int(cursor.position or 0)
        except ValueError:
            place = -1
        if not 0 <= place <= LARGEST:
            raise exceptions.NotFound(self.invalid_cursor_message)
        return {"before" if cursor.reverse else "after": place}

    def get_next_link(self) -> str | None:
        return self._link(self.found.after, reverse=False) if self.found else super().get_next_link()

    def get_previous_link(self) -> str | None:
        return self._link(self.found.before, reverse=True) if self.found else super().get_previous_link()

    def _link(self, place: int | None, *, reverse: bool) -> str | None:
        return None if place is None else self.encode_cursor(pagination.Cursor(offset=0, reverse=reverse, position=place))

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        if self.found:
            index = dict(IndexSerializer(self.found.progress).data)
            # How many rows there are, also of sources that are not for everybody, is for leads.
            if not self.request.user.has_role("lead"):  # type: ignore[union-attr]
                index = {name: index[name] for name in FOR_EVERYBODY}
            response.data["search"] = {"is_cut": self.found.is_cut, "index": index}
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        described = super().get_paginated_response_schema(schema)
        numbers = {name: {"type": "integer"} for name in ("percent", "rows", "new", "long", "changed", "bytes")}
        index = {"type": "object", "properties": {**numbers, "is_caught_up": {"type": "boolean"}, "is_paused": {"type": "boolean"}}}
        described["properties"]["search"] = {"type": "object", "properties": {"is_cut": {"type": "boolean"}, "index": index}}
        return described
