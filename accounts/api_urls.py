"""API of accounts."""

from django.urls import path

from . import audit_api, own_api, people_api
from .api import Me

urlpatterns = [
    path("me/", Me.as_view(), name="api_me"),
    path("me/tokens/", own_api.OwnTokens.as_view(), name="api_own_tokens"),
    path("me/tokens/<int:pk>/", own_api.OwnToken.as_view(), name="api_own_token"),
    path("me/sessions/", own_api.OwnSessions.as_view(), name="api_own_sessions"),
    path("me/sessions/end/", own_api.EndOwnSessions.as_view(), name="api_end_own_sessions"),
    path("people/", people_api.People.as_view(), name="api_people"),
    path("people/<int:pk>/", people_api.OnePerson.as_view(), name="api_person"),
    path("people/<int:pk>/role/", people_api.ChangeRole.as_view(), name="api_change_role"),
    path("people/<int:pk>/disable/", people_api.Disable.as_view(), name="api_disable_person"),
    path("people/<int:pk>/enable/", people_api.Enable.as_view(), name="api_enable_person"),
    path("people/<int:pk>/factor-off/", people_api.FactorOff.as_view(), name="api_factor_off"),
    path("people/<int:pk>/password-link/", people_api.PasswordLink.as_view(), name="api_password_link"),
    path("people/<int:pk>/sessions/", people_api.SessionsOf.as_view(), name="api_sessions_of"),
    path("people/<int:pk>/sessions/end/", people_api.EndSessionsOf.as_view(), name="api_end_sessions_of"),
    path("people/<int:pk>/tokens/", people_api.TokensOf.as_view(), name="api_tokens_of"),
    path("tokens/<int:pk>/", people_api.OneToken.as_view(), name="api_token"),
    path("invitations/", people_api.Invitations.as_view(), name="api_invitations"),
    path("invitations/<int:pk>/", people_api.OneInvitation.as_view(), name="api_invitation"),
    path("audit/", audit_api.Audit.as_view(), name="api_audit"),
]
