import json
import os

all_words = []
if os.path.exists("words.json"):
    with open("words.json") as file:
        all_words = json.load(file)

word = input("Give me a word: ")
all_words.append(word)
print(f"I remember: {', '.join(all_words)}")

with open("words.json", "w") as file:
    json.dump(all_words, file)
