"""Pages of people and logins, on tenants' hosts and on the platform's and resellers'."""

from django.urls import path

from tenants.accounts.views import invitations, login, password, people, profile, security, sso, sso_settings

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
    path("logout/done/", sso.signed_out, name="signed-out"),
    path("logout/<str:token>/everywhere/", sso.leave, name="sso-leave"),
    path("sso/<uuid:pk>/", sso.begin, name="sso-begin"),
    path("sso/<uuid:pk>/callback/", sso.callback, name="sso-callback"),
    path("sso/<uuid:pk>/acs/", sso.acs, name="sso-acs"),
    path("sso/<uuid:pk>/metadata/", sso.metadata, name="sso-metadata"),
    path("sso/<uuid:pk>/logout/", sso.saml_logout, name="sso-logout"),
    path("sso/<uuid:pk>/backchannel/", sso.backchannel, name="sso-backchannel"),
    path("sso/<uuid:pk>/test/", sso.begin_test, name="sso-test"),
    path("sso/finish/<str:token>/", sso.finish, name="sso-finish"),
    path("sso/recovery/", sso.recovery, name="sso-recovery"),
    path("sso/recovery/sent/", sso.recovery_sent, name="sso-recovery-sent"),
    path("sso/recovery/<str:token>/", sso.recovered, name="sso-recovered"),
    path("settings/sso/", sso_settings.index, name="sso-settings"),
    path("settings/sso/add/", sso_settings.add, name="sso-add"),
    path("settings/sso/domains/add/", sso_settings.domain_add, name="sso-domain-add"),
    path("settings/sso/domains/<uuid:pk>/prove/", sso_settings.domain_prove, name="sso-domain-prove"),
    path("settings/sso/domains/<uuid:pk>/remove/", sso_settings.domain_remove, name="sso-domain-remove"),
    path("settings/sso/<uuid:pk>/", sso_settings.provider, name="sso-provider"),
    path("settings/sso/<uuid:pk>/check/", sso_settings.check, name="sso-check"),
    path("settings/sso/<uuid:pk>/tested/<uuid:sign_in>/", sso_settings.tested, name="sso-tested"),
    path("settings/sso/<uuid:pk>/remove/", sso_settings.remove, name="sso-remove"),
    path("password/reset/", password.password_reset, name="password-reset"),
    path("password/reset/sent/", password.password_reset_sent, name="password-reset-sent"),
    path("password/reset/<str:token>/", password.password_reset_confirm, name="password-reset-confirm"),
    path("confirm-email/<str:key>/", profile.confirm_email, name="confirm-email"),
    path("stop-email-change/<str:token>/", profile.stop_email_change, name="stop-email-change"),
    path("invitation/<str:token>/", invitations.accept, name="invitation"),
    path("welcome/<str:token>/", password.welcome, name="welcome"),
    path("settings/people/", people.people, name="people"),
    path("settings/people/invitations/", invitations.waiting, name="invitations"),
    path("settings/people/invitations/new/", invitations.invite, name="invite"),
    path("settings/people/invitations/<uuid:pk>/send/", invitations.invitation_send, name="invitation-send"),
    path("settings/people/invitations/<uuid:pk>/revoke/", invitations.invitation_revoke, name="invitation-revoke"),
    path("settings/people/<uuid:pk>/", people.person, name="person"),
    path("settings/people/<uuid:pk>/deactivate/", people.person_deactivate, name="person-deactivate"),
    path("settings/people/<uuid:pk>/activate/", people.person_activate, name="person-activate"),
    path("settings/people/<uuid:pk>/log-out/", people.person_log_out, name="person-log-out"),
    path("settings/people/<uuid:pk>/second-factor/reset/", people.person_factor_reset, name="person-factor-reset"),
    path("settings/people/<uuid:pk>/invite/", people.person_invite, name="person-invite"),
    path("settings/profile/", profile.profile, name="profile"),
    *own_security,
]
