"""The parts of `chat_delivery.py`, one a file; the clients and what is measured are beside them."""
