"""The inbox and the mail."""
