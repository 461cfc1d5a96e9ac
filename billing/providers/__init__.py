"""What is known of the outside world of payments; nothing of ours."""
