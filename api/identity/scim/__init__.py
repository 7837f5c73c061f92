"""SCIM 2.0 (RFC 7643, 7644): a company's directory keeps its employees and groups here; pydantic stays inside."""
