"""Pages of accounts: signing in and out, one's own account, and for admins everybody's."""

from django.contrib.auth import views as auth
from django.urls import path

from . import own_views, people_views, sso_views, views

urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("code/", views.code, name="code"),
    path("enrol/", own_views.enrol, name="enrol"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("password/", views.ChangePassword.as_view(), name="password_change"),
    path("sso/", sso_views.sso, name="sso"),
    path("sso/back/", sso_views.sso_back, name="sso_back"),
    path("forgotten/", views.forgotten, name="forgotten"),
    path("link/", views.link, name="link"),
    path("link/<str:secret>/", views.follow, name="follow"),
    path("me/", own_views.own, name="own"),
    path("me/tokens/", own_views.make_token, name="make_token"),
    path("me/tokens/<int:pk>/revoke/", own_views.revoke_token, name="revoke_own_token"),
    path("me/sessions/end/", own_views.end_sessions, name="end_sessions"),
    path("me/factor/", own_views.factor, name="factor"),
    path("me/factor/picture.svg", own_views.picture, name="factor_picture"),
    path("me/factor/off/", own_views.factor_off, name="factor_off"),
    path("people/", people_views.everybody, name="people"),
    path("people/invite/", people_views.invite, name="invite"),
    path("people/invitations/<int:pk>/withdraw/", people_views.withdraw, name="withdraw_invitation"),
    path("people/tokens/<int:pk>/revoke/", people_views.revoke, name="revoke_token"),
    path("people/<int:pk>/", people_views.one, name="person"),
    path("people/<int:pk>/<str:act>/", people_views.act, name="act_on_person"),
    path("audit/", people_views.audit, name="audit"),
]
