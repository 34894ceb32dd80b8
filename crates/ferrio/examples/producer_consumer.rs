//! Producers and consumers over a bounded queue: `put` waits while it is full, `get` while it is empty.

use std::cell::RefCell;
use std::convert::Infallible;
use std::error::Error;
use std::rc::Rc;

use ferrio::{JoinError, Queue, spawn, yield_now};

type Eaten = Rc<RefCell<Vec<String>>>;

async fn produce(
    name: &'static str,
    queue: Queue<String>,
    parts: usize,
) -> Result<(), ferrio::PutError> {
    for part in 1..=parts {
        if queue.is_full() {
            println!("{name} waits: the queue is full");
        }
        queue.put(format!("{name}{part}")).await?;
        println!("{name} put {name}{part}, {} in the queue", queue.len());
    }
    Ok(())
}

async fn consume(
    name: &'static str,
    queue: Queue<String>,
    turns: usize,
    eaten: Eaten,
) -> Result<Infallible, Box<dyn Error>> {
    loop {
        let item = queue.get().await?;
        // Work that takes so many turns of the loop.
        for _ in 0..turns {
            yield_now().await?;
        }
        println!("{name} is done with {item}");
        eaten.borrow_mut().push(item);
        queue.task_done()?;
    }
}

async fn work() -> Result<(), Box<dyn Error>> {
    let queue = Queue::new(2);
    let eaten = Eaten::default();
    let consumers = [("quick", 3), ("slow", 10)]
        .map(|(name, turns)| spawn(consume(name, queue.clone(), turns, eaten.clone())));

    let a = spawn(produce("a", queue.clone(), 4));
    let b = spawn(produce("b", queue.clone(), 3));
    a.await??;
    b.await??;
    queue.join().await?;
    let mut all = eaten.take();
    all.sort();
    println!("all {} done: {}", all.len(), all.join(" "));

    let mut endings = Vec::new();
    for task in consumers {
        task.cancel(None);
        endings.push(match task.await {
            Err(JoinError::Cancelled(_)) => "'CancelledError'",
            Ok(_) | Err(_) => "something else",
        });
    }
    println!("the consumers ended by [{}]", endings.join(", "));
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    ferrio::run(work())?
}
