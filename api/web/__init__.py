"""The few pages that the API serves: rendered here, with their style and script, for people who follow a link."""
