"""Figures: how fast and how large this server is, beside what a bare program would need on the same machine."""
