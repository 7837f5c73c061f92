"""Sessions and company tokens; builds the Actor."""
