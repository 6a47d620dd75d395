import os

import hal9 as h9

if not os.environ.get("OPENAI_API_KEY"):
    print("I would love to chat, but I have no key for a language model yet.\n")
    print("Whoever made me can give me one under the name `OPENAI_API_KEY`.")
    raise SystemExit

from openai import OpenAI  # here, not above: it takes a moment to load

messages = h9.load("messages", [{"role": "system", "content": "You are friendly and brief."}])
h9.input("What is on your mind? ", messages=messages)
stream = OpenAI().chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)
h9.complete(stream, messages)
h9.save("messages", messages, hidden=True)
