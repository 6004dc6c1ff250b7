"""The service: the same predictions over HTTP."""
