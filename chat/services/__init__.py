"""Every write of the support counter."""
