"""Programs that know only asyncio and well-known libraries, run by python and by ferrio."""
