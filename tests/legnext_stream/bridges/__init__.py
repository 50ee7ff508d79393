"""The bridges: the hosting of Trio, and plain code and asyncio on it."""
