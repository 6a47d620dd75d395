import sys

for line in sys.stdin:
    text = line.strip()
    if text == "stop":
        break
    sys.stdout.write(text[::-1] + "\n")
print("done", file=sys.stderr)
