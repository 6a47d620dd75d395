PARTS = {
    "table": """\
| Planet | Moons |
|--------|------:|
| Earth  |     1 |
| Mars   |     2 |
| Saturn |   274 |
""",
    "code": """\
```python
name = input("Who are you? ")
print(f"Hello, {name}!")
```
""",
    "list": """\
1. **Bold**, *italic* and `code`
2. A [link](https://commonmark.org/help/) to all of Markdown
3. Lists
   - inside
   - lists
""",
    "quote": """\
> Any sufficiently advanced technology is indistinguishable from magic.
>
> Arthur C. Clarke
""",
}

wish = input("Shall I show a table, code, a list, a quote, or all? ").lower()
chosen = [part for name, part in PARTS.items() if name in wish]
print("\n".join(chosen or PARTS.values()))
