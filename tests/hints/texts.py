"""The texts of all hints, read from the code: a value in one of them is `{}`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "arrowsync"


@cache
def all_hints() -> dict[str, str]:
    """Each hint with the first place where it stands."""
    found: dict[str, str] = {}
    trees = {path: ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
    nodes = {path: list(ast.walk(tree)) for path, tree in trees.items()}
    own_takers = {path: dict(_takers(of_module)) for path, of_module in nodes.items()}
    takers = {name: position for own in own_takers.values() for name, position in own.items()}
    for path, of_module in nodes.items():
        # A function of the module itself is meant rather than one of that name elsewhere.
        own = {node.name for node in of_module if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        known = {name: at for name, at in takers.items() if name not in own} | own_takers[path]
        constants = {
            target.id: node.value
            for node in of_module
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        place = path.relative_to(PACKAGE).as_posix()
        for node in of_module:
            for value in _hints_of(node, known):
                for text in _texts(value, constants):
                    found.setdefault(text, place)
    return found


def _takers(of_module: list[ast.AST]) -> Iterator[tuple[str, int]]:
    """The functions and records that take a hint by its position."""
    for node in of_module:
        match node:
            case ast.FunctionDef(name=name, args=ast.arguments(args=args)):
                names = [arg.arg for arg in args if arg.arg != "self"]
            case ast.ClassDef(name=name, body=body):
                made = [
                    each.args.args for each in body if isinstance(each, ast.FunctionDef) and each.name == "__init__"
                ]
                names = [arg.arg for args in made for arg in args if arg.arg != "self"] or [
                    field.target.id
                    for field in body
                    if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
                ]
            case _:
                continue
        for wanted in ("hint", "way_out"):
            if wanted in names and name != "__init__":
                yield name, names.index(wanted)


def _hints_of(node: ast.AST, takers: dict[str, int]) -> Iterator[ast.expr]:
    """What is given as `hint=`, assigned to `hint`, or stands in a dictionary of hints."""
    match node:
        case ast.Call(func=function, args=args, keywords=keywords):
            yield from (keyword.value for keyword in keywords if keyword.arg == "hint")
            name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
            if name in takers and len(args) > takers[name]:
                yield args[takers[name]]
        case ast.Assign(targets=[ast.Name(id="hint") | ast.Attribute(attr="hint")], value=value):
            yield value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(values=values)) if name.endswith("HINTS"):
            yield from values
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(values=values)) if name.endswith("HINTS"):
            yield from values
        case _:
            return


def _texts(node: ast.expr, constants: dict[str, ast.expr]) -> list[str]:
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            return ["".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values)]
        case ast.IfExp(body=body, orelse=orelse):
            return _texts(body, constants) + _texts(orelse, constants)
        case ast.BinOp(left=left, right=right):
            return [a + b for a in _texts(left, constants) or ["{}"] for b in _texts(right, constants) or ["{}"]]
        case ast.BoolOp(values=values):
            return [text for value in values for text in _texts(value, constants)]
        case ast.Name(id=name) if name in constants:
            return _texts(constants[name], {other: value for other, value in constants.items() if other != name})
        case _:
            return []
