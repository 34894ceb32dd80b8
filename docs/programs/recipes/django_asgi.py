import asyncio

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="for the example only")
django.setup()


async def double(request: HttpRequest, number: int) -> JsonResponse:
    await asyncio.sleep(0)
    return JsonResponse({"double": 2 * number})


def plain(request: HttpRequest) -> JsonResponse:  # Django runs it in a thread.
    return JsonResponse({"view": "a plain function"})


urlpatterns = [path("double/<int:number>", double), path("plain", plain)]
application = get_asgi_application()


async def main() -> None:
    import httpx

    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://example") as client:
        answers = await asyncio.gather(client.get("/double/21"), client.get("/plain"))
        print([answer.json() for answer in answers])


if __name__ == "__main__":
    asyncio.run(main())
