//! Descriptors are counted in a process of their own: no other test may open any.

#![cfg(target_os = "linux")]

use ferrio::engine::{Block, LoopCore};

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn closing_frees_the_descriptors_even_while_injectors_live_on() {
    let before = open_descriptors();
    let mut core = LoopCore::<u8>::new().unwrap();
    let injector = core.injector();
    assert_eq!(open_descriptors(), before + 2, "a poller and a waker");

    let mut parked = core.park(Block::Never);
    let outcome = parked.wait();
    core.unpark(parked, outcome, |payload| *payload).unwrap();
    core.close();
    assert_eq!(open_descriptors(), before);
    injector.wake().unwrap();
    drop(core);
    drop(injector);

    // Without closing, the loop and its last injector free them.
    let core = LoopCore::<u8>::new().unwrap();
    let injector = core.injector();
    drop(core);
    drop(injector);
    assert_eq!(open_descriptors(), before);
}
