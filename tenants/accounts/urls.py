"""Pages of people and logins, on tenants' hosts and on the platform's and resellers'."""

from django.urls import path

from tenants.accounts.views import login, password, people, profile, security

app_name = "accounts"

# A person's own: on tenants' hosts and on the platform's and resellers' alike.
own_security = [
    path("settings/profile/security/", security.security, name="security"),
    path("settings/profile/security/needed/", security.needed, name="second-factor-needed"),
    path("settings/profile/security/app/", security.app_add, name="app-add"),
    path("settings/profile/security/passkey/", security.passkey_add, name="passkey-add"),
    path("settings/profile/security/codes/", security.recovery_codes, name="codes"),
    path("settings/profile/security/codes/renew/", security.codes_renew, name="codes-renew"),
    path("settings/profile/security/factors/<int:key>/remove/", security.factor_remove, name="factor-remove"),
    path("settings/profile/security/factors/<int:key>/rename/", security.factor_rename, name="factor-rename"),
    path("settings/profile/security/logins/end/", security.logins_end, name="logins-end"),
    path("settings/profile/security/logins/<uuid:pk>/end/", security.login_end, name="login-end"),
    path("settings/profile/security/programs/<uuid:pk>/end/", security.program_end, name="program-end"),
]

urlpatterns = [
    path("login/", login.login, name="login"),
    path("login/second-factor/", login.second_factor, name="second-factor"),
    path("login/passkey/", login.passkey, name="passkey-login"),
    path("login/unlock/<str:token>/", password.unlock, name="unlock"),
    path("login/confirm/", security.confirm, name="confirm"),
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
    *own_security,
]
