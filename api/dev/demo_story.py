"""x."""


async def story() -> str:
    return ""
