import json
import random

with open("questions.json", encoding="utf-8") as file:
    questions = json.load(file)
random.shuffle(questions)

input("Five questions about space. Ready? ")
score = 0
for number, item in enumerate(questions, start=1):
    print(f"**{number}. {item['question']}**\n")
    for letter, choice in item["choices"].items():
        print(f"- {letter}) {choice}")
    print()

    answer = input("a, b or c? ").strip().lower()
    if answer[:1] == item["answer"]:
        score += 1
        print("Right! ✅\n")
    else:
        print(f"No, the answer is {item['answer']}). ❌\n")

print(f"You got **{score} of {len(questions)}**. Say anything to play again.")
