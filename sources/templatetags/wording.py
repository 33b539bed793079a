"""Codes in templates: `{{ row.reason|row_reason }}`, `{{ post.drop_reason|post_reason }}`."""

from django import template

from sources import wording

register = template.Library()
register.filter("row_reason", wording.row_reason)
register.filter("post_reason", wording.post_reason)
