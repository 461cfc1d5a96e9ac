"""The stage of these stories."""

from chat.tests.browser.stage import chromium, stage, web

__all__ = ["chromium", "stage", "web"]
