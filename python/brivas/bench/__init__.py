"""Measures the gateway end to end beside its floor: the same load, carrier and shape, and a mover of bytes between.

Load, gateway (or mover) and carrier are processes of their own. A round starts all of them afresh; rounds of floor and
gateway alternate, so that a machine that slows down slows both; figures are medians over rounds, counts are sums.
"""
