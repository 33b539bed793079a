"""API of sources."""

from django.urls import URLPattern, path

from . import api, decision_api, dry_api, fetch_api, mapping_api, preview_api, screen_api

urlpatterns: list[URLPattern] = [
    path("sources/", api.Sources.as_view(), name="api_sources"),
    path("sources/<slug:slug>/", api.OneSource.as_view(), name="api_source"),
    path("sources/<slug:slug>/imports/", api.Imports.as_view(), name="api_imports"),
    path("sources/<slug:slug>/rescreen/", screen_api.Rescreen.as_view(), name="api_rescreen"),
    path("sources/<slug:slug>/forget-mapping/", mapping_api.ForgetMapping.as_view(), name="api_forget_mapping"),
    path("imports/<int:pk>/", api.OneImport.as_view(), name="api_import"),
    path("imports/<int:pk>/rejected/", api.Rejected.as_view(), name="api_rejected"),
    path("imports/<int:pk>/cancel/", api.CancelImport.as_view(), name="api_cancel_import"),
    path("imports/<int:pk>/resume/", api.ResumeImport.as_view(), name="api_resume_import"),
    path("imports/<int:pk>/roll-back/", api.RollBackImport.as_view(), name="api_roll_back_import"),
    path("fetches/<int:pk>/", fetch_api.OneFetch.as_view(), name="api_fetch"),
    path("fetches/<int:pk>/cancel/", fetch_api.CancelFetch.as_view(), name="api_cancel_fetch"),
    path("dry-runs/<int:pk>/", dry_api.OneDryRun.as_view(), name="api_dry_run"),
    path("dry-runs/<int:pk>/rows/", dry_api.DryRows.as_view(), name="api_dry_rows"),
    path("dry-runs/<int:pk>/rows/<int:row>/keep/", dry_api.KeepDryRow.as_view(), name="api_keep_dry_row"),
    path("dry-runs/<int:pk>/pause/", dry_api.PauseDryRun.as_view(), name="api_pause_dry_run"),
    path("dry-runs/<int:pk>/resume/", dry_api.ResumeDryRun.as_view(), name="api_resume_dry_run"),
    path("dry-runs/<int:pk>/stop/", dry_api.StopDryRun.as_view(), name="api_stop_dry_run"),
    path("dry-runs/<int:pk>/again/", dry_api.TryAgain.as_view(), name="api_try_again"),
    path("dry-runs/<int:pk>/import/", dry_api.ImportDryRun.as_view(), name="api_import_dry_run"),
    path("posts/", api.Posts.as_view(), name="api_posts"),
    path("posts/index/", api.PostIndex.as_view(), name="api_post_index"),
    path("sources/<slug:slug>/rescues/", decision_api.Rescues.as_view(), name="api_rescues"),
    path("rescues/<int:pk>/undo/", decision_api.UndoRescue.as_view(), name="api_undo_rescue"),
    path("sources/<slug:slug>/clusters/", decision_api.Clusters.as_view(), name="api_clusters"),
    path("sources/<slug:slug>/previews/", preview_api.Previews.as_view(), name="api_previews"),
    path("previews/<int:pk>/", preview_api.OnePreview.as_view(), name="api_preview"),
    path("previews/<int:pk>/cancel/", preview_api.CancelPreview.as_view(), name="api_cancel_preview"),
    path("previews/<int:pk>/apply/", preview_api.ApplyPreview.as_view(), name="api_apply_preview"),
    path("lists/<int:pk>/", decision_api.OneList.as_view(), name="api_list"),
    path("lists/", decision_api.Lists.as_view(), name="api_lists"),
    path("posts/<int:pk>/rescue/", api.Rescue.as_view(), name="api_rescue"),
]
