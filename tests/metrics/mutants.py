"""Small wrong versions of a module: each differs from the source in one operator, comparison, number or logarithm."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from types import ModuleType

_SWAPS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.MatMult: ast.Mult, ast.FloorDiv: ast.Mod,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
_NAMES = {"log": "log2", "log2": "log", "log1p": "expm1", "minimum": "maximum", "maximum": "minimum", "sum": "mean", "mean": "sum"}


def mutants(source: str) -> Iterator[tuple[str, ModuleType]]:
    """Every mutant of a source as (what was changed, the module); messages, annotations and docstrings are left alone."""
    tree = ast.parse(source)
    for place in range(len(list(_targets(tree)))):
        changed = copy.deepcopy(tree)
        target = list(_targets(changed))[place]
        before = ast.unparse(target)
        _change(target)
        module = ModuleType("mutant")
        exec(compile(ast.fix_missing_locations(changed), "mutant", "exec"), module.__dict__)
        yield f"line {target.lineno}: {before} -> {ast.unparse(target)}", module


def _targets(tree: ast.Module) -> Iterator[ast.expr]:
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            for part in [*statement.args.defaults, *filter(None, statement.args.kw_defaults), *statement.body]:
                yield from _inside(part)
        elif isinstance(statement, ast.Assign):
            yield from _inside(statement.value)


def _inside(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom) or _is_text(node):
        return
    if _can_change(node):
        yield node  # type: ignore[misc]
    children = [node.target, node.value] if isinstance(node, ast.AnnAssign) else ast.iter_child_nodes(node)
    for child in children:
        if child is not None:
            yield from _inside(child)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _can_change(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return type(node.op) in _SWAPS
    if isinstance(node, ast.BoolOp):
        return True
    if isinstance(node, ast.Compare):
        return type(node.ops[0]) in _SWAPS
    if isinstance(node, ast.Attribute):
        return node.attr in _NAMES
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _change(node: ast.expr) -> None:
    if isinstance(node, ast.BinOp | ast.BoolOp):
        node.op = _SWAPS[type(node.op)]()
    elif isinstance(node, ast.Compare):
        node.ops[0] = _SWAPS[type(node.ops[0])]()
    elif isinstance(node, ast.Attribute):
        node.attr = _NAMES[node.attr]
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd()
    elif isinstance(node, ast.Constant):
        node.value = node.value + 1 if isinstance(node.value, int) else node.value * 1.5 + 0.5
