"""Residue: how much of it is found, and what that changes."""
