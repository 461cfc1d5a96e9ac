"""`/api/v1/auth/…` and `/api/v1/users/…`."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tenants.accounts.api import auth
from tenants.accounts.api.identity import EmailDomainViewSet, IdentityProviderViewSet
from tenants.accounts.api.invitations import InvitationViewSet
from tenants.accounts.api.roles import RoleViewSet
from tenants.accounts.api.tokens import TokenViewSet
from tenants.accounts.api.users import UserViewSet

router = SimpleRouter()
router.register("invitations", InvitationViewSet, basename="invitation")
router.register("users", UserViewSet, basename="user")
router.register("settings/roles", RoleViewSet, basename="role")
router.register("settings/tokens", TokenViewSet, basename="token")
router.register("settings/identity-providers", IdentityProviderViewSet, basename="identity-provider")
router.register("settings/email-domains", EmailDomainViewSet, basename="email-domain")

urlpatterns = [
    path("auth/login/", auth.LoginView.as_view(), name="login"),
    path("auth/refresh/", auth.RefreshView.as_view(), name="refresh"),
    path("auth/logout/", auth.LogoutView.as_view(), name="logout"),
    path("auth/me/", auth.MeView.as_view(), name="me"),
    path("", include(router.urls)),
]
