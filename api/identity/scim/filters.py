"""SCIM filters and orders as SQL: a directory of any size is searched where it lies (RFC 7644 §3.4.2)."""

from typing import Any, NamedTuple
from uuid import UUID

from scim2_models import InvalidFilterException, ScimFilter, SearchRequest
from scim2_models.path import (
    AttributeBinding,
    AttrPath,
    CompareOperator,
    Comparison,
    FilterVisitor,
    LogicalExpr,
    Not,
    Present,
    ValuePath,
    coerce_value,
)


class Column(NamedTuple):
    """Where an attribute lies, and how it is compared.

    `text` without case, `key` in lower case already, `exact`, `plain`, `uuid`; `member` names the rows of others.
    """

    sql: str
    kind: str = "text"


Columns = dict[tuple[str, str | None], Column]
"""Columns by the Python names of an attribute and its sub-attribute."""


class Condition(NamedTuple):
    """A condition in SQL and its values, which are never written into it."""

    sql: str
    values: list[Any]


_NEVER, _ALWAYS = "false", "true"
_ORDERS = {
    CompareOperator.gt: ">",
    CompareOperator.ge: ">=",
    CompareOperator.lt: "<",
    CompareOperator.le: "<=",
}
_TEXTS = {
    CompareOperator.co: "position({right} in {left}) > 0",
    CompareOperator.sw: "starts_with({left}, {right})",
    CompareOperator.ew: "right({left}, length({right})) = {right}",
}


def where(columns: Columns, model: Any, search: SearchRequest[Any], *values: Any) -> Condition:
    """Write a search's filter, its values after those given; raises InvalidFilterException."""
    if search.filter is None:
        return Condition(_ALWAYS, list(values))
    bound: ScimFilter[Any] = ScimFilter[model](str(search.filter))
    writer = _Writer(columns, bound, list(values))
    return Condition(writer.visit(bound.ast), writer.values)


def order(columns: Columns, model: Any, search: SearchRequest[Any]) -> str:
    """Write a search's order: what has no value comes last, or first when descending (§3.4.2.3)."""
    binding = search.sort_by.resolve(model) if search.sort_by else None
    if binding is None:
        return "id"
    descending = search.sort_order == SearchRequest.SortOrder.descending
    by = _comparable(_column(columns, binding))
    return by + (" DESC NULLS FIRST, id DESC" if descending else " ASC NULLS LAST, id")


def read_id(text: str | None) -> UUID | None:
    """Give the id that a text spells as we do, None for any other text."""
    try:
        read = UUID(text)
    except (ValueError, TypeError, AttributeError):
        return None
    return read if str(read) == text else None


def _column(columns: Columns, binding: AttributeBinding) -> Column:
    name, part = binding.field_name, binding.sub_field_name
    column = columns.get((name, part)) or (columns.get((name, "value")) if part is None else None)
    if column is None:
        raise InvalidFilterException(detail=f"{binding.urn} is neither searched nor sorted by")
    return column


def _comparable(column: Column) -> str:
    if column.kind == "member":
        raise InvalidFilterException(detail="members take eq alone")
    return f"lower({column.sql})" if column.kind == "text" else column.sql


class _Writer(FilterVisitor[str]):
    """Writes the nodes of a filter; NULL stands for false, which only a negation has to say."""

    def __init__(self, columns: Columns, bound: ScimFilter[Any], values: list[Any], head: str = "") -> None:
        self.columns, self.bound, self.values, self.head = columns, bound, values, head

    def visit_logical_expr(self, node: LogicalExpr) -> str:
        return "(" + f" {node.op.value.upper()} ".join(map(self.visit, node.terms)) + ")"

    def visit_not(self, node: Not) -> str:
        return _negated(self.visit(node.expr))

    def visit_present(self, node: Present) -> str:
        column = self._resolved(node.attr_path)[1]
        return _present(column) if column else _NEVER

    def visit_value_path(self, node: ValuePath) -> str:
        column = self._resolved(node.attr_path)[1]
        if column is None:
            return _NEVER
        inner = node.val_filter
        if column.kind == "member" and not (isinstance(inner, Comparison) and inner.op == CompareOperator.eq):
            raise InvalidFilterException(detail="members take eq alone")
        inside = _Writer(self.columns, self.bound, self.values, node.attr_path.attr)
        return f"({_present(column)} AND {inside.visit(inner)})"

    def visit_comparison(self, node: Comparison) -> str:
        binding, column = self._resolved(node.attr_path)
        if binding is None or column is None:
            return _NEVER
        value = coerce_value(binding, node.value, node.op)
        if value is None:
            return _present(column) if node.op == CompareOperator.ne else _negated(_present(column))
        if column.kind in ("uuid", "member"):
            return self._identified(column, node.op, str(value))
        return self._compared(column, node.op, value)

    def _resolved(self, path: AttrPath) -> tuple[AttributeBinding | None, Column | None]:
        if self.head:
            path = AttrPath(attr=self.head, sub_attr=path.attr)
        binding = self.bound.resolve_comparison(path, strict=False)
        return binding, _column(self.columns, binding) if binding else None

    def _named(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"

    def _identified(self, column: Column, op: CompareOperator, text: str) -> str:
        if op not in (CompareOperator.eq, CompareOperator.ne):
            raise InvalidFilterException(detail="an identifier takes eq and ne alone")
        wanted = read_id(text)
        if wanted is None:
            same = _NEVER
        elif column.kind == "member":
            same = f"EXISTS ({column.sql} AND m.employee_id = {self._named(wanted)})"
        else:
            same = f"{column.sql} = {self._named(wanted)}"
        return same if op == CompareOperator.eq else _negated(same)

    def _compared(self, column: Column, op: CompareOperator, value: Any) -> str:
        left, right = _comparable(column), self._named(value)
        if isinstance(value, str):
            right = f"lower({right}::text)" if column.kind in ("text", "key") else f"{right}::text"
        if op == CompareOperator.eq:
            return f"{left} = {right}"
        if op == CompareOperator.ne:
            return f"{left} IS DISTINCT FROM {right}"
        if op in _ORDERS:
            return f"{left} {_ORDERS[op]} {right}"
        return _TEXTS[op].format(left=left, right=right)


def _present(column: Column) -> str:
    return f"EXISTS ({column.sql})" if column.kind == "member" else f"{column.sql} IS NOT NULL"


def _negated(condition: str) -> str:
    return f"NOT coalesce({condition}, false)"
