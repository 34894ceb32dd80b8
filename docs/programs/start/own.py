import ferrio


async def main() -> str:
    queue = ferrio.Queue()
    async with ferrio.TaskGroup() as group:
        group.create_task(queue.put("hello"))
        answer = group.create_task(queue.get())
    return answer.result()


print(ferrio.run(main()))
