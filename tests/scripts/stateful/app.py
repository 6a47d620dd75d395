n = 0
while True:
    input()
    n += 1
    print(n)
