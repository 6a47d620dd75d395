echo = input()
print(f"Echo: {echo}")
