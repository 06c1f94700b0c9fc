"""Reconciliation in the store: the lines of outside files, what is compared, what runs told."""
