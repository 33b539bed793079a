"""Pages of sources."""

from django.urls import path

from . import cluster_views, dry_views, fetch_views, import_views, list_views, post_views, preview_views, screen_views, views

app_name = "sources"
urlpatterns = [
    path("", views.list_, name="list"),
    path("new/", views.add, name="add"),
    path("import/", import_views.new, name="new_import"),
    path("import/fetch/", fetch_views.new, name="new_fetch"),
    path("fetches/<int:pk>/", fetch_views.one, name="fetch"),
    path("fetches/<int:pk>/progress/", fetch_views.progress, name="fetch_progress"),
    path("imports/<int:pk>/", import_views.one, name="import"),
    path("imports/<int:pk>/progress/", import_views.progress, name="import_progress"),
    path("imports/<int:pk>/cancel/", import_views.cancel, name="cancel_import"),
    path("imports/<int:pk>/resume/", import_views.resume, name="resume_import"),
    path("imports/<int:pk>/roll-back/", import_views.roll_back, name="roll_back_import"),
    path("imports/<int:pk>/rejected.<str:kind>", import_views.rejected, name="rejected"),
    path("fetches/<int:pk>/cancel/", fetch_views.cancel, name="cancel_fetch"),
    path("dry-runs/<int:pk>/", dry_views.one, name="dry_run"),
    path("dry-runs/<int:pk>/progress/", dry_views.progress, name="dry_run_progress"),
    path("dry-runs/<int:pk>/again/", dry_views.again, name="dry_run_again"),
    path("dry-runs/<int:pk>/import/", dry_views.start, name="start_import"),
    path("dry-runs/<int:pk>/discard/", dry_views.discard, name="discard_dry_run"),
    path("dry-runs/<int:pk>/rows.<str:kind>", dry_views.rows, name="dry_rows"),
    path("dry-runs/<int:pk>/rows/<int:row>/keep/", dry_views.keep, name="keep_dry_row"),
    path("dry-runs/<int:pk>/<str:act>/", dry_views.move, name="move_dry_run"),
    path("rescues/<int:pk>/undo/", post_views.undo_rescue, name="undo_rescue"),
    path("previews/<int:pk>/", preview_views.one, name="preview"),
    path("previews/<int:pk>/progress/", preview_views.progress, name="preview_progress"),
    path("previews/<int:pk>/cancel/", preview_views.cancel, name="cancel_preview"),
    path("previews/<int:pk>/apply/", preview_views.apply, name="apply_preview"),
    path("lists/", list_views.lists, name="lists"),
    path("lists/<int:pk>/remove/", list_views.remove, name="remove_list"),
    path("<slug:slug>/", views.detail, name="detail"),
    path("<slug:slug>/edit/", views.edit, name="edit"),
    path("<slug:slug>/screens/", screen_views.screens, name="screens"),
    path("<slug:slug>/rescreen/", screen_views.rescreen, name="rescreen"),
    path("<slug:slug>/preview/", preview_views.order, name="order_preview"),
    path("<slug:slug>/rejected/", views.rejected_rows, name="rejected_rows"),
    path("<slug:slug>/clusters/", cluster_views.clusters, name="clusters"),
    path("<slug:slug>/clusters/decide/", cluster_views.decide, name="decide_cluster"),
    path("<slug:slug>/posts/", post_views.posts, name="posts"),
    path("<slug:slug>/posts/rescue/", post_views.rescue, name="rescue"),
    path("<slug:slug>/import/", import_views.new, name="new_import"),
    path("<slug:slug>/import/fetch/", fetch_views.new, name="new_fetch"),
]
