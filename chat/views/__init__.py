"""Pages of the support counter."""
