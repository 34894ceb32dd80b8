//! Values of a task's own.

use std::time::Duration;

use ferrio::{LocalKey, run, sleep, spawn};

static NUMBER: LocalKey<u32> = LocalKey::new();
static TEXT: LocalKey<String> = LocalKey::new();

#[test]
fn a_task_inherits_what_is_set_when_it_is_made_and_changes_only_its_own() {
    run(async {
        assert_eq!(NUMBER.set(1), None);
        let before = spawn(async {
            sleep(Duration::from_millis(1)).await.unwrap();
            let seen = NUMBER.get();
            NUMBER.set(10);
            (seen, NUMBER.get(), TEXT.get())
        });
        assert_eq!(NUMBER.set(2), Some(1));
        TEXT.set("x".into());
        assert_eq!(before.await.unwrap(), (Some(1), Some(10), None));
        assert_eq!(NUMBER.get(), Some(2));
        assert_eq!(
            spawn(async { TEXT.get() }).await.unwrap().as_deref(),
            Some("x")
        );
    })
    .unwrap();
    assert_eq!(NUMBER.get(), None);
}

#[test]
fn what_is_set_outside_of_tasks_is_the_threads() {
    NUMBER.set(5);
    run(async { assert_eq!(spawn(async { NUMBER.get() }).await.unwrap(), None) }).unwrap();
    assert_eq!(NUMBER.get(), Some(5));
    assert_eq!(std::thread::spawn(|| NUMBER.get()).join().unwrap(), None);
}
