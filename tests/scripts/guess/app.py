import random

name = input("What's your name? ")
# The name decides the number, so friends can compare how many guesses they needed.
secret = random.Random(name.strip().lower()).randint(1, 100)
print(f"Hi {name}! I'm thinking of a number between 1 and 100.")

guesses = 0
while True:
    try:
        guess = int(input("Your guess: "))
    except ValueError:
        print("Numbers only, please.")
        continue
    guesses += 1
    if guess < secret:
        print("Too low!")
    elif guess > secret:
        print("Too high!")
    else:
        print(f"🎉 You got it in {guesses} guesses, {name}!")
        break
