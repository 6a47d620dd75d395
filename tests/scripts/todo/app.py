"""A to-do list: add TEXT, done NUMBER, list."""

import sqlite3

db = sqlite3.connect("todo.db")
db.execute("CREATE TABLE IF NOT EXISTS todo (id INTEGER PRIMARY KEY, text TEXT, done INTEGER DEFAULT 0)")


def show():
    rows = db.execute("SELECT id, text, done FROM todo ORDER BY id").fetchall()
    for number, text, done in rows:
        print(f"- [{'x' if done else ' '}] {number}. {text}")
    if not rows:
        print("Nothing to do. Enjoy!")


command, _, rest = input("add, done or list? ").strip().partition(" ")
if command == "add" and rest:
    db.execute("INSERT INTO todo (text) VALUES (?)", (rest,))
elif command == "done" and rest.isdigit():
    db.execute("UPDATE todo SET done = 1 WHERE id = ?", (int(rest),))
elif command != "list":
    print(f"I don't know how to {command or 'do nothing'}.")
db.commit()
show()
