"""Catalog -> Vectors."""
