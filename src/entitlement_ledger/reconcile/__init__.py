"""Reconciling: matching the lines of outside files with what the ledger did."""
