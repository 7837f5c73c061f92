"""The examples of the reference are bodies that the API takes."""

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from api.core.openapi import body_examples
from api.core.requests import decode


def test_each_operation_with_a_body_has_an_example_that_it_takes(app: Litestar) -> None:
    bodies = {
        str(handler.operation_id): handler.parsed_data_field.annotation
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if isinstance(handler, HTTPRouteHandler) and handler.parsed_data_field
    }

    assert body_examples().keys() == bodies.keys()
    for operation, shape in bodies.items():
        assert decode(msgspec.json.encode(body_examples()[operation]), shape)
