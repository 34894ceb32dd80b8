//! Random programs of queues: nothing is lost, and order is kept.

use std::cell::RefCell;
use std::rc::Rc;

use ferrio::{BaseQueue, Fifo, GetError, JoinError, PutError, Queue, Task, run, spawn, yield_now};
use proptest::prelude::*;

use crate::settle;

/// A step of a random program.
#[derive(Clone, Copy, Debug)]
enum Act {
    Put,
    PutNowait,
    Get,
    GetNowait,
    Cancel(usize),
    Yield,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => Just(Act::Put),
        1 => Just(Act::PutNowait),
        3 => Just(Act::Get),
        1 => Just(Act::GetNowait),
        3 => any::<usize>().prop_map(Act::Cancel),
        2 => Just(Act::Yield),
    ];
    prop::collection::vec(act, 0..80)
}

/// A random program that has put items into a queue and got them out.
#[derive(Default)]
struct Program {
    /// The items that were put in, and those that were taken out, in order.
    put: Rc<RefCell<Vec<usize>>>,
    got: Rc<RefCell<Vec<usize>>>,
    tasks: Vec<Task<Result<(), ferrio::Cancelled>>>,
}

impl Program {
    async fn run(&mut self, queue: &Queue<usize>, acts: &[Act]) {
        for (number, act) in acts.iter().enumerate() {
            let (their, put, got) = (queue.clone(), self.put.clone(), self.got.clone());
            match *act {
                Act::Put => self.tasks.push(spawn(async move {
                    match their.put(number).await {
                        Ok(()) => put.borrow_mut().push(number),
                        Err(PutError::Cancelled(cancelled)) => return Err(cancelled),
                        Err(PutError::ShutDown) => {}
                    }
                    Ok(())
                })),
                Act::Get => self.tasks.push(spawn(async move {
                    match their.get().await {
                        Ok(item) => got.borrow_mut().push(item),
                        Err(GetError::Cancelled(cancelled)) => return Err(cancelled),
                        Err(GetError::ShutDown) => {}
                    }
                    Ok(())
                })),
                Act::PutNowait if queue.put_nowait(number).is_ok() => put.borrow_mut().push(number),
                Act::GetNowait => got.borrow_mut().extend(queue.get_nowait()),
                Act::Cancel(which) if !self.tasks.is_empty() => {
                    self.tasks[which % self.tasks.len()].cancel(None);
                }
                Act::Yield => yield_now().await.unwrap(),
                Act::PutNowait | Act::Cancel(_) => {}
            }
            assert!(queue.maxsize() == 0 || queue.len() <= queue.maxsize());
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_and_order_is_kept(maxsize in 0usize..4, acts in acts()) {
        run(async move {
            let queue: BaseQueue<usize, Fifo> = Queue::new(maxsize);
            let mut program = Program::default();
            program.run(&queue, &acts).await;
            for _ in &acts {
                settle().await; // Each step can be the cause of another one.
            }
            // Nobody waits in vain: there are no getters with items, and no putters with room.
            let state = format!("{queue:?}");
            assert!(queue.is_empty() || !state.contains("getters"), "{state}");
            assert!(queue.is_full() || !state.contains("putters"), "{state}");
            while let Ok(item) = queue.get_nowait() {
                program.got.borrow_mut().push(item);
                settle().await;
            }
            queue.shutdown(false);
            for task in program.tasks {
                let outcome = task.await;
                assert!(matches!(outcome, Ok(_) | Err(JoinError::Cancelled(_))));
            }
            assert_eq!(*program.got.borrow(), *program.put.borrow());
        })
        .unwrap();
    }
}
