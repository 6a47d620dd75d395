import time

answer = input("Count down from which number? ").strip()
start = int(answer) if answer.isdecimal() and len(answer) < 4 else 10

for number in range(start, 0, -1):
    print(number)
    time.sleep(0.5)
print("🚀 Lift-off!")
