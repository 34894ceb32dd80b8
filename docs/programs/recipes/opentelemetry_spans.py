import asyncio

from opentelemetry import trace
from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
AsyncioInstrumentor().instrument()
tracer = trace.get_tracer("example")


async def work(name: str) -> None:
    with tracer.start_as_current_span(name):
        await asyncio.sleep(0.001)


async def main() -> None:
    with tracer.start_as_current_span("request"):
        await asyncio.gather(work("first"), work("second"))


asyncio.run(main())
spans = exporter.get_finished_spans()
(request,) = (span for span in spans if span.name == "request")
for span in sorted(spans, key=lambda span: span.name):
    inside = span.parent is not None and span.parent.span_id == request.context.span_id
    if span.name in ("first", "second", "request"):
        print(span.name, "inside request" if inside else "")
