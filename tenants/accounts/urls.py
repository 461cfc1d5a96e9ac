"""Pages of people and logins, on tenants' hosts and on the platform's and resellers'."""

from django.urls import path

from tenants.accounts.views import login, password, people, profile

app_name = "accounts"

urlpatterns = [
    path("login/", login.login, name="login"),
    path("logout/", login.logout, name="logout"),
    path("password/reset/", password.password_reset, name="password-reset"),
    path("password/reset/sent/", password.password_reset_sent, name="password-reset-sent"),
    path("password/reset/<str:token>/", password.password_reset_confirm, name="password-reset-confirm"),
    path("confirm-email/<str:key>/", profile.confirm_email, name="confirm-email"),
    path("welcome/<str:token>/", password.welcome, name="welcome"),
    path("settings/people/", people.people, name="people"),
    path("settings/people/add/", people.person_add, name="person-add"),
    path("settings/people/<uuid:pk>/", people.person, name="person"),
    path("settings/people/<uuid:pk>/deactivate/", people.person_deactivate, name="person-deactivate"),
    path("settings/people/<uuid:pk>/activate/", people.person_activate, name="person-activate"),
    path("settings/people/<uuid:pk>/invite/", people.person_invite, name="person-invite"),
    path("settings/profile/", profile.profile, name="profile"),
]
