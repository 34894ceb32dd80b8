"""The one table of what the native half uses of this package.

The native half is below the package and imports nothing of it. It knows keys, and gets the object at each of them when
the package is imported (`crates/ferrio-python/src/base/imports/package.rs` says what each is for). A key that is
missing here or unknown there is an `ImportError`.
"""

from __future__ import annotations

from ferrio import _exceptions, _ferrio, _loop, _patches, _selector, _streams, _tasks, _warnings

TABLE: dict[str, object] = {
    "bound_run": _patches.bound_run,
    "give_way": _loop.give_way,
    "include_in_all_tasks": _tasks.include_in_all_tasks,
    "native_current_task": _ferrio.current_task,
    "native_task_factory": _patches.native_task_factory,
    "obey_patches": _patches.obey,
    "queue_shut_down": _exceptions.QueueShutDown,
    "release_waiter": _tasks.release_waiter,
    "run_is_replaced": _patches.run_is_replaced,
    "selector": _selector.Selector,
    "subprocess_stream_protocol": _streams.SubprocessStreamProtocol,
    "timer_list": _selector.TimerList,
    "warn_of_loop_with_signal_handlers": _warnings.loop_with_signal_handlers,
    "warn_of_process": _warnings.process,
    "warn_of_read_pipe": _warnings.read_pipe,
    "warn_of_tls": _warnings.tls,
    "warn_of_transport": _warnings.transport,
    "warn_of_write_pipe": _warnings.write_pipe,
    "warn_of_writer": _warnings.writer,
    "warn_of_writer_of_closed_loop": _warnings.writer_of_closed_loop,
}

_ferrio._hand_down(TABLE)
