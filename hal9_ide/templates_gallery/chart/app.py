import csv
import io
import re
from html import escape

import hal9 as h9

message = input("Give me names and numbers, like: apples 3, pears 5. ")
rows = [(name.strip(" :="), float(number)) for name, number in re.findall(r"([^\d,;]+)(\d+(?:\.\d+)?)", message)]

if not rows:
    print("I found no names with numbers in that. Try: `apples 3, pears 5`")
else:
    table = io.StringIO()
    csv.writer(table).writerows([("name", "number"), *rows])
    h9.save("table.csv", table.getvalue())

    largest = max(number for _, number in rows) or 1
    bars = ""
    for position, (name, number) in enumerate(rows):
        y = 10 + 34 * position
        length = 250 * number / largest
        bars += f'<text x="110" y="{y + 17}" text-anchor="end">{escape(name[:14])}</text>'
        bars += f'<rect x="120" y="{y}" width="{length:.0f}" height="24" rx="4" fill="#6b5bd2"/>'
        bars += f'<text x="{128 + length:.0f}" y="{y + 17}">{number:g}</text>'
    size = f'viewBox="0 0 440 {20 + 34 * len(rows)}" font-family="sans-serif" font-size="14"'
    background = '<rect width="100%" height="100%" fill="white"/>'
    h9.save("chart.svg", f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{background}{bars}</svg>')

    print(f"Here is your chart of {len(rows)} numbers, and the table behind it.")
