"""The skills that people have and missions ask for, and the causes: reference data that everybody reads."""
