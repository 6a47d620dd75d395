import hal9 as h9

words = h9.load("words", [])
word = input("Give me a word: ")
words.append(word)
print("I remember: " + ", ".join(words))
h9.save("words", words, hidden=True)
