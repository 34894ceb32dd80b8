"""Code that asyncio calls while it handles an exception sees that exception, and sees it on ferrio."""
