//! Models of the park protocol: every interleaving of its threads, with loom.
//! A lost wake-up is a deadlock, which loom reports.

use loom::sync::Condvar;
use loom::sync::atomic::AtomicUsize;
use loom::thread;

use super::*;

/// A waker like an eventfd: a wake makes the wait under way return, or the next.
#[derive(Debug, Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
    rings: AtomicUsize,
}

impl Bell {
    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.changed.wait(rung).unwrap();
        }
        *rung = false;
    }
}

impl Wake for Arc<Bell> {
    fn wake(&self) -> io::Result<()> {
        self.rings.fetch_add(1, Ordering::Relaxed);
        *self.rung.lock().unwrap() = true;
        self.changed.notify_one();
        Ok(())
    }
}

type Model = (Arc<Bell>, Arc<Injector<usize, Arc<Bell>>>);

fn model() -> Model {
    let bell = Arc::new(Bell::default());
    let injector = Arc::new(Injector::new(Arc::clone(&bell)));
    (bell, injector)
}

/// What the loop does once an iteration; returns whether it blocked.
fn iterate((bell, injector): &Model, ready: &mut Ready<usize>) -> bool {
    let parked = injector.begin_park();
    if parked {
        bell.wait();
        injector.end_park(ready);
    } else {
        injector.drain_into(ready);
    }
    parked
}

/// Runs the loop until it has seen what all producers push, and returns that.
fn run(producers: impl IntoIterator<Item = Vec<usize>>) -> Vec<usize> {
    let model = model();
    let mut expected = 0;
    let threads: Vec<_> = producers
        .into_iter()
        .map(|items| {
            expected += items.len();
            let injector = Arc::clone(&model.1);
            thread::spawn(move || {
                for item in items {
                    injector.push(item).unwrap();
                }
            })
        })
        .collect();
    let mut ready = Ready::new();
    let mut seen = Vec::new();
    let mut parks = 0;
    while seen.len() < expected {
        parks += usize::from(iterate(&model, &mut ready));
        seen.extend(ready.drain());
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(model.0.rings.load(Ordering::Relaxed) <= parks);
    seen
}

#[test]
fn pushes_of_one_thread_arrive_in_order_and_wake_at_most_once_a_park() {
    loom::model(|| assert_eq!(run([vec![0, 1, 2]]), [0, 1, 2]));
}

#[test]
fn pushes_of_two_threads_are_never_lost() {
    loom::model(|| {
        let mut seen = run([vec![0], vec![1]]);
        seen.sort_unstable();
        assert_eq!(seen, [0, 1]);
    });
}

#[test]
fn a_wake_without_a_payload_is_never_lost() {
    loom::model(|| {
        let model = model();
        let stop = Arc::new(AtomicBool::new(false));
        let stopper = {
            let (stop, injector) = (Arc::clone(&stop), Arc::clone(&model.1));
            thread::spawn(move || {
                stop.store(true, Ordering::Release);
                injector.wake().unwrap();
            })
        };
        let mut ready = Ready::new();
        while !stop.load(Ordering::Acquire) {
            iterate(&model, &mut ready);
        }
        stopper.join().unwrap();
    });
}

#[test]
fn closing_races_with_a_push_and_the_payload_comes_back_or_is_refused() {
    loom::model(|| {
        let model = model();
        let pusher = {
            let injector = Arc::clone(&model.1);
            thread::spawn(move || injector.push(1).is_ok())
        };
        let left = model.1.close();
        let accepted = pusher.join().unwrap();
        assert_eq!(left.len(), usize::from(accepted));
    });
}
