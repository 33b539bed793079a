"""The rows of the search index: what was indexed together, its pages, and what has changed since. `grams` knows how a page is
made, `indexing` makes them, `searching` reads them."""

from typing import ClassVar

from django.db import models


class SearchIndex(models.Model):
    """How far an index is: the rows up to `settled` have their short field in it. Moved by conditional UPDATE."""

    kind = models.CharField(primary_key=True, max_length=16)  # posts | pairs
    settled = models.BigIntegerField(default=0)


class SearchSegment(models.Model):
    """Rows that were indexed together, by their short field alone or, once the background has come by, by all.

    A row may be in several: its newest text is in one of them at least, or it is among the changes. What an older one
    says of it too much, the look at the row itself sorts out.
    """

    kind = models.CharField(max_length=16)
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    rows = models.PositiveIntegerField()
    ids = models.BinaryField()  # packed; empty where they are all from first to last
    is_whole = models.BooleanField()  # all fields, not the short one alone
    replaced = models.BigIntegerField(default=0)  # of one that is not whole: up to this id, whole ones have its rows
    postings = models.PositiveIntegerField()
    bytes = models.PositiveIntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(name="segment_of_index", fields=["kind", "is_whole", "first"])]


class SearchPage(models.Model):
    """A page of the postings of a segment: those from `gram` to the next page's."""

    pk = models.CompositePrimaryKey("segment", "gram")
    segment = models.ForeignKey(  # a segment and its pages are one commit: thousands of look-ups for a constraint told nothing
        SearchSegment, on_delete=models.DO_NOTHING, related_name="pages", db_constraint=False, db_index=False
    )
    gram = models.BigIntegerField()
    data = models.BinaryField()


class SearchChange(models.Model):
    """A row whose text was changed: the database itself writes this down, whoever changes it. Gone once it is indexed again."""

    kind = models.CharField(max_length=16)
    row = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(name="search_change_row", fields=["kind", "row"])]
