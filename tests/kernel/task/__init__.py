"""Tasks, alone and among asyncio's own."""
