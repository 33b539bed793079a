"""API of accounts."""

from django.urls import path

from .api import Me

urlpatterns = [path("me/", Me.as_view(), name="api_me")]
