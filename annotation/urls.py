"""Pages of annotation."""

from django.urls import path, re_path

from . import draft_views, stats_views, views

app_name = "annotation"
urlpatterns = [
    path("review/", views.review, name="review"),
    path("review/decide/", views.decide, name="decide"),
    path("review/skip/", views.skip, name="skip"),
    path("review/undo/", views.undo, name="undo"),
    path("review/renew/", views.renew, name="renew"),
    path("review/diff/", views.diff, name="diff"),
    path("review/keys/", views.keys, name="keys"),
    path("drafting/", draft_views.runs, name="draft_runs"),
    path("drafting/order/", draft_views.order, name="draft_order"),
    path("drafting/<int:pk>/", draft_views.run_page, name="draft_run"),
    re_path(r"^drafting/(?P<pk>[0-9]{1,18})/(?P<name>pause|resume|stop)/$", draft_views.act, name="draft_act"),
    path("drafting/calls/<int:pk>/release/", draft_views.release, name="draft_release"),
    path("sources/<slug:slug>/at/", stats_views.posts_at, name="posts_at"),
]
