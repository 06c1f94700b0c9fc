"""Importing: customers, the catalogue, tickets and billing, from files of other systems."""
