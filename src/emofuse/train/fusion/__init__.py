"""Fusions: heads that join what several models read into one answer."""
