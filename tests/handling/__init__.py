"""What code that asyncio calls while it handles an exception sees of that exception."""
