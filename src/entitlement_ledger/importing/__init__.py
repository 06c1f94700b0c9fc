"""Importing: customers, the catalogue, tickets and billing, from CSV or JSON."""
