"""API of datasets."""

from django.urls import path

from . import api, file_api, takedown_api

VERSION = "datasets/<slug:slug>/versions/<int:number>/"
urlpatterns = [
    path("datasets/", api.Datasets.as_view(), name="api_datasets"),
    path("datasets/<slug:slug>/", api.OneDataset.as_view(), name="api_dataset"),
    path("datasets/<slug:slug>/preview/", api.Preview.as_view(), name="api_preview"),
    path("datasets/<slug:slug>/versions/", api.Versions.as_view(), name="api_versions"),
    path(VERSION, api.OneVersion.as_view(), name="api_version"),
    path(f"{VERSION}release/", api.Release.as_view(), name="api_release"),
    path(f"{VERSION}withdraw/", api.Withdraw.as_view(), name="api_withdraw"),
    path(f"{VERSION}cancel/", api.Cancel.as_view(), name="api_cancel"),
    path(f"{VERSION}changes/", api.Changes.as_view(), name="api_changes"),
    path(f"{VERSION}records/", api.Records.as_view(), name="api_records"),
    path(f"{VERSION}files/", file_api.Files.as_view(), name="api_files"),
    path(f"{VERSION}files/<str:name>", file_api.OneFile.as_view(), name="api_file"),
    path(f"{VERSION}exports/<int:pk>/", file_api.OneExport.as_view(), name="api_export"),
    path("takedowns/", takedown_api.Takedowns.as_view(), name="api_takedowns"),
    path("takedowns/<int:pk>/", takedown_api.OneTakedown.as_view(), name="api_takedown"),
]
