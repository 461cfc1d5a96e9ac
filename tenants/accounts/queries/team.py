"""Who is who in the current schema."""

from tenants.accounts.models import User


def size() -> int:
    """How many people can log in."""
    return User.objects.active().members().count()


def emails_of(*roles: str) -> list[str]:
    """Addresses of the active people who hold one of the roles."""
    return list(User.objects.active().members().with_role(*roles).order_by("email").values_list("email", flat=True))
