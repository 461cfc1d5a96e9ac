"""Services that more than one app speaks to: one small client each, which knows the outside and nothing of us."""
