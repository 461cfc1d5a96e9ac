"""Login services of others, as their standards describe them; they know nothing of our people."""
