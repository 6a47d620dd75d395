import hal9 as h9

all_words = h9.load("words", [])
word = input("Give me a word: ")
all_words.append(word)
print(f"I remember: {', '.join(all_words)}")
h9.save("words", all_words, hidden=True)
