import hal9 as h9
from openai import OpenAI

all_words = h9.load("words", [])
word = input("Give me a word: ")
all_words.append(word)
print(f"I remember: {', '.join(all_words)}")
h9.save("words", messages, hidden = True)
