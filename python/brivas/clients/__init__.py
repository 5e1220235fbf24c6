"""Clients of the engine's two gRPC faces, each blocking and for asyncio.

`messaging` is the callers' face (an account's API key), `control` the platform's (the token of Control). Every call has
a deadline, and every failure is one of the errors in `brivas.errors`, with a hint.
"""
