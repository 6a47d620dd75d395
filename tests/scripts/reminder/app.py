import asyncio


async def remind(seconds, text):
    await asyncio.sleep(seconds)
    print(f"⏰ {text}")


async def main():
    reminders = set()
    print("Tell me what and when, like: tea in 3")
    while True:
        message = await asyncio.to_thread(input)
        text, found, seconds = message.rpartition(" in ")
        try:
            task = asyncio.create_task(remind(float(seconds), text))
        except ValueError:
            print("I did not get that. Try: tea in 3")
            continue
        reminders.add(task)
        print(f"OK, {text} in {seconds} seconds.")


asyncio.run(main())
