import asyncio
import gc
import warnings


async def save() -> None:
    print("saved")


async def main() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        save()  # The await is missing.
        gc.collect()
    for warning in caught:
        print(f"{warning.category.__name__}: {warning.message}")


asyncio.run(main())
