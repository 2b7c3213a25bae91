//! A sign of life on standard error for whatever takes longer than half a second.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a step is silent.
const SILENCE: Duration = Duration::from_millis(500);

/// A step under way. Shows nothing when it is short, or when standard error is no terminal; takes
/// what it showed away when it is dropped.
#[derive(Debug)]
pub struct Progress {
    watch: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins a step; `total` is the number of parts if it has parts.
    pub fn start(shown: bool, what: &str, total: Option<u64>) -> (Self, ProgressBar) {
        let bar = match total {
            Some(n) => ProgressBar::new(n),
            None => ProgressBar::no_length(),
        };
        bar.set_draw_target(ProgressDrawTarget::hidden());
        if !shown || !io::stderr().is_terminal() {
            return (Progress { watch: None }, bar);
        }
        let template = if total.is_some() {
            "{spinner} {msg} {wide_bar} {pos}/{len} {eta}"
        } else {
            "{spinner} {msg} {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        let (done, is_done) = channel::<()>();
        let watched = bar.clone();
        let watch = std::thread::spawn(move || {
            if is_done.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
                watched.set_draw_target(ProgressDrawTarget::stderr());
                watched.enable_steady_tick(Duration::from_millis(100));
                // Until the sender is dropped.
                let _ = is_done.recv();
            }
            watched.finish_and_clear();
        });
        (
            Progress {
                watch: Some((done, watch)),
            },
            bar,
        )
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, watch)) = self.watch.take() {
            drop(done);
            // A watcher that panicked has nothing left to clear.
            let _ = watch.join();
        }
    }
}
