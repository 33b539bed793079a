"""Pages of annotation."""

from django.urls import path
from django.views.generic import TemplateView

app_name = "annotation"
urlpatterns = [
    path("review/", TemplateView.as_view(template_name="base.html"), name="review"),
    path("drafting/", TemplateView.as_view(template_name="base.html"), name="draft_runs"),
]
