"""Checks that always hold: each one protects from one way in which a ledger can be wrong."""
