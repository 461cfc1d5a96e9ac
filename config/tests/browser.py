"""The browser's stage for stories that cross features: import the fixtures into the folder's conftest."""

from chat.tests.browser.stage import Stage, chromium, open_chat, stage, until, web, write

__all__ = ["Stage", "chromium", "open_chat", "stage", "until", "web", "write"]
