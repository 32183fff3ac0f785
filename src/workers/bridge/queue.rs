//! The queue before a reading thread. A newer question for the same window replaces one that still
//! waits, and ends one that runs when it asks for other rows: nobody waits for an answer that
//! nobody wants any more.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::model::command::Intent;
use crate::model::page::{DataRequest, PageRequest, RequestId, Table};
use crate::store::Interrupter;

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Job {
    /// For rows.
    Data(DataRequest),
    /// For a plan.
    Plan(Intent),
}

/// Windows of which only the newest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Window {
    Page(Table),
    Tree,
    Count(Table),
}

impl Job {
    const fn window(&self) -> Option<Window> {
        match self {
            Self::Data(DataRequest::Page(page)) => Some(Window::Page(page.table)),
            Self::Data(DataRequest::Tree(_)) => Some(Window::Tree),
            Self::Data(DataRequest::Count(page, _)) => Some(Window::Count(page.table)),
            _ => None,
        }
    }

    /// Whether `newer` asks for the same rows: then the one that runs may as well end, or a list
    /// that asks again with every change would never get an answer.
    fn same_rows(&self, newer: &Self) -> bool {
        let alike = |a: &PageRequest, b: &PageRequest| {
            a.filter == b.filter && a.scope == b.scope && a.below == b.below && a.sort == b.sort
        };
        match (self, newer) {
            (Self::Data(DataRequest::Page(a)), Self::Data(DataRequest::Page(b)))
            | (Self::Data(DataRequest::Count(a, _)), Self::Data(DataRequest::Count(b, _))) => alike(a, b),
            _ => true,
        }
    }
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(RequestId, Job)>,
    running: Option<(RequestId, Job)>,
    unwanted: bool,
    interrupter: Option<Interrupter>,
    closed: bool,
}

impl State {
    fn interrupt(&mut self) {
        self.unwanted = true;
        if let Some(interrupter) = &self.interrupter {
            interrupter.interrupt();
        }
    }
}

/// A queue with one reading thread behind it.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a question.
    pub(super) fn push(&self, id: RequestId, job: Job) {
        let mut state = self.lock();
        if let Some(window) = job.window() {
            state.waiting.retain(|(_, old)| old.window() != Some(window));
            let other = state.running.as_ref().is_some_and(|(_, r)| r.window() == Some(window) && !r.same_rows(&job));
            if other {
                state.interrupt();
            }
        }
        state.waiting.push_back((id, job));
        drop(state);
        self.wake.notify_one();
    }

    /// Takes a question back.
    pub(super) fn cancel(&self, id: RequestId) {
        let mut state = self.lock();
        state.waiting.retain(|(other, _)| *other != id);
        if state.running.as_ref().is_some_and(|(running, _)| *running == id) {
            state.interrupt();
        }
    }

    /// Ends the thread behind the queue.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        state.interrupt();
        drop(state);
        self.wake.notify_all();
    }

    /// The next question, when there is one; `None` when the queue is closed.
    pub(super) fn next(&self) -> Option<(RequestId, Job)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(next) = state.waiting.pop_front() {
                state.running = Some(next.clone());
                state.unwanted = false;
                return Some(next);
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The question at hand is answered. Which one it was, and whether the answer is still wanted.
    pub(super) fn finish(&self) -> Option<(RequestId, bool)> {
        let mut state = self.lock();
        let wanted = !state.unwanted;
        state.running.take().map(|(id, _)| (id, wanted))
    }

    /// What ends a query of the thread's connection.
    pub(super) fn set_interrupter(&self, interrupter: Option<Interrupter>) {
        self.lock().interrupter = interrupter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::page::{Anchor, Scope};
    use crate::workers::fixture::NOW;

    fn page(scope: Scope, offset: u64) -> Job {
        Job::Data(DataRequest::Page(PageRequest {
            table: Table::Alarms,
            scope,
            filter: None,
            below: None,
            sort: Vec::new(),
            anchor: Anchor::Offset(offset),
            limit: 10,
            new_since: None,
            now: NOW,
        }))
    }

    #[test]
    fn a_newer_window_replaces_the_one_that_waits() {
        let queue = Queue::default();
        queue.push(RequestId(1), page(Scope::Open, 0));
        queue.push(RequestId(2), Job::Data(DataRequest::FindNode("x".into())));
        queue.push(RequestId(3), page(Scope::Open, 10));
        let order: Vec<u64> = std::iter::from_fn(|| {
            let left = !queue.lock().waiting.is_empty();
            left.then(|| queue.next().map(|(id, _)| id.0)).flatten()
        })
        .collect();
        assert_eq!(order, [2, 3]);
    }

    #[test]
    fn scrolling_does_not_end_the_query_that_runs_but_another_filter_does() {
        let queue = Queue::default();
        queue.push(RequestId(1), page(Scope::Open, 0));
        queue.next().unwrap();
        queue.push(RequestId(2), page(Scope::Open, 10));
        assert_eq!(queue.finish(), Some((RequestId(1), true)));
        queue.next().unwrap();
        queue.push(RequestId(3), page(Scope::All, 0));
        assert_eq!(queue.finish(), Some((RequestId(2), false)));
    }

    #[test]
    fn what_is_taken_back_is_not_answered() {
        let queue = Queue::default();
        queue.push(RequestId(1), page(Scope::Open, 0));
        queue.push(RequestId(2), Job::Data(DataRequest::FindNode("x".into())));
        queue.cancel(RequestId(2));
        queue.next().unwrap();
        queue.cancel(RequestId(1));
        assert_eq!(queue.finish(), Some((RequestId(1), false)));
        assert!(queue.lock().waiting.is_empty());
    }

    #[test]
    fn a_closed_queue_lets_its_thread_go() {
        let queue = std::sync::Arc::new(Queue::default());
        let waiter = std::thread::spawn({
            let queue = queue.clone();
            move || queue.next()
        });
        queue.close();
        assert_eq!(waiter.join().unwrap(), None);
    }
}
