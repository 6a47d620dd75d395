# The loop goes on between messages, so the bot needs no file to remember the number.
print("I count your messages for as long as I run.")
count = 0
while True:
    input()
    count += 1
    print(count)
