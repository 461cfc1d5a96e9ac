"""REST of the support counter: for agents, and the widget's own."""
