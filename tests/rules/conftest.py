from hypothesis import settings

# A slow machine is no failure, and the same commit is judged by the same examples.
settings.register_profile("rules", deadline=None, derandomize=True, database=None)
settings.load_profile("rules")
