"""Applying, replies, the employer's word."""
