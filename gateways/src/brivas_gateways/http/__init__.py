"""The HTTP face: `/v1/messages`, `/metrics`, `/health`; granian serving a Starlette application.

It keeps nothing: every request becomes a call of the engine with the caller's own key, and the engine is the only place
that judges keys. Numbers, texts and keys are never logged.
"""
