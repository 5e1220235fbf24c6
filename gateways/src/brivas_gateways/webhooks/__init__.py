"""Webhooks: receipts, incoming messages and other events, posted to the customers' own servers.

A controller of `brivas ops`: reads the engine's events from a stored offset, keeps what is to be delivered in
DATA/ops/webhooks, delivers at least once and in order per message, signed by the Standard Webhooks specification.
"""
