import csv
import statistics

with open("sales.csv", newline="") as file:
    rows = list(csv.DictReader(file))
columns = [name for name in rows[0] if name != "month"]

print(f"I know {len(rows)} months of sales.")
column = input(f"Which fruit: {', '.join(columns)}? ").strip().lower()

if column not in columns:
    print(f"There is no {column!r} in my table.")
else:
    values = [float(row[column]) for row in rows]
    best = max(rows, key=lambda row: float(row[column]))
    print(f"| | {column} |\n|---|---:|")
    print(f"| mean | {statistics.mean(values):.1f} |")
    print(f"| median | {statistics.median(values):.1f} |")
    print(f"| deviation | {statistics.stdev(values):.1f} |")
    print(f"| best month | {best['month']} |")
    with open(f".storage/{column}.csv", "w", newline="") as file:
        csv.writer(file).writerows([("month", column), *((row["month"], row[column]) for row in rows)])
