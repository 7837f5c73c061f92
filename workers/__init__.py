"""Background work: the relay, the runner, the schedule, the reactions."""
