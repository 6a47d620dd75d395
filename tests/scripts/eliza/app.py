import re
import sys

MIRROR = {"i": "you", "my": "your", "me": "you", "am": "are", "you": "I", "your": "my", "mine": "yours"}
RULES = [
    (r"i need (.*)", "Why do you need {}?"),
    (r"i am (.*)", "How long have you been {}?"),
    (r"i feel (.*)", "Do you often feel {}?"),
    (r".*\b(mother|father|family)\b.*", "Tell me more about your {}."),
    (r"(.*)\?", "Why do you ask that?"),
]


def mirror(text):
    return " ".join(MIRROR.get(word.lower(), word) for word in text.split())


def answer(text):
    for pattern, reply in RULES:
        found = re.fullmatch(pattern, text.strip(" .!"), re.IGNORECASE)
        if found:
            return reply.format(mirror(found.group(1)))
    return "Please go on."


print("Hello, I am Eliza. How do you feel today?")
while True:
    said = input("> ")
    if said.lower() in ("bye", "quit"):
        print("Goodbye. It was nice talking to you.")
        sys.exit()
    print(answer(said))
