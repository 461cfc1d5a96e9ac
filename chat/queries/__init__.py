"""Reads of the support counter: one function a screen."""
