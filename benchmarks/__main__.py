"""List the benchmarks, each with the first line of its docstring."""

import ast
from pathlib import Path


def main() -> None:
    found = []
    for file in sorted(Path(__file__).parent.glob("[!_]*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            found.append((file.stem, (ast.get_docstring(tree) or "").partition("\n")[0]))
    for name, about in found:
        print(f"  make bench NAME={name:<12} {about}")
    if not found:
        print("  no benchmark yet")


main()
