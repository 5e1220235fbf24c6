"""Brivas' controllers: loops that observe, diff, plan, apply and record."""
