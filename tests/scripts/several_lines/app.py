import hal9 as h9

poem = h9.input("Paste a poem: ")
lines = poem.split("\n")
print(f"{len(lines)} lines, {len(poem.split())} words, the longest: {max(lines, key=len)}")
