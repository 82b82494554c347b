"""List the benchmarks, each with the first line of its docstring."""

import ast
from pathlib import Path


def main() -> None:
    files = [f for f in sorted(Path(__file__).parent.glob("*.py")) if not f.name.startswith("_")]
    for file in files:
        about = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
        print(f"  make bench NAME={file.stem:<12} {about.partition(chr(10))[0]}")
    if not files:
        print("  no benchmark yet")


main()
